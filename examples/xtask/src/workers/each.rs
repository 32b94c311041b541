//! `cargo xtask build --each`: what each model and each network adds to a Worker, written into examples/README.md.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use anyhow::{Context, Result};

use super::{
    WORKERS, Worker,
    build::{build, make},
    figures,
};
use crate::{cargo, run::say};

const BEGIN: &str = "<!-- what `cargo xtask build --each` wrote -->\n";

/// Builds each Worker with every feature in turn beside its default, and the default at the end. Takes a quarter of an hour.
pub(crate) fn each(root: &Path) -> Result<()> {
    let mut block = String::from("\n| built in | pseo-generator | social-poster |\n|---|---|---|\n");
    let mut grown: BTreeMap<String, [Option<i64>; 2]> = BTreeMap::new();
    let metadata = cargo::metadata(root, false)?;
    let members = cargo::members(&metadata);
    let whole = build(root, None, None, None)?;
    for (at, (worker, size)) in WORKERS.iter().zip(&whole).enumerate() {
        let default = worker.features(None, None)?;
        let package = members.get(worker.package).context("a Worker that is no package")?;
        for feature in package["features"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            if feature == "default" || default.split(',').any(|known| known == feature) {
                continue;
            }
            let gzip = weigh(root, *worker, &format!("{default},{feature}"))?;
            grown.entry(feature.clone()).or_default()[at] = Some(gzip - i64::try_from(size.gzip)?);
        }
    }
    for (feature, added) in &grown {
        let cells = added.map(|bytes| bytes.map_or_else(String::new, |bytes| format!("{:+.1} kB", bytes as f64 / 1e3)));
        let _ = writeln!(block, "| `{feature}` | {} | {} |", cells[0], cells[1]);
    }
    block.push('\n');
    build(root, None, None, None)?;
    figures::replace(root, BEGIN, &block)
}

fn weigh(root: &Path, worker: Worker, features: &str) -> Result<i64> {
    let sizes = make(root, &[worker], Some(features))?;
    let size = sizes.first().context("nothing was built")?;
    say(format_args!("{} with {features}: {} gzipped\n", size.worker, size.gzip));
    Ok(i64::try_from(size.gzip)?)
}

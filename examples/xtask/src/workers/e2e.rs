//! `cargo xtask e2e`: both Workers on workerd, with real D1 and Queues, against a server that plays model and network.

use std::path::Path;

use anyhow::{Result, bail};

use super::{NETWORKS, SUITES, build, build::make, figures};
use crate::run::{Ran, run};

pub(super) const FOLDER: &str = "examples/e2e";

/// Builds the Workers, installs what the suite needs from npm, runs it. With `write`, also measures and writes the figures
/// of examples/README.md; without, a Worker that is heavier than they say fails the run.
pub(crate) fn e2e(root: &Path, write: bool) -> Result<Ran> {
    let sizes = build(root, None, None, None)?;
    // By itself: what the suites turn on stays out of the Workers that are deployed.
    make(root, &[SUITES], None)?;
    make(root, &[NETWORKS], Some(&NETWORKS.features(None, None)?))?;
    install(root)?;
    let folder = root.join(FOLDER);
    let mut ran = run(
        &folder,
        &[
            "node",
            "--test",
            "--test-concurrency=3",
            "--test-timeout=300000",
            "--test-reporter=spec",
        ],
        &[],
    )?;
    if write && ran.ok {
        figures::write(root, &folder, &sizes)?;
    } else {
        for sentence in figures::grown(root, &sizes)? {
            ran.ok = false;
            ran.output.push_str(&format!("{sentence}\n"));
        }
    }
    Ok(ran)
}

/// Brings Miniflare from npm.
pub(super) fn install(root: &Path) -> Result<()> {
    let folder = root.join(FOLDER);
    let lock = std::fs::read(folder.join("package-lock.json"))?;
    // npm takes ten seconds to find that nothing changed.
    let stamp = folder.join("node_modules/.installed");
    if std::fs::read(&stamp).ok().as_ref() == Some(&lock) {
        return Ok(());
    }
    let ran = run(&folder, &["npm", "ci", "--no-audit", "--no-fund"], &[])?;
    if !ran.ok {
        bail!("npm ci failed in {FOLDER}:\n{}", ran.output);
    }
    std::fs::write(&stamp, &lock)?;
    Ok(())
}

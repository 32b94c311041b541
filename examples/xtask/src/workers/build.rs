//! `cargo xtask build`: cargo, then wasm-bindgen as a library, then the entry. Nothing is downloaded that is not in
//! Cargo.lock. wasm-opt stays out: it takes 12 % of the raw size and adds 2 % to the gzipped one, which counts.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};
use wasm_bindgen_cli_support::Bindgen;

use super::{WORKERS, Worker};
use crate::{
    cargo::target_dir,
    rules::lock,
    run::{run, say},
    tools::{WASM, ensure_wasm},
};

const SHIM: &str = include_str!("shim.js");

/// What a Worker weighs: its wasm, raw and as Cloudflare counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) worker: &'static str,
    pub(crate) raw: usize,
    pub(crate) gzip: usize,
}

/// Builds the Worker of that name, or both that are deployed, with the model and the networks they know without more words
/// or with those, and prints their sizes.
pub(crate) fn build(root: &Path, name: Option<&str>, model: Option<&str>, targets: Option<&str>) -> Result<Vec<Size>> {
    let chosen: Vec<Worker> = WORKERS
        .iter()
        .copied()
        .filter(|worker| name.is_none_or(|name| name == worker.package))
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = WORKERS.iter().map(|worker| worker.package).collect();
        bail!(
            "there is no Worker `{}`, expected {}",
            name.unwrap_or_default(),
            names.join(" or ")
        );
    }
    let sizes = if model.is_none() && targets.is_none() {
        make(root, &chosen, None)?
    } else {
        let one = |worker: &Worker| make(root, &[*worker], Some(&worker.features(model, targets)?));
        chosen.iter().map(one).collect::<Result<Vec<_>>>()?.concat()
    };
    for Size { worker, raw, gzip } in &sizes {
        say(format_args!("{worker:<16} {raw:>8} bytes, {gzip:>7} gzipped\n"));
    }
    Ok(sizes)
}

/// Builds Workers into their build folders. One call has one set of features for all of them.
pub(super) fn make(root: &Path, workers: &[Worker], features: Option<&str>) -> Result<Vec<Size>> {
    if let Some(disagree) = lock::disagreements(root)?.first() {
        bail!("{disagree}");
    }
    ensure_wasm(root)?;
    let mut line = vec!["cargo", "build", "--locked", "--profile", "worker", "--target", WASM];
    line.extend(workers.iter().flat_map(|worker| ["--package", worker.package]));
    if let Some(features) = features {
        line.extend(["--no-default-features", "--features", features]);
    }
    let ran = run(root, &line, &[])?;
    if !ran.ok {
        bail!("cargo build failed:\n{}", ran.output);
    }
    workers.iter().map(|worker| bind(root, *worker)).collect()
}

/// Writes the build folder.
fn bind(root: &Path, worker: Worker) -> Result<Size> {
    let file = format!("{}.wasm", worker.package.replace('-', "_"));
    let wasm = target_dir(root).join(WASM).join("worker").join(file);
    let out = worker.build_folder(root);
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("removing {}", out.display()))?;
    }
    Bindgen::new()
        .input_path(&wasm)
        .out_name("index")
        .module(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .reset_state_function(true)
        .force_enable_abort_handler(true)
        .generate(&out)
        .with_context(|| format!("binding {}", wasm.display()))?;
    // workerd has no imports of the source phase; its plain import of a .wasm already gives the module.
    let glue = out.join("index.js");
    let text = fs::read_to_string(&glue).with_context(|| format!("reading {}", glue.display()))?;
    if !text.contains("import source ") {
        bail!(
            "{} does not import its wasm as this build expects; another wasm-bindgen?",
            glue.display()
        );
    }
    fs::write(&glue, text.replace("import source ", "import "))?;
    fs::write(out.join("worker.js"), SHIM)?;
    let wasm = fs::read(out.join("index_bg.wasm"))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&wasm)?;
    Ok(Size {
        worker: worker.package,
        raw: wasm.len(),
        gzip: gzip.finish()?.len(),
    })
}

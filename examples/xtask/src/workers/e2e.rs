//! `cargo xtask e2e`: both Workers on workerd, with real D1 and Queues, against a server that plays model and network.

use std::path::Path;

use anyhow::{Result, bail};

use super::build;
use crate::run::{Ran, run};

const FOLDER: &str = "examples/e2e";

/// Builds both Workers, installs what the suite needs from npm, runs it.
pub(crate) fn e2e(root: &Path) -> Result<Ran> {
    build(root, None)?;
    let folder = root.join(FOLDER);
    let lock = std::fs::read(folder.join("package-lock.json"))?;
    // npm takes ten seconds to find that nothing changed.
    let stamp = folder.join("node_modules/.installed");
    if std::fs::read(&stamp).ok().as_ref() != Some(&lock) {
        let ran = run(&folder, &["npm", "ci", "--no-audit", "--no-fund"], &[])?;
        if !ran.ok {
            bail!("npm ci failed in {FOLDER}:\n{}", ran.output);
        }
        std::fs::write(&stamp, &lock)?;
    }
    run(
        &folder,
        &["node", "--test", "--test-concurrency=4", "--test-reporter=spec"],
        &[],
    )
}

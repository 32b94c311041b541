//! `bench`: hands over to the runner of `benches/`, a workspace of its own.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

/// Runs the runner with these arguments, its output as it comes. The answer is whether it succeeded.
pub(crate) fn bench(root: &Path, args: &[String]) -> Result<bool> {
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--package", "runner", "--"])
        .args(args)
        .current_dir(root.join("benches"))
        .status()
        .context("starting `cargo`")?;
    Ok(status.success())
}

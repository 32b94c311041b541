//! Bench programs: built one by one, so that features of one contender never reach another.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// The folder of this workspace.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map(Path::to_owned).unwrap_or(here)
}

/// Builds `bin` of `package` with these features alone and keeps a copy under a name of its own.
pub fn build(package: &str, bin: &str, features: &str) -> Result<PathBuf> {
    let root = root();
    let target = root.join("target");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(&root)
        .args(["build", "--release", "--quiet", "--no-default-features"]);
    cargo.args(["--package", package, "--bin", bin, "--features", features]);
    cargo.arg("--target-dir").arg(&target);
    if !cargo.status().context("cargo does not start")?.success() {
        bail!("{package} with `{features}` does not build");
    }
    let folder = target.join("programs");
    std::fs::create_dir_all(&folder)?;
    let copy = folder.join(format!("{bin}-{}", features.replace(',', "-")));
    std::fs::copy(target.join("release").join(bin), &copy).with_context(|| format!("no binary of {package}"))?;
    Ok(copy)
}

/// Crates a build of `package` with these features compiles in, itself and the meter not counted.
pub fn crates(package: &str, features: &str) -> Result<f64> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root())
        .args(["tree", "--edges", "normal", "--prefix", "none", "--no-default-features"]);
    cargo.args(["--format", "{p}", "--package", package, "--features", features]);
    let output = cargo.output()?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines: Vec<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    lines.sort_unstable();
    lines.dedup();
    Ok(lines.len() as f64 - 2.0)
}

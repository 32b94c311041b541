//! What cargo knows about the workspace.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run::run;

/// The library crates of the family, and where the wasm32 rows apply to them.
pub(crate) const LIBRARIES: &[&str] = &[
    "presswork-ai-adapter",
    "presswork-content-store",
    "presswork-queue",
    "presswork-social",
    "presswork-pipeline",
];

/// The four that know nothing of each other.
pub(crate) const INDEPENDENT: &[&str] = LIBRARIES.split_at(4).0;

/// The Workers that are deployed.
pub(crate) const WORKERS: &[&str] = &["pseo-generator", "social-poster"];

/// The shared build folder.
pub(crate) fn target_dir(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// `cargo metadata`, with or without the resolved graph.
pub(crate) fn metadata(root: &Path, graph: bool) -> Result<Value> {
    let mut line = vec!["cargo", "metadata", "--format-version", "1", "--locked"];
    if !graph {
        line.push("--no-deps");
    }
    let ran = run(root, &line, &[])?;
    if !ran.ok {
        bail!("cargo metadata failed:\n{}", ran.output);
    }
    let json = ran
        .output
        .lines()
        .find(|l| l.starts_with('{'))
        .context("cargo metadata printed no JSON")?;
    serde_json::from_str(json).context("reading cargo metadata")
}

/// A list under a key; empty when the key is absent.
pub(crate) fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

/// A text under a key; empty when it is absent.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// Package name to its entry, workspace members only.
pub(crate) fn members(metadata: &Value) -> BTreeMap<&str, &Value> {
    let members: Vec<&Value> = list(metadata, "workspace_members").collect();
    list(metadata, "packages")
        .filter(|p| members.contains(&&p["id"]))
        .map(|p| (text(p, "name"), p))
        .collect()
}

/// Every `name version` of Cargo.lock.
pub(crate) fn locked(root: &Path) -> Result<Vec<(String, String)>> {
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("reading Cargo.lock")?;
    Ok(parse_lock(&lock))
}

fn parse_lock(lock: &str) -> Vec<(String, String)> {
    let quoted = |line: &str, key: &str| {
        line.strip_prefix(key)?
            .strip_prefix(" = \"")?
            .strip_suffix('"')
            .map(str::to_owned)
    };
    let lines: Vec<&str> = lock.lines().collect();
    lines
        .windows(2)
        .filter_map(|w| Some((quoted(w[0], "name")?, quoted(w[1], "version")?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_is_read() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\ndependencies = [\n \"b\",\n]\n\n\
                    [[package]]\nname = \"b\"\nversion = \"0.1.0\"\n";
        let owned = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(parse_lock(lock), [owned("a", "1.2.3"), owned("b", "0.1.0")]);
    }
}

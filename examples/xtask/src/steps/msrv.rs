use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Action, Outcome, Step};
use crate::cargo::{list, members, metadata, text};

pub(super) const STEP: Step = Step {
    name: "msrv",
    why: "No dependency of a published crate asks for a newer Rust than the crate promises.",
    action: Action::Check {
        does: "cargo metadata, normal and build dependencies with every feature",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    Ok(Outcome::of_violations(violations(&metadata(root, true)?)?))
}

fn violations(metadata: &Value) -> Result<Vec<String>> {
    let packages: BTreeMap<&str, &Value> = list(metadata, "packages").map(|p| (text(p, "id"), p)).collect();
    let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"], "nodes")
        .map(|n| (text(n, "id"), n))
        .collect();
    let mut broken = Vec::new();
    // `publish = false` is an empty list; no word on it is null.
    for member in members(metadata).into_values().filter(|p| p["publish"].is_null()) {
        let name = text(member, "name");
        let promised = text(member, "rust_version");
        let floor = version(promised).with_context(|| format!("{name} declares no rust-version"))?;
        let (mut seen, mut queue) = (BTreeSet::new(), vec![text(member, "id")]);
        while let Some(id) = queue.pop() {
            if !seen.insert(id) {
                continue;
            }
            let package = packages
                .get(id)
                .with_context(|| format!("cargo metadata describes no {id}"))?;
            let wanted = text(package, "rust_version");
            if version(wanted).is_some_and(|wanted| wanted > floor) {
                let (dependency, v) = (text(package, "name"), text(package, "version"));
                broken.push(format!(
                    "{name} promises Rust {promised}, but {dependency} {v} asks for {wanted}"
                ));
            }
            let Some(node) = nodes.get(id) else { continue };
            queue.extend(list(node, "deps").filter(|d| !only_dev(d)).map(|d| text(d, "pkg")));
        }
    }
    Ok(broken)
}

/// Users do not build what only tests need.
fn only_dev(dependency: &Value) -> bool {
    list(dependency, "dep_kinds").all(|k| k["kind"] == "dev")
}

/// `1.91` and `1.91.0` are the same promise.
fn version(text: &str) -> Option<(u64, u64, u64)> {
    let mut parts = text.split('.').map(|p| p.parse().ok());
    Some((
        parts.next()??,
        parts.next().unwrap_or(Some(0))?,
        parts.next().unwrap_or(Some(0))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn graph(kind: &str) -> Value {
        json!({
            "workspace_members": ["a", "tool"],
            "packages": [
                { "id": "a", "name": "a", "version": "0.1.0", "rust_version": "1.91", "publish": null },
                { "id": "tool", "name": "tool", "version": "0.1.0", "rust_version": "1.91", "publish": [] },
                { "id": "b", "name": "b", "version": "2.0.0", "rust_version": "1.91.0" },
                { "id": "c", "name": "c", "version": "3.0.0", "rust_version": "1.99" },
            ],
            "resolve": { "nodes": [
                { "id": "a", "deps": [{ "pkg": "b", "dep_kinds": [{ "kind": null }] }] },
                { "id": "tool", "deps": [{ "pkg": "c", "dep_kinds": [{ "kind": null }] }] },
                { "id": "b", "deps": [{ "pkg": "c", "dep_kinds": [{ "kind": kind }] }] },
                { "id": "c", "deps": [] },
            ] },
        })
    }

    #[test]
    fn a_newer_dependency_of_a_dependency_breaks_the_promise() {
        let broken = violations(&graph("build")).unwrap();
        assert_eq!(broken, ["a promises Rust 1.91, but c 3.0.0 asks for 1.99"]);
    }

    #[test]
    fn what_only_tests_or_unpublished_tools_need_does_not() {
        assert!(violations(&graph("dev")).unwrap().is_empty());
    }
}

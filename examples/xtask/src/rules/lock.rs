use std::path::Path;

use anyhow::{Context, Result};

use crate::{
    cargo::locked,
    steps::{Action, Outcome, Step},
};

pub(crate) const SQLITE: Step = Step {
    name: "one-sqlite",
    why: "Cargo.lock holds one SQLite library and no sqlx, which would bring a second.",
    action: Action::Check {
        does: "reads Cargo.lock",
        check: sqlite,
    },
};

pub(crate) const PINS: Step = Step {
    name: "pins",
    why: "Cargo.lock holds the exact versions the workspace pins, and one schema of wasm-bindgen.",
    action: Action::Check {
        does: "reads Cargo.lock and the `=` pins of Cargo.toml",
        check: pins,
    },
};

/// Parts of wasm-bindgen that must be of one version: the library writes what the tool reads.
const BINDGEN: &[&str] = &[
    "wasm-bindgen",
    "wasm-bindgen-cli-support",
    "wasm-bindgen-macro",
    "wasm-bindgen-macro-support",
    "wasm-bindgen-shared",
];

type Locked = [(String, String)];

fn sqlite(root: &Path) -> Result<Outcome> {
    Ok(Outcome::of_violations(second_sqlite(&locked(root)?)))
}

fn second_sqlite(locked: &Locked) -> Vec<String> {
    let libraries = versions(locked, "libsqlite3-sys");
    let mut broken = Vec::new();
    if libraries.len() > 1 {
        broken.push(format!(
            "Cargo.lock holds libsqlite3-sys {}: one is enough.",
            libraries.join(" and ")
        ));
    }
    let sqlx = locked
        .iter()
        .filter(|(name, _)| name == "sqlx" || name.starts_with("sqlx-"));
    broken
        .extend(sqlx.map(|(name, version)| format!("Cargo.lock holds {name} {version}, which links its own SQLite.")));
    broken
}

fn pins(root: &Path) -> Result<Outcome> {
    Ok(Outcome::of_violations(disagreements(root)?))
}

/// One sentence for each version in Cargo.lock that is not the one pinned, or that its other half cannot read.
pub(crate) fn disagreements(root: &Path) -> Result<Vec<String>> {
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).context("reading Cargo.toml")?;
    Ok(unpinned(&manifest, &locked(root)?))
}

fn unpinned(manifest: &str, locked: &Locked) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, pin) in pinned(manifest) {
        for version in versions(locked, name).into_iter().filter(|v| *v != pin) {
            broken.push(format!("Cargo.toml pins {name} to {pin}, Cargo.lock holds {version}."));
        }
    }
    let library = versions(locked, "wasm-bindgen");
    for part in BINDGEN {
        for version in versions(locked, part)
            .into_iter()
            .filter(|v| library.first() != Some(v))
        {
            let library = library.join(" and ");
            broken.push(format!(
                "Cargo.lock holds {part} {version} beside wasm-bindgen {library}: one must read the other."
            ));
        }
    }
    broken
}

/// The exact pins among the workspace's dependencies: `name = "=1.2.3"` or `name = { version = "=1.2.3", .. }`.
fn pinned(manifest: &str) -> impl Iterator<Item = (&str, &str)> {
    manifest.lines().filter_map(|line| {
        let (name, value) = line.split_once(" = ")?;
        let (_, pin) = value.split_once("\"=")?;
        Some((name.trim(), pin.split_once('"')?.0))
    })
}

fn versions<'l>(locked: &'l Locked, name: &str) -> Vec<&'l str> {
    locked
        .iter()
        .filter(|(n, _)| n == name)
        .map(|(_, version)| version.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(packages: &[(&str, &str)]) -> Vec<(String, String)> {
        packages
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn a_second_sqlite_is_told() {
        assert!(second_sqlite(&lock(&[("libsqlite3-sys", "0.35.0"), ("rusqlite", "0.43.0")])).is_empty());
        let two = lock(&[
            ("libsqlite3-sys", "0.30.0"),
            ("libsqlite3-sys", "0.35.0"),
            ("sqlx-core", "0.8.0"),
        ]);
        assert_eq!(second_sqlite(&two).len(), 2);
    }

    #[test]
    fn pins_hold_and_the_parts_of_bindgen_agree() {
        let manifest = "js-sys = \"=0.3.106\"\nworker = { version = \"=0.8.7\", features = [\"d1\"] }\nserde = \"1\"\n";
        let good = lock(&[
            ("js-sys", "0.3.106"),
            ("wasm-bindgen", "0.2.129"),
            ("wasm-bindgen-shared", "0.2.129"),
        ]);
        assert!(unpinned(manifest, &good).is_empty());
        let bad = lock(&[
            ("js-sys", "0.3.107"),
            ("worker", "0.8.7"),
            ("wasm-bindgen", "0.2.129"),
            ("wasm-bindgen-cli-support", "0.2.130"),
        ]);
        assert_eq!(
            unpinned(manifest, &bad),
            [
                "Cargo.toml pins js-sys to 0.3.106, Cargo.lock holds 0.3.107.",
                "Cargo.lock holds wasm-bindgen-cli-support 0.2.130 beside wasm-bindgen 0.2.129: one must read the other.",
            ]
        );
    }

    /// `cargo xtask build` stops at the first of these sentences.
    #[test]
    fn a_checkout_whose_versions_disagree_is_told_in_one_sentence() {
        let folder = std::env::temp_dir().join(format!("presswork-pins-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("Cargo.toml"), "wasm-bindgen = \"=0.2.129\"\n").unwrap();
        let lock = "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        std::fs::write(folder.join("Cargo.lock"), lock).unwrap();
        let said = disagreements(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(
            said.unwrap(),
            ["Cargo.toml pins wasm-bindgen to 0.2.129, Cargo.lock holds 0.2.130."]
        );
    }
}

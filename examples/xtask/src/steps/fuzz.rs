use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{Action, Outcome, Step};
use crate::{cargo::target_dir, run::run};

pub(super) const STEP: Step = Step {
    name: "fuzz",
    why: "Every fuzz target compiles without warnings, against the versions its own Cargo.lock holds.",
    action: Action::Check {
        does: "cargo check --locked --bins --no-default-features with the cfg of cargo-fuzz, per folder */fuzz",
        check,
    },
};

/// What cargo-fuzz sets; its instrumentation, which no check needs, is unstable.
const FLAGS: &str = "--cfg fuzzing -D warnings";

fn check(root: &Path) -> Result<Outcome> {
    let target = target_dir(root);
    let env = [
        ("CARGO_TARGET_DIR", target.as_os_str()),
        ("RUSTFLAGS", OsStr::new(FLAGS)),
    ];
    let (mut broken, manifests) = (Vec::new(), manifests(root)?);
    for manifest in &manifests {
        let manifest = manifest.to_string_lossy();
        // The default feature builds libFuzzer, which is C++.
        let line = [
            "cargo",
            "check",
            "--locked",
            "--bins",
            "--no-default-features",
            "--manifest-path",
            &manifest,
        ];
        let ran = run(root, &line, &env)?;
        if !ran.ok {
            broken.push(format!("{manifest}:\n{}", ran.output));
        }
    }
    let mut outcome = Outcome::of_violations(broken);
    outcome.note = format!("{} folders", manifests.len());
    Ok(outcome)
}

/// The manifests of the fuzz targets. They are no members, so cargo does not know of them.
fn manifests(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).context("listing the checkout")? {
        let manifest = entry.context("listing the checkout")?.path().join("fuzz/Cargo.toml");
        if manifest.is_file() {
            found.push(manifest);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_that_the_workspace_leaves_out_are_found() {
        let root = crate::root().unwrap();
        let workspace = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
        let excluded = workspace.lines().find_map(|line| line.strip_prefix("exclude = "));
        let excluded: Vec<PathBuf> = serde_json::from_str::<Vec<&str>>(excluded.unwrap())
            .unwrap()
            .into_iter()
            .map(|folder| root.join(folder).join("Cargo.toml"))
            .collect();
        assert_eq!(manifests(&root).unwrap(), excluded);
    }
}

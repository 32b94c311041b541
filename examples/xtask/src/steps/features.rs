use std::path::Path;

use anyhow::Result;

use super::{Action, Outcome, Step};
use crate::{
    cargo::{LIBRARIES, list, members, metadata},
    run::run,
    tools,
};

pub(super) const NATIVE: Step = Step {
    name: "features",
    why: "Each library compiles without warnings with no feature, with each feature alone and with all of them.",
    action: Action::Check {
        does: "cargo hack check --each-feature --lib, per library",
        check: native,
    },
};

pub(super) const WASM: Step = Step {
    name: "features-wasm",
    why: "So it does for wasm32, except for the features a crate declares to be native only.",
    action: Action::Check {
        does: "cargo hack check --each-feature --lib --target wasm32-unknown-unknown, per library, without the features \
               of its [package.metadata.presswork] native-only",
        check: wasm,
    },
};

fn native(root: &Path) -> Result<Outcome> {
    rows(root, false)
}

fn wasm(root: &Path) -> Result<Outcome> {
    tools::ensure_wasm(root)?;
    rows(root, true)
}

fn rows(root: &Path, wasm: bool) -> Result<Outcome> {
    let program = tools::HACK.ensure(root)?;
    let program = program.to_string_lossy();
    let metadata = metadata(root, false)?;
    let members = members(&metadata);
    let (mut broken, mut counted) = (Vec::new(), 0);
    for name in LIBRARIES {
        // `--lib` leaves dev-dependencies out of the features, so the manifests need no rewriting.
        let mut line = vec![
            &*program,
            "hack",
            "check",
            "--locked",
            "--each-feature",
            "--keep-going",
            "--lib",
            "-p",
            name,
        ];
        let package = members.get(name);
        // A feature named `__x` is the common part of others and nothing by itself.
        let private = package.and_then(|p| p["features"].as_object());
        let mut excluded: Vec<&str> = private
            .into_iter()
            .flatten()
            .map(|(feature, _)| feature.as_str())
            .collect();
        excluded.retain(|feature| feature.starts_with("__"));
        if wasm {
            let native_only = package
                .into_iter()
                .flat_map(|p| list(&p["metadata"]["presswork"], "native-only"));
            excluded.extend(native_only.filter_map(|feature| feature.as_str()));
            line.extend(["--target", tools::WASM]);
        }
        let excluded = excluded.join(",");
        if !excluded.is_empty() {
            line.extend(["--exclude-features", &excluded]);
        }
        if wasm && package.is_some_and(|p| !p["metadata"]["presswork"]["native-only"].is_null()) {
            line.push("--exclude-all-features");
        }
        let ran = run(root, &line, &[])?;
        counted += ran.output.lines().filter(|l| l.starts_with("info: running")).count();
        // rustc's own closing word on a crate that warned: "warning: `name` (lib) generated 1 warning".
        let warned = ran
            .output
            .lines()
            .any(|l| l.contains(&format!("`{name}` (lib) generated")));
        if !ran.ok || warned {
            broken.push(ran.output);
        }
    }
    let mut outcome = Outcome::of_violations(broken);
    outcome.note = format!("{counted} rows");
    Ok(outcome)
}

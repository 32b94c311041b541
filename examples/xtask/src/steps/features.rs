use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Action, Outcome, Step};
use crate::{
    cargo::{LIBRARIES, WORKERS, list, members, metadata},
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
    why: "So it does for wasm32, except for the features a crate declares to be native only; and so does each Worker \
          with each model and each network.",
    action: Action::Check {
        does: "cargo hack check --each-feature --lib --target wasm32-unknown-unknown, per library, without the features \
               of its [package.metadata.presswork] native-only; cargo check of the Workers, a feature beside the default",
        check: wasm,
    },
};

fn native(root: &Path) -> Result<Outcome> {
    let (broken, counted) = rows(root, false)?;
    Ok(outcome(broken, counted))
}

fn outcome(broken: Vec<String>, counted: usize) -> Outcome {
    let mut outcome = Outcome::of_violations(broken);
    outcome.note = format!("{counted} rows");
    outcome
}

fn wasm(root: &Path) -> Result<Outcome> {
    tools::ensure_wasm(root)?;
    let (mut broken, libraries) = rows(root, true)?;
    let (more, workers) = workers(root)?;
    broken.extend(more);
    Ok(outcome(broken, libraries + workers))
}

/// The Workers with each of their features alone, one that has the model or the network it needs of the default.
fn workers(root: &Path) -> Result<(Vec<String>, usize)> {
    let metadata = metadata(root, false)?;
    let members = members(&metadata);
    let (mut broken, mut counted) = (Vec::new(), 0);
    for name in WORKERS {
        let features = members.get(name).and_then(|package| package["features"].as_object());
        let features = features.with_context(|| format!("there is no package {name}"))?;
        for row in worker_rows(features) {
            let line = [
                "cargo",
                "check",
                "--locked",
                "--target",
                tools::WASM,
                "-p",
                name,
                "--no-default-features",
                "--features",
                &row,
            ];
            let ran = run(root, &line, &[])?;
            counted += 1;
            if !ran.ok || ran.output.contains(&format!("`{name}` (lib) generated")) {
                broken.push(format!("{name} with {row}:\n{}", ran.output));
            }
        }
    }
    Ok((broken, counted))
}

/// Every model with the default's network, every network with the default's model.
fn worker_rows(features: &serde_json::Map<String, Value>) -> Vec<String> {
    let of = |crate_name: &str| -> Vec<&str> {
        let enables = |on: &Value| on.as_str().is_some_and(|on| on.starts_with(crate_name));
        let known = features
            .iter()
            .filter(|(_, on)| on.as_array().is_some_and(|on| on.iter().any(enables)));
        known.map(|(name, _)| name.as_str()).collect()
    };
    let default: Vec<&str> = features
        .get("default")
        .into_iter()
        .flat_map(|on| on.as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    let (models, networks) = (of("presswork-ai-adapter/"), of("presswork-social/"));
    let beside = |feature: &&str, kind: &[&str]| {
        let others = default.iter().filter(|other| !kind.contains(other)).copied();
        std::iter::once(*feature).chain(others).collect::<Vec<_>>().join(",")
    };
    let rows = models.iter().map(|model| beside(model, &models));
    rows.chain(networks.iter().map(|network| beside(network, &networks)))
        .collect()
}

/// What is broken, and how many rows there were.
fn rows(root: &Path, wasm: bool) -> Result<(Vec<String>, usize)> {
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
    Ok((broken, counted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_checked_with_each_model_and_each_network() {
        let features = serde_json::json!({
            "default": ["a", "m"],
            "a": ["presswork-ai-adapter/a"], "b": ["presswork-ai-adapter/b"],
            "m": ["presswork-social/m"], "n": ["presswork-social/n"],
        });
        let rows = worker_rows(features.as_object().unwrap());
        assert_eq!(rows, ["a,m", "b,m", "m,a", "n,a"]);
    }
}

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use crate::{
    cargo::{INDEPENDENT, list, members, metadata, text},
    steps::{Action, Outcome, Step},
};

const PIPELINE: &str = "presswork-pipeline";

pub(crate) const STEP: Step = Step {
    name: "arrows",
    why: "The four crates know nothing of each other, and the pipeline knows their traits but no provider.",
    action: Action::Check {
        does: "cargo metadata, the dependencies as the manifests declare them",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    Ok(Outcome::of_violations(violations(&metadata(root, false)?)))
}

fn violations(metadata: &Value) -> Vec<String> {
    let members = members(metadata);
    let mut broken = Vec::new();
    for name in INDEPENDENT {
        let Some(package) = members.get(name) else {
            broken.push(format!("{name} is no member of the workspace."));
            continue;
        };
        for dependency in list(package, "dependencies").map(|d| text(d, "name")) {
            if members.contains_key(dependency) && dependency != *name {
                broken.push(format!("{name} depends on {dependency}: the four crates stand alone."));
            }
        }
    }
    let pipeline = members.get(PIPELINE).into_iter().flat_map(|p| list(p, "dependencies"));
    // Its tests may bring providers; its users choose them.
    for dependency in pipeline.filter(|d| d["kind"] != "dev" && INDEPENDENT.contains(&text(d, "name"))) {
        for feature in list(dependency, "features").filter_map(|f| f.as_str()) {
            let on = text(dependency, "name");
            broken.push(format!(
                "{PIPELINE} turns on the feature {feature} of {on}: binaries choose providers."
            ));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workspace(queue: Value, pipeline: Value) -> Value {
        let package =
            |name: &str, dependencies: Value| json!({ "id": name, "name": name, "dependencies": dependencies });
        let mut packages: Vec<_> = INDEPENDENT.iter().map(|n| package(n, json!([]))).collect();
        packages[2] = package(INDEPENDENT[2], queue);
        packages.push(package(PIPELINE, pipeline));
        let ids: Vec<_> = packages.iter().map(|p| p["id"].clone()).collect();
        json!({ "workspace_members": ids, "packages": packages })
    }

    #[test]
    fn a_pipeline_over_bare_traits_is_fine() {
        let bare = json!([
            { "name": "presswork-queue", "kind": null, "features": [] },
            { "name": "presswork-social", "kind": "dev", "features": ["mastodon"] },
            { "name": "serde", "kind": null, "features": ["derive"] },
        ]);
        assert!(violations(&workspace(json!([]), bare)).is_empty());
    }

    #[test]
    fn an_arrow_and_a_provider_are_told() {
        let arrow = json!([{ "name": "presswork-social", "kind": "dev", "features": [] }]);
        let provider = json!([{ "name": "presswork-queue", "kind": null, "features": ["sqlite"] }]);
        let broken = violations(&workspace(arrow, provider));
        assert_eq!(broken.len(), 2, "{broken:?}");
        assert!(broken[0].starts_with("presswork-queue depends on presswork-social"));
        assert!(broken[1].contains("the feature sqlite of presswork-queue"));
    }
}

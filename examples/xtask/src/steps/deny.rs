use std::path::Path;

use anyhow::Result;

use super::{Action, Outcome, Step};
use crate::{run::run, tools};

pub(super) const STEP: Step = Step {
    name: "deny",
    why: "Every dependency has a licence of deny.toml, and none is banned there.",
    action: Action::Check {
        does: "cargo deny --all-features check licenses bans",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    let program = tools::DENY.ensure(root)?;
    let program = program.to_string_lossy();
    let line = [
        &*program,
        "--locked",
        "--all-features",
        "--color",
        "never",
        "check",
        "licenses",
        "bans",
    ];
    Ok(Outcome::of(run(root, &line, &[])?))
}

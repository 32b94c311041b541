use std::{ffi::OsStr, path::Path};

use anyhow::Result;

use super::{Action, Outcome, Step};
use crate::run::run;

pub(super) const STEP: Step = Step {
    name: "docs",
    why: "The documentation builds without a warning: every link resolves, every public item is described.",
    action: Action::Check {
        does: "RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --all-features --no-deps",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    let line = ["cargo", "doc", "--locked", "--workspace", "--all-features", "--no-deps"];
    Ok(Outcome::of(run(
        root,
        &line,
        &[("RUSTDOCFLAGS", OsStr::new("-D warnings"))],
    )?))
}

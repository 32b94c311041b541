use std::path::Path;

use anyhow::Result;

use super::{Action, Outcome, Step, tests::libtest_counts};
use crate::run::run;

pub(super) const STEP: Step = Step {
    name: "doctests",
    why: "Every snippet of the documentation compiles, and runs unless it needs a real network.",
    action: Action::Check {
        does: "cargo test --locked --doc --workspace --all-features",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    let ran = run(
        root,
        &[
            "cargo",
            "test",
            "--locked",
            "--doc",
            "--workspace",
            "--all-features",
            "--no-fail-fast",
        ],
        &[],
    )?;
    let (passed, failed) = libtest_counts(&ran.output);
    Ok(Outcome::of_tests(ran, passed, failed, Vec::new()))
}

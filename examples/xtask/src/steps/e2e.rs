use std::path::Path;

use anyhow::Result;

use super::{Action, Outcome, Step};
use crate::run::{Ran, run};

pub(super) const STEP: Step = Step {
    name: "e2e",
    why: "Both Workers do their work on workerd, with D1, a queue and a network that fails.",
    action: Action::Check {
        does: "cargo xtask e2e, where there is Node 20 or newer",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    if let Some(reason) = node(root) {
        let skipped = vec![("e2e".to_owned(), reason)];
        return Ok(Outcome {
            skipped,
            ..Outcome::default()
        });
    }
    let ran = run(root, &["cargo", "xtask", "e2e"], &[])?;
    let (passed, failed) = (count(&ran.output, "pass"), count(&ran.output, "fail"));
    Ok(Outcome::of_tests(ran, passed, failed, Vec::new()))
}

/// Why the suite cannot run on this machine, if it cannot.
fn node(root: &Path) -> Option<String> {
    let major = |ran: Ran| {
        ran.output
            .trim()
            .trim_start_matches('v')
            .split('.')
            .next()?
            .parse::<u32>()
            .ok()
    };
    match run(root, &["node", "--version"], &[]).map(major) {
        Ok(Some(20..)) => None,
        Ok(_) => Some("Node is older than 20".to_owned()),
        Err(_) => Some("there is no Node".to_owned()),
    }
}

/// The number behind `ℹ pass 7`.
fn count(output: &str, word: &str) -> u64 {
    output
        .lines()
        .find_map(|line| line.strip_prefix("ℹ ")?.strip_prefix(word)?.trim().parse().ok())
        .unwrap_or(0)
}

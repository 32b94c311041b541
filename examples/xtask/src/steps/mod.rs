//! The steps of `cargo xtask test`: a list of data, each in the file that bears its name.

mod clippy;
mod deny;
mod docs;
mod doctests;
mod e2e;
mod features;
mod fmt;
mod fuzz;
mod msrv;
mod outcome;
mod plain;
mod tests;

use std::{path::Path, time::Instant};

use anyhow::{Result, bail};

pub(crate) use outcome::Outcome;

use crate::{
    rules,
    run::{run, say},
    tools,
};

/// One thing that must hold, and how it is checked.
pub(crate) struct Step {
    /// What `--only` takes.
    pub(crate) name: &'static str,
    /// What a pass proves.
    pub(crate) why: &'static str,
    pub(crate) action: Action,
}

pub(crate) enum Action {
    /// A command whose exit code is the verdict.
    Run(&'static [&'static str]),
    /// A check that needs more than a command.
    Check {
        does: &'static str,
        check: fn(&Path) -> Result<Outcome>,
    },
}

/// Cheap steps first; those that compile share one target folder and one set of flags.
const STEPS: &[Step] = &[
    fmt::STEP,
    rules::file_length::STEP,
    rules::platform::STEP,
    rules::ignored::STEP,
    rules::links::STEP,
    rules::arrows::STEP,
    rules::lock::SQLITE,
    rules::lock::PINS,
    msrv::STEP,
    clippy::STEP,
    tests::STEP,
    doctests::STEP,
    docs::STEP,
    plain::STEP,
    features::NATIVE,
    features::WASM,
    fuzz::STEP,
    e2e::STEP,
    deny::STEP,
];

/// Prints every step: its name, what it proves, what it does.
pub(crate) fn list() {
    for step in STEPS {
        let does = match step.action {
            Action::Run(line) => line.join(" "),
            Action::Check { does, .. } => does.to_owned(),
        };
        say(format_args!("{}\n    {}\n    {does}\n", step.name, step.why));
    }
}

/// Runs the chosen steps, all when none is named. The answer is whether nothing failed.
pub(crate) fn test(root: &Path, only: &[String], fail_fast: bool) -> Result<bool> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|s| s.name != name.as_str())) {
        bail!("there is no step `{unknown}`; `cargo xtask test --list` names them");
    }
    let (mut total, mut failures) = (Outcome::default(), Vec::new());
    for step in STEPS
        .iter()
        .filter(|s| only.is_empty() || only.iter().any(|name| name == s.name))
    {
        say(format_args!("{:<14} ", step.name));
        let start = Instant::now();
        let outcome = match step.action {
            Action::Run(line) => command(root, line),
            Action::Check { check, .. } => check(root),
        };
        let outcome = outcome.unwrap_or_else(|error| Outcome::failed(format!("{error:#}\n")));
        say(format_args!(
            "{:<7} {:6.1} s{}\n",
            outcome.verdict(),
            start.elapsed().as_secs_f64(),
            outcome.remark()
        ));
        if outcome.failed > 0 {
            say(format_args!("{}\n", outcome.output.trim_end()));
            failures.push((step.name, step.why));
        }
        let failed = outcome.failed > 0;
        total.add(outcome);
        if failed && fail_fast {
            break;
        }
    }
    for (name, why) in failures {
        say(format_args!("failed: {name}: not proven: {why}\n"));
    }
    for (name, reason) in &total.skipped {
        say(format_args!("skipped: {name}: {reason}\n"));
    }
    say(format_args!(
        "{} passed, {} failed, {} skipped\n",
        total.passed,
        total.failed,
        total.skipped.len()
    ));
    Ok(total.failed == 0)
}

fn command(root: &Path, line: &[&str]) -> Result<Outcome> {
    if let Some(subcommand) = line.get(1) {
        tools::ensure_component(root, subcommand)?;
    }
    Ok(Outcome::of(run(root, line, &[])?))
}

#[cfg(test)]
mod tests_of_the_list {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_their_column() {
        for (i, step) in STEPS.iter().enumerate() {
            assert!(step.name.len() <= 14, "{}", step.name);
            assert!(STEPS[..i].iter().all(|s| s.name != step.name), "{}", step.name);
            assert!(
                step.why.ends_with('.') && step.why.lines().count() == 1,
                "{}",
                step.name
            );
        }
    }

    #[test]
    fn an_unknown_step_is_refused() {
        let error = test(Path::new("/"), &["nope".to_owned()], false).unwrap_err();
        assert!(error.to_string().contains("no step `nope`"), "{error}");
    }
}

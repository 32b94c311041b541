use std::path::Path;

use anyhow::Result;

use super::each_line;
use crate::steps::{Action, Outcome, Step};

// In two parts, so that this file does not break its own rule.
const ATTRIBUTE: &str = concat!("#[", "ignore");

pub(crate) const STEP: Step = Step {
    name: "nothing-hidden",
    why: "No doctest and no test is ignored; what cannot run says so by name when it is skipped.",
    action: Action::Check {
        does: "looks for ignored snippets in .rs and .md files and ignored tests in .rs files",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    Ok(Outcome::of_violations(each_line(
        root,
        &[".rs", ".md"],
        |_, text| rule(text),
    )?))
}

fn rule(text: &str) -> Vec<(usize, String)> {
    let mut broken = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line
            .trim_start()
            .trim_start_matches("//!")
            .trim_start_matches("///")
            .trim_start();
        let info = line.strip_prefix("```").unwrap_or_default();
        if info
            .split([',', ' '])
            .any(|word| word == "ignore" || word.starts_with("ignore-"))
        {
            broken.push((
                i + 1,
                "a snippet is marked `ignore`: make it compile, or mark it `no_run` or `text`."
                    .to_owned(),
            ));
        }
        if line.starts_with(ATTRIBUTE) {
            broken.push((
                i + 1,
                "a test is ignored: let it print `skipped: <reason>` where it cannot run."
                    .to_owned(),
            ));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_snippets_and_tests_are_found() {
        let fence = "`".repeat(3);
        let text = format!(
            "/// {fence}ignore\n//! {fence}rust,ignore\n{fence}no_run\n    {ATTRIBUTE}]\n{fence}text ignored\n"
        );
        let lines: Vec<_> = rule(&text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 2, 4]);
    }
}

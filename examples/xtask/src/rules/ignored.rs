use std::path::Path;

use anyhow::Result;

use super::{files, read};
use crate::steps::{Action, Outcome, Step};

// In two parts, so that this file does not break its own rule.
const ATTRIBUTE: &str = concat!("#[", "ignore");

pub(crate) const STEP: Step = Step {
    name: "nothing-hidden",
    why: "No doctest is ignored, and a test that is has a reason, which is shown as a skip.",
    action: Action::Check {
        does: "looks for ignored snippets in .rs and .md files and ignored tests in .rs files",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    let (mut broken, mut skipped) = (Vec::new(), Vec::new());
    for file in files(root, &[".rs", ".md"])? {
        let (text, shown) = read(root, &file)?;
        for (line, found) in ignored(&text) {
            match found {
                Ignored::Snippet => broken.push(format!(
                    "{shown}:{line}: a snippet is ignored: make it compile, or mark it `no_run` or `text`."
                )),
                Ignored::Test { reason: None, .. } => {
                    broken.push(format!("{shown}:{line}: a test is ignored without a reason."));
                }
                Ignored::Test {
                    name,
                    reason: Some(reason),
                } => skipped.push((name, reason)),
            }
        }
    }
    Ok(Outcome {
        skipped,
        ..Outcome::of_violations(broken)
    })
}

#[derive(Debug, PartialEq)]
enum Ignored {
    Snippet,
    Test { name: String, reason: Option<String> },
}

fn ignored(text: &str) -> Vec<(usize, Ignored)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix(ATTRIBUTE) {
            let reason = rest.split_once('"').and_then(|(_, r)| r.split_once('"'));
            let name = lines[i..].iter().find_map(|l| l.split_once("fn ")?.1.split('(').next());
            found.push((
                i + 1,
                Ignored::Test {
                    name: name.unwrap_or_default().to_owned(),
                    reason: reason.map(|(reason, _)| reason.to_owned()),
                },
            ));
        }
        let doc = line.trim_start_matches("//!").trim_start_matches("///").trim_start();
        let mut info = doc.strip_prefix("```").unwrap_or_default().split([',', ' ']);
        if info.any(|word| word == "ignore" || word.starts_with("ignore-")) {
            found.push((i + 1, Ignored::Snippet));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_are_found_by_their_fence() {
        let fence = "`".repeat(3);
        let text = format!("/// {fence}ignore\n//! {fence}rust,ignore\n{fence}no_run\n{fence}text ignored\n");
        assert_eq!(ignored(&text), [(1, Ignored::Snippet), (2, Ignored::Snippet)]);
    }

    #[test]
    fn tests_are_found_with_name_and_reason() {
        let text = format!(
            "#[test]\n{ATTRIBUTE} = \"slow\"]\nasync fn measures() {{}}\n\n    {ATTRIBUTE}]\n    #[test]\n    fn hides() {{}}\n"
        );
        let test = |name: &str, reason: Option<&str>| Ignored::Test {
            name: name.to_owned(),
            reason: reason.map(str::to_owned),
        };
        assert_eq!(
            ignored(&text),
            [(2, test("measures", Some("slow"))), (5, test("hides", None))]
        );
    }
}

use std::path::Path;

use anyhow::Result;

use super::each_line;
use crate::steps::{Action, Outcome, Step};

const MOST: usize = 400;

pub(crate) const STEP: Step = Step {
    name: "file-length",
    why: "No source file is longer than 400 lines.",
    action: Action::Check {
        does: "counts the lines of every .rs file",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    Ok(Outcome::of_violations(each_line(root, &[".rs"], |_, text| rule(text))?))
}

fn rule(text: &str) -> Vec<(usize, String)> {
    match text.lines().count() {
        lines if lines > MOST => vec![(
            lines,
            format!("the file has {lines} lines, the most is {MOST}: split it."),
        )],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::rule;

    #[test]
    fn the_limit_itself_is_allowed() {
        assert!(rule(&"x\n".repeat(400)).is_empty());
        assert_eq!(rule(&"x\n".repeat(401)).len(), 1);
    }
}

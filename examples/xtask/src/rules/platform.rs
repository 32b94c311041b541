use std::path::Path;

use anyhow::Result;

use super::each_line;
use crate::steps::{Action, Outcome, Step};

// In two parts, so that this file does not break its own rule.
const WORD: &str = concat!("target_", "arch");

pub(crate) const STEP: Step = Step {
    name: "platform-cfg",
    why: "Code that differs by target stands in platform.rs and nowhere else.",
    action: Action::Check {
        does: "looks for the target's architecture in every other .rs file",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    Ok(Outcome::of_violations(each_line(root, &[".rs"], rule)?))
}

fn rule(file: &Path, text: &str) -> Vec<(usize, String)> {
    if file.file_name().is_some_and(|name| name == "platform.rs") {
        return Vec::new();
    }
    let code = text
        .lines()
        .enumerate()
        .filter(|(_, l)| !l.trim_start().starts_with("//"));
    let hits = code.filter(|(_, l)| l.contains(WORD));
    hits.map(|(i, _)| (i + 1, format!("`{WORD}` belongs in platform.rs.")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_platform_rs_may_ask() {
        let text = format!("//! Talks of {WORD}.\n#[cfg(not({WORD} = \"wasm32\"))]\nfn f() {{}}\n");
        assert_eq!(rule(Path::new("src/http.rs"), &text).len(), 1);
        assert!(rule(Path::new("src/platform.rs"), &text).is_empty());
    }
}

use std::path::Path;

use anyhow::Result;

use super::{files, read};
use crate::steps::{Action, Outcome, Step};

pub(crate) const STEP: Step = Step {
    name: "links",
    why: "Every path that a document names exists.",
    action: Action::Check {
        does: "follows the links and the paths in backticks of every .md file",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    let mut broken = Vec::new();
    for file in files(root, &[".md"])? {
        let (text, shown) = read(root, &file)?;
        let folder = file.parent().unwrap_or(root);
        for (line, named) in named(&text) {
            let missing = match &named {
                Named::Link(path) => !folder.join(path).exists(),
                // A crate's README may speak from the root of the repository or from its own folder.
                Named::Path(path) => {
                    let top = path.split('/').next().unwrap_or_default();
                    root.join(top).is_dir() && !root.join(path).exists() && !folder.join(path).exists()
                }
            };
            if missing {
                let (Named::Link(path) | Named::Path(path)) = named;
                broken.push(format!("{shown}:{line}: `{path}` does not exist."));
            }
        }
    }
    Ok(Outcome::of_violations(broken))
}

#[derive(Debug, PartialEq)]
enum Named {
    /// The target of a link, relative to its document.
    Link(String),
    /// A path in backticks.
    Path(String),
}

/// What a document names, with line numbers. Code blocks are left out: they are run, or they show other machines.
fn named(text: &str) -> Vec<(usize, Named)> {
    let (mut found, mut code) = (Vec::new(), false);
    for (i, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        if code {
            continue;
        }
        let inline = line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', ' ']).next());
        let reference = line
            .strip_prefix('[')
            .and_then(|l| l.split_once("]: "))
            .map(|(_, target)| target.trim());
        for target in inline.chain(reference) {
            let path = target.split('#').next().unwrap_or_default();
            // Web addresses, places in this document, and items that rustdoc resolves.
            let local = !path.is_empty() && !path.contains(':') && (path.contains('/') || path.contains('.'));
            if local {
                found.push((i + 1, Named::Link(path.to_owned())));
            }
        }
        for quoted in line.split('`').skip(1).step_by(2) {
            let plain = quoted.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            if plain && quoted.contains('/') && !quoted.starts_with(['/', '.']) {
                found.push((i + 1, Named::Path(quoted.to_owned())));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_paths_are_found_and_code_and_addresses_are_not() {
        let text = "See [a](docs/a.md#top) and [b](https://x.example/b), `queue/src/lib.rs`, `Vec<T>` and `a/{b}`.\n\
                    ```sh\ncat `no/such/file`\n```\n[c]: ../c.md\n[`Queue`]: crate::Queue\n[d](#here)\n";
        let found = named(text);
        let link = |p: &str| Named::Link(p.to_owned());
        assert_eq!(
            found,
            [
                (1, link("docs/a.md")),
                (1, Named::Path("queue/src/lib.rs".to_owned())),
                (5, link("../c.md"))
            ]
        );
    }
}

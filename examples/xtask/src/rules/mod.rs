//! Rules of the repository that no lint knows. Each file is one rule and one step.

pub(crate) mod arrows;
pub(crate) mod file_length;
pub(crate) mod ignored;
pub(crate) mod links;
pub(crate) mod lock;
pub(crate) mod platform;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Every file below the root whose name ends with one of `extensions`, sorted; build output and hidden folders left out.
fn files(root: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let kind = entry
                .file_type()
                .with_context(|| format!("reading {}", path.display()))?;
            if kind.is_dir() {
                // Another crate's build folder carries cargo's own tag.
                let skip = name.starts_with('.') || name == "node_modules" || path.join("CACHEDIR.TAG").exists();
                if !skip {
                    folders.push(path);
                }
            } else if extensions.iter().any(|e| name.ends_with(e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A file's text and its path as messages show it.
fn read(root: &Path, file: &Path) -> Result<(String, String)> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    Ok((text, file.strip_prefix(root).unwrap_or(file).display().to_string()))
}

/// Applies a rule to every file of a kind. The rule answers with line numbers and sentences.
fn each_line(
    root: &Path,
    extensions: &[&str],
    rule: impl Fn(&Path, &str) -> Vec<(usize, String)>,
) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for file in files(root, extensions)? {
        let (text, shown) = read(root, &file)?;
        broken.extend(
            rule(&file, &text)
                .into_iter()
                .map(|(line, says)| format!("{shown}:{line}: {says}")),
        );
    }
    Ok(broken)
}

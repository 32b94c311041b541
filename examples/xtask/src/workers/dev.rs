//! `cargo xtask dev`: both Workers on this machine, until Ctrl-C.

use std::path::Path;

use anyhow::Result;

use super::{build, e2e};
use crate::run::become_program;

/// Builds both Workers, installs Miniflare, and becomes the program that runs them.
pub(crate) fn dev(root: &Path, port: u16) -> Result<bool> {
    build(root, None, None, None)?;
    e2e::install(root)?;
    let port = port.to_string();
    become_program(&root.join(e2e::FOLDER), &["node", "dev.js", &port])
}

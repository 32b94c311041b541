//! Servers that a figure starts for itself and ends with itself.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

/// A child that dies with its owner.
pub struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program of this workspace that prints its addresses on one line.
pub fn start(program: &Path) -> Result<(Server, Vec<String>)> {
    let mut child = Command::new(program).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("no output")?;
    let server = Server(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    Ok((server, line.split_whitespace().map(str::to_owned).collect()))
}

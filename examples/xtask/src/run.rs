//! Runs one program, with nothing on its standard input and both of its outputs in one text.

use std::{
    ffi::OsStr,
    fmt::Display,
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

/// Prints without a panic when nobody reads any more, as in `cargo xtask test | head`.
pub(crate) fn say(text: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = write!(out, "{text}").and_then(|()| out.flush());
}

/// What a program printed, and whether it succeeded.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) ok: bool,
    pub(crate) output: String,
}

/// A command line: the program, then its arguments.
pub(crate) fn run<S: AsRef<OsStr>>(root: &Path, line: &[S], env: &[(&str, &OsStr)]) -> Result<Ran> {
    let (program, args) = line.split_first().context("an empty command line")?;
    let name = program.as_ref().to_string_lossy().into_owned();
    let (mut reader, writer) = std::io::pipe().context("making a pipe")?;
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().context("sharing a pipe")?)
        .stderr(writer)
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_PROGRESS_WHEN", "never");
    // `cargo run` describes this program to it; its children are not this program.
    for (key, _) in std::env::vars_os() {
        if key
            .to_str()
            .is_some_and(|k| k.starts_with("CARGO_PKG_") || k.starts_with("CARGO_MANIFEST_"))
        {
            command.env_remove(key);
        }
    }
    command.envs(env.iter().copied());
    let mut child = command.spawn().with_context(|| format!("starting `{name}`"))?;
    // The command holds the writing ends; the reader sees the end only when they are gone.
    drop(command);
    let mut bytes = Vec::new();
    reader
        .read_to_end(&mut bytes)
        .with_context(|| format!("reading what `{name}` printed"))?;
    let status = child.wait().with_context(|| format!("waiting for `{name}`"))?;
    Ok(Ran {
        ok: status.success(),
        output: String::from_utf8_lossy(&bytes).into_owned(),
    })
}

/// Gives the terminal to a program for good: whatever stops this one stops it. The answer, where there is one, is whether it
/// succeeded.
pub(crate) fn become_program(root: &Path, line: &[&str]) -> Result<bool> {
    let (program, args) = line.split_first().context("an empty command line")?;
    let mut command = Command::new(program);
    command.args(args).current_dir(root);
    #[cfg(unix)]
    let answer: std::io::Result<bool> = Err(std::os::unix::process::CommandExt::exec(&mut command));
    #[cfg(not(unix))]
    let answer = command.status().map(|status| status.success());
    answer.with_context(|| format!("starting `{program}`"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn both_outputs_come_back_in_order() {
        let script = "echo one; echo two >&2; echo three; cat";
        let ran = run(Path::new("/"), &["sh", "-c", script], &[]).unwrap();
        assert!(ran.ok);
        assert_eq!(ran.output, "one\ntwo\nthree\n");
    }

    #[test]
    fn a_failure_and_a_missing_program_are_told_apart() {
        assert!(!run(Path::new("/"), &["sh", "-c", "exit 3"], &[]).unwrap().ok);
        let error = run(Path::new("/"), &["no-such-program-here"], &[]).unwrap_err();
        assert!(format!("{error:#}").contains("no-such-program-here"));
    }
}

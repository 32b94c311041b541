//! Tools the steps need and a machine may lack. What is on the machine is used as it is; what is not is built into
//! `target/tools`, so nothing outside the checkout changes and `cargo clean` takes it away again.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    cargo::target_dir,
    run::{Ran, run, say},
};

/// A cargo subcommand from crates.io, at the version these steps were written for.
#[derive(Debug)]
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
    args: &'static [&'static str],
}

pub(crate) const NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    version: "0.9.151",
    args: &["--no-default-features"],
};
pub(crate) const HACK: Tool = Tool {
    name: "cargo-hack",
    version: "0.6.46",
    args: &[],
};
pub(crate) const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    args: &[],
};

impl Tool {
    /// Makes the tool available; the answer is its program.
    pub(crate) fn ensure(&self, root: &Path) -> Result<PathBuf> {
        if let Some(found) = on_path(self.name) {
            return Ok(found);
        }
        let tools = target_dir(root).join("tools");
        let program = tools
            .join("bin")
            .join(format!("{}{}", self.name, std::env::consts::EXE_SUFFIX));
        if program.is_file() {
            return Ok(program);
        }
        say(format_args!("(installing {} {}) ", self.name, self.version));
        let spec = format!("{}@{}", self.name, self.version);
        let mut line: Vec<OsString> = ["cargo", "install", "--locked", "--debug", &spec]
            .map(OsString::from)
            .into();
        line.extend(self.args.iter().map(OsString::from));
        line.extend(["--root".into(), tools.clone().into_os_string()]);
        // An unoptimised build takes a third of the time, and these tools wait for rustc anyway.
        let (build, none) = (tools.join("build"), OsString::from("0"));
        let env = [
            ("CARGO_TARGET_DIR", build.as_os_str()),
            ("CARGO_PROFILE_DEV_DEBUG", none.as_os_str()),
        ];
        let Ran { ok, output } = run(root, &line, &env)?;
        if !ok {
            bail!("{} {} could not be installed:\n{output}", self.name, self.version);
        }
        // Half a gigabyte that nothing reads again.
        std::fs::remove_dir_all(&build).with_context(|| format!("removing {}", build.display()))?;
        Ok(program)
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(&name))
        .find(|file| file.is_file())
}

/// Adds the toolchain component behind a cargo subcommand when the toolchain lacks it.
pub(crate) fn ensure_component(root: &Path, subcommand: &str) -> Result<()> {
    let component = match subcommand {
        "fmt" => "rustfmt",
        "clippy" => "clippy",
        _ => return Ok(()),
    };
    if run(root, &["cargo", subcommand, "--version"], &[])?.ok {
        return Ok(());
    }
    rustup(root, &["component", "add", component])
}

fn rustup(root: &Path, args: &[&str]) -> Result<()> {
    say(format_args!("(rustup {}) ", args.join(" ")));
    let line: Vec<&str> = ["rustup"].iter().chain(args).copied().collect();
    let ran = run(root, &line, &[])?;
    if !ran.ok {
        bail!("`{}` failed:\n{}", line.join(" "), ran.output);
    }
    Ok(())
}

pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// Adds the wasm32 standard library when the toolchain lacks it. `rust-toolchain.toml` names it, but rustup installs what
/// is named there only where automatic installation is on.
pub(crate) fn ensure_wasm(root: &Path) -> Result<()> {
    let lib = run(root, &["rustc", "--print", "target-libdir", "--target", WASM], &[])?;
    if lib.ok && Path::new(lib.output.trim()).is_dir() {
        return Ok(());
    }
    rustup(root, &["target", "add", WASM])
}

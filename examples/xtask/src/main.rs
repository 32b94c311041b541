//! `cargo xtask`: everything that proves or regenerates the workspace, as one program that needs nothing but Rust.

mod bench;
mod cargo;
mod rules;
mod run;
mod sample;
mod steps;
mod tools;
#[cfg(feature = "workers")]
mod workers;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

const HELP: &str = "\
Proves and regenerates the presswork workspace.

Usage: cargo xtask <command>

Commands:
  test      Run every step that proves the project; missing cargo tools are installed under target/tools.
  sample    Recompute examples/standalone/sample/topics.csv from the bundled tz database.
  build     Build both Workers into their build folders, or the one that is named; prints their sizes. With
            --model <provider> they know that model instead of openai, with --targets <network,...> the poster knows
            those networks instead of mastodon. With --each every one is built in turn, beside the default, and
            examples/README.md learns what it adds.
  e2e       Build both Workers, install Miniflare from npm, and prove them on workerd. With --write it also measures
            them, and writes the figures of examples/README.md.
  dev       Run both Workers on this machine at port 8787, or the port that is given, until Ctrl-C; no key is needed.
  bench     Measure the figures of benches/README.md, or those that are named; `bench --list` names them.
  help      Print this text.

Options of `test`:
  --list         Print the steps, what each proves and what it runs, and stop.
  --only <step>  Run this step alone; may be given several times.
  --fail-fast    Stop at the first failing step instead of showing every failure in one run.

The last line of `test` counts what passed, failed and was skipped: every test of a step that runs tests, one for each
other step. The exit code is 0 when nothing failed, 1 when something did, 2 when the command line is wrong.";

/// What the Workers are built with.
#[derive(Debug, Default)]
#[cfg_attr(
    not(feature = "workers"),
    allow(dead_code, reason = "read by the program that has the feature")
)]
struct Built {
    each: bool,
    model: Option<String>,
    targets: Option<String>,
}

enum Command {
    Bench {
        args: Vec<String>,
    },
    Build {
        #[cfg_attr(
            not(feature = "workers"),
            allow(dead_code, reason = "read by the program that has the feature")
        )]
        worker: Option<String>,
        #[cfg_attr(
            not(feature = "workers"),
            allow(dead_code, reason = "read by the program that has the feature")
        )]
        built: Built,
    },
    Dev {
        #[cfg_attr(
            not(feature = "workers"),
            allow(dead_code, reason = "read by the program that has the feature")
        )]
        port: u16,
    },
    E2e {
        #[cfg_attr(
            not(feature = "workers"),
            allow(dead_code, reason = "read by the program that has the feature")
        )]
        write: bool,
    },
    Help,
    List,
    Sample,
    Test {
        only: Vec<String>,
        fail_fast: bool,
    },
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Command> {
    let command = args.next();
    let mut rest = args;
    match command.as_deref() {
        None | Some("help" | "--help" | "-h") => Ok(Command::Help),
        Some("bench") => Ok(Command::Bench { args: rest.collect() }),
        Some("build") => {
            let (mut worker, mut built) = (None, Built::default());
            while let Some(arg) = rest.next() {
                match arg.as_str() {
                    "--each" => built.each = true,
                    "--model" => built.model = Some(rest.next().context("`--model` needs the name of a provider")?),
                    "--targets" => built.targets = Some(rest.next().context("`--targets` needs names of networks")?),
                    _ if worker.is_none() => worker = Some(arg),
                    other => bail!("`build` takes one Worker, got `{other}` too"),
                }
            }
            if built.each && (worker.is_some() || built.model.is_some() || built.targets.is_some()) {
                bail!("`build --each` builds all there is");
            }
            Ok(Command::Build { worker, built })
        }
        Some("dev") => match (rest.next(), rest.next()) {
            (port, None) => {
                let port = port.unwrap_or_else(|| "8787".to_owned());
                let port = port.parse().with_context(|| format!("`{port}` is no port"))?;
                Ok(Command::Dev { port })
            }
            (_, Some(other)) => bail!("`dev` takes one port, got `{other}` too"),
        },
        Some("e2e") => match rest.next().as_deref() {
            None => Ok(Command::E2e { write: false }),
            Some("--write") => Ok(Command::E2e { write: true }),
            Some(other) => bail!("`e2e` has no option `{other}`"),
        },
        Some("sample") => match rest.next() {
            None => Ok(Command::Sample),
            Some(other) => bail!("`sample` takes no argument, got `{other}`"),
        },
        Some("test") => {
            let (mut only, mut fail_fast) = (Vec::new(), false);
            while let Some(arg) = rest.next() {
                match arg.as_str() {
                    "--list" => return Ok(Command::List),
                    "--help" | "-h" => return Ok(Command::Help),
                    "--fail-fast" => fail_fast = true,
                    "--only" => only.push(rest.next().context("`--only` needs the name of a step")?),
                    other => bail!("`test` has no option `{other}`"),
                }
            }
            Ok(Command::Test { only, fail_fast })
        }
        Some(other) => bail!("there is no command `{other}`"),
    }
}

fn main() -> ExitCode {
    let command = match parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error:#}; see `cargo xtask help`");
            return ExitCode::from(2);
        }
    };
    match execute(command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything the command ran passed.
fn execute(command: Command) -> Result<bool> {
    let root = root()?;
    match command {
        Command::Bench { args } => return bench::bench(&root, &args),
        Command::Build { .. } | Command::Dev { .. } | Command::E2e { .. } => return on_workers(&root, command),
        Command::Help => run::say(format_args!("{HELP}\n")),
        Command::List => steps::list(),
        Command::Sample => {
            let topics = sample::write(&root)?;
            run::say(format_args!(
                "{topics} topics written to {}/topics.csv\n",
                sample::FOLDER
            ));
        }
        Command::Test { only, fail_fast } => return steps::test(&root, &only, fail_fast),
    }
    Ok(true)
}

/// `build`, `dev` and `e2e`.
#[cfg(feature = "workers")]
fn on_workers(root: &Path, command: Command) -> Result<bool> {
    let ran = match command {
        Command::Build { built, .. } if built.each => {
            workers::each(root)?;
            return Ok(true);
        }
        Command::Build { worker, built } => {
            workers::build(
                root,
                worker.as_deref(),
                built.model.as_deref(),
                built.targets.as_deref(),
            )?;
            return Ok(true);
        }
        Command::Dev { port } => return workers::dev(root, port),
        Command::E2e { write } => workers::e2e(root, write)?,
        _ => return Ok(true),
    };
    run::say(&ran.output);
    Ok(ran.ok)
}

/// The same command again, from a program that has the crates it needs.
#[cfg(not(feature = "workers"))]
fn on_workers(root: &Path, command: Command) -> Result<bool> {
    let mut line = vec![
        "cargo",
        "run",
        "--locked",
        "--quiet",
        "--package",
        "xtask",
        "--features",
        "workers",
        "--",
    ];
    let args: Vec<String> = std::env::args().skip(1).collect();
    line.extend(args.iter().map(String::as_str));
    if matches!(command, Command::Dev { .. }) {
        return run::become_program(root, &line);
    }
    let ran = run::run(root, &line, &[])?;
    run::say(&ran.output);
    Ok(ran.ok)
}

/// The checkout, from wherever the command was started.
fn root() -> Result<PathBuf> {
    // `cargo run` says where this crate is. What was true when it was compiled may be another checkout that shares the
    // target folder.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = PathBuf::from(here);
    here.ancestors()
        .nth(2)
        .map(PathBuf::from)
        .context("examples/xtask is not two folders below the workspace")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Command> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn commands_are_read() {
        assert!(matches!(words("").unwrap(), Command::Help));
        assert!(matches!(words("test --list").unwrap(), Command::List));
        let Command::Test { only, fail_fast } = words("test --only fmt --fail-fast --only links").unwrap() else {
            panic!("not a test command");
        };
        assert_eq!(only, ["fmt", "links"]);
        assert!(fail_fast);
    }

    #[test]
    fn unknown_words_are_refused() {
        for line in [
            "tset",
            "test fmt",
            "test --only",
            "test --keep",
            "sample now",
            "build a b",
            "build --model",
            "build --targets",
            "build --each a",
            "dev here",
            "dev 1 2",
            "e2e now",
        ] {
            assert!(words(line).is_err(), "{line}");
        }
    }
}

//! `presswork`: the whole pipeline in one binary. Run `cargo run` in the repository, or `presswork --help`.

mod cli;
mod commands;
mod compose;
mod environment;
mod exit;
mod export;
mod indexnow;
mod interrupt;
mod listing;
mod lock;
mod output;
mod place;
mod progress;
mod sample;
mod schedule;
mod settings;
mod templates;
mod web;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use exit::Outcome;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    log(cli.common.verbose);
    let json = cli.common.json;
    match run(cli).await {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            let message = output::plain(&format!("{error:#}"));
            eprintln!("presswork: {message}");
            failed(json, &message, exit::code_of(&error))
        }
    }
}

/// Help, the version, or what is wrong with the arguments.
fn usage(error: &clap::Error) -> ExitCode {
    // A closed stream is no reason for another exit code.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    let message = error.to_string();
    let first = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
    failed(std::env::args_os().any(|arg| arg == "--json"), first, exit::USAGE)
}

/// A program that reads standard output learns of the error there, too.
fn failed(json: bool, message: &str, code: u8) -> ExitCode {
    if json {
        let _ = output::json(&serde_json::json!({ "error": message, "exit": code }));
    }
    ExitCode::from(code)
}

async fn run(cli: Cli) -> anyhow::Result<Outcome> {
    let common = &cli.common;
    match &cli.command {
        None => commands::cycle::run(common, true, None).await,
        Some(Command::Run { pages }) => commands::cycle::run(common, false, *pages).await,
        Some(Command::Import { file, deleted }) if file.extension().is_some_and(|end| end == "jsonl") => {
            if *deleted {
                return Err(exit::BadSettings("--deleted goes with topics, not with rows".into()).into());
            }
            commands::transfer::import(common, file).await
        }
        Some(Command::Export { file }) => commands::transfer::export(common, file).await,
        Some(Command::Copy { to }) => commands::transfer::copy_to(common, to.as_deref()).await,
        Some(Command::Import { file, deleted }) => commands::import::run(common, file, *deleted).await,
        Some(Command::Serve { listen, now }) => commands::serve::run(common, *listen, *now).await,
        Some(Command::Status) => commands::status::run(common).await,
        Some(Command::Review { verdict }) => commands::review::run(common, verdict.as_ref()).await,
        Some(Command::Redrive { dry_run }) => commands::redrive::run(common, *dry_run).await,
        Some(Command::Resolve { slug, target, answer }) => {
            commands::resolve::run(common, slug, target.as_deref(), answer).await
        }
        Some(Command::Check) => commands::check::run(common).await,
        Some(Command::Edit { slug, wish }) => commands::edit::edit(common, slug, wish).await,
        Some(Command::Rename { slug, to }) => commands::edit::rename(common, slug, to).await,
        Some(Command::Delete { slug, yes }) => commands::edit::delete(common, slug, *yes).await,
        Some(Command::Posts { status, limit }) => commands::posts::run(common, status.as_deref(), *limit).await,
    }
}

/// Logs go to standard error: warnings, and more with `-v` or `RUST_LOG`.
fn log(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "warn,presswork=info,presswork_pipeline=info",
        _ => "info,presswork=debug,presswork_pipeline=debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| default.into());
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .init();
}

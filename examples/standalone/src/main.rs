//! `presswork`: the whole pipeline in one binary. Run `cargo run` in the repository, or `presswork --help`.

mod cli;
mod commands;
mod compose;
mod exit;
mod export;
mod interrupt;
mod listing;
mod lock;
mod output;
mod progress;
mod sample;
mod settings;
mod templates;
mod web;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use exit::Outcome;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    log(cli.common.verbose);
    match run(cli).await {
        Ok(outcome) => outcome.into(),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("presswork: {error:#}");
            exit::code_of(&error)
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<Outcome> {
    let common = &cli.common;
    match &cli.command {
        None => commands::cycle::run(common, true, None).await,
        Some(Command::Run { pages }) => commands::cycle::run(common, false, *pages).await,
        Some(Command::Import { file }) => commands::import::run(common, file).await,
        Some(Command::Serve { listen, now }) => commands::serve::run(common, *listen, *now).await,
        Some(Command::Status) => commands::status::run(common).await,
        Some(Command::Review { verdict }) => commands::review::run(common, verdict.as_ref()).await,
        Some(Command::Redrive { dry_run }) => commands::redrive::run(common, *dry_run).await,
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

/// Somebody like `head` read enough.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let json = cause
            .downcast_ref::<serde_json::Error>()
            .and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(std::io::ErrorKind::BrokenPipe)
    })
}

//! `cargo xtask bench [figure].. [--write]`: runs the figures, prints one table for each and says which reach is met.

mod figures;
mod measure;
mod program;
mod server;
mod table;

use std::process::ExitCode;

use anyhow::{Result, bail};

use figures::FIGURES;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let (options, names): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let mut write = false;
    for option in &options {
        match option.as_str() {
            "--write" => write = true,
            "--list" | "--help" => {
                for figure in FIGURES {
                    println!("{:<16} {}", figure.name, figure.what);
                }
                return Ok(());
            }
            other => bail!("there is no option `{other}`; --list names the figures, --write puts them into README.md"),
        }
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| FIGURES.iter().all(|figure| figure.name != name.as_str()))
    {
        bail!("there is no figure `{unknown}`; --list names them");
    }
    for figure in FIGURES {
        if !names.is_empty() && names.iter().all(|name| name != figure.name) {
            continue;
        }
        match (figure.run)() {
            Ok(tables) => {
                let text: Vec<_> = tables.iter().map(table::Table::text).collect();
                println!("{}", text.join("\n"));
                if write {
                    table::write(figure.name, &text.join("\n"))?;
                }
            }
            Err(error) => println!("{}: not measured: {error:#}\n", figure.name),
        }
    }
    Ok(())
}

//! Variables that begin with `PRESSWORK_`.

use std::path::Path;

use presswork_pipeline::Config;
use presswork_pipeline::config::{ConfigError, KEYS};

use crate::exit::BadSettings;

const PREFIX: &str = "PRESSWORK_";

/// Variables that are no setting of the pipeline.
const OWN: [&str; 5] = ["CONFIG", "DATA", "STORE", "QUEUE", "COPY_TO"];

/// Refuses a variable that nothing reads: it is a typing error.
///
/// # Errors
/// [`BadSettings`] with its name.
pub(crate) fn known() -> anyhow::Result<()> {
    for (variable, value) in std::env::vars_os() {
        let variable = variable.to_string_lossy();
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        if !OWN.contains(&name) && !KEYS.iter().any(|key| key.name == name) {
            return Err(BadSettings(format!("the environment variable {variable} is no setting")).into());
        }
        // Paths may be any bytes; `CONFIG` and `DATA` are read as such.
        if value.to_str().is_none() && !matches!(name, "CONFIG" | "DATA") {
            return Err(BadSettings(format!("the environment variable {variable} is not UTF-8")).into());
        }
    }
    Ok(())
}

/// Replaces what the environment sets, and checks the whole. `file` is where the rest comes from.
///
/// # Errors
/// [`BadSettings`] that names the file for its own settings and the variable for one of the environment.
pub(crate) fn overlay(config: Config, file: Option<&Path>) -> anyhow::Result<Config> {
    let error = match config.clone().overlay(read) {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    let of_file = problems(config.validate());
    let said: Vec<String> = error
        .problems
        .into_iter()
        .map(|problem| match file {
            Some(file) if of_file.contains(&problem) => format!("{}: {problem}", file.display()),
            _ => named(&config, problem),
        })
        .collect();
    Err(BadSettings(said.join("; ")).into())
}

/// The problem with the variable that makes it; with every one that is set when it takes several.
fn named(config: &Config, problem: String) -> String {
    let set = || KEYS.iter().map(|key| key.name).filter(|name| read(name).is_some());
    if set().any(|name| problem.starts_with(&format!("{name} is "))) {
        return format!("{PREFIX}{problem}");
    }
    let alone = |name: &&str| {
        let one = config
            .clone()
            .overlay(|key| (key == *name).then(|| read(key)).flatten());
        problems(one.map(drop)).contains(&problem)
    };
    let mut names: Vec<&str> = set().filter(alone).collect();
    if names.is_empty() {
        names = set().collect();
    }
    let names: Vec<String> = names.iter().map(|name| format!("{PREFIX}{name}")).collect();
    format!("{}: {problem}", names.join(", "))
}

fn problems(result: Result<(), ConfigError>) -> Vec<String> {
    result.err().map(|error| error.problems).unwrap_or_default()
}

fn read(key: &str) -> Option<String> {
    std::env::var(format!("{PREFIX}{key}")).ok()
}

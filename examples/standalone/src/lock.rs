//! One working process per data folder and per database file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::exit::InUse;
use crate::settings::Settings;

/// Held for as long as the process drafts and posts; the system lets go of it however the process ends.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "the open files are the lock")] Vec<File>);

/// Takes the lock of the data folder and of each SQLite file, which may lie outside it.
///
/// # Errors
/// [`InUse`] when another process has one of them.
pub(crate) fn take(settings: &Settings) -> anyhow::Result<Lock> {
    let mut files = vec![settings.data.join("presswork.lock")];
    for database in [&settings.store, &settings.queue]
        .into_iter()
        .filter_map(|place| place.file())
    {
        let file = beside(database);
        // Store and queue may share one file.
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
        .iter()
        .map(|file| lock(file))
        .collect::<anyhow::Result<_>>()
        .map(Lock)
}

/// Takes the lock of one more SQLite file.
///
/// # Errors
/// As [`take`].
pub(crate) fn database(file: &Path) -> anyhow::Result<Lock> {
    Ok(Lock(vec![lock(&beside(file))?]))
}

fn beside(database: &Path) -> PathBuf {
    let mut name = canonical(database).into_os_string();
    name.push(".lock");
    PathBuf::from(name)
}

/// One name for one file, whatever links and dots lead to it; the file need not be there yet.
fn canonical(path: &Path) -> PathBuf {
    if let Ok(path) = fs::canonicalize(path) {
        return path;
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    // A link to a database that is not made yet.
    let file = fs::read_link(path).ok().or_else(|| path.file_name().map(PathBuf::from));
    folder.join(file.unwrap_or_default())
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(InUse(format!(
            "another presswork works here and holds {}; wait for it, stop it, or choose another folder with --data",
            path.display()
        ))
        .into()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

//! One working process per data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use anyhow::Context;

use crate::exit::InUse;

/// Held for as long as the process drafts and posts; the system lets go of it however the process ends.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "the open file is the lock")] File);

/// Takes the lock of `data`.
///
/// # Errors
/// [`InUse`] when another process has it.
pub(crate) fn take(data: &Path) -> anyhow::Result<Lock> {
    let path = data.join("presswork.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(InUse(format!(
            "another presswork works in {}; wait for it, stop it, or choose another folder with --data",
            data.display()
        ))
        .into()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

//! Turns SQLite's result codes into conditions. <https://www.sqlite.org/rescode.html>

use std::{path::Path, sync::Arc};

use rusqlite::ErrorCode;

use super::PROVIDER;
use crate::{Error, Source, error::bounded};

/// Classifies `error`, which happened on the file at `path`.
pub(super) fn classify(path: &Path, error: Arc<rusqlite::Error>) -> Error {
    let code = error.sqlite_error_code();
    let message = |advice: &str| bounded(&format!("{}: {advice}", path.display())).to_owned();
    let source: Option<Source> = Some(Box::new(error.clone()));
    let provider = PROVIDER;
    match code {
        Some(ErrorCode::DiskFull) => {
            let message = message("the disk, or the size set for the database, is full; make room and repeat");
            Error::Full {
                provider,
                message,
                source,
            }
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            let message = message("the database is read-only; allow this user to write the file and its folder");
            Error::ReadOnly {
                provider,
                message,
                source,
            }
        }
        Some(ErrorCode::NotADatabase) => {
            let message = message("this is not a SQLite database; move it away or name another path");
            Error::Corrupt {
                provider,
                message,
                source,
            }
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            let message = message("the database is damaged; restore a backup, or save what `sqlite3 .recover` finds");
            Error::Corrupt {
                provider,
                message,
                source,
            }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let message = message("another program holds the database; repeat, or close that program");
            Error::Locked {
                provider,
                message,
                source,
            }
        }
        Some(ErrorCode::CannotOpen) => {
            let message = message("the file cannot be opened; its folder must exist and this user may write there");
            Error::Storage {
                provider,
                message,
                source,
            }
        }
        _ => {
            let message = message(&format!("the database failed: {error}"));
            Error::Storage {
                provider,
                message,
                source,
            }
        }
    }
}

/// Classifies an error of COMMIT. After a failed fsync nobody knows what the disk holds.
pub(super) fn classify_commit(path: &Path, error: Arc<rusqlite::Error>) -> Error {
    if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
        let message = bounded(&format!("{}: the disk failed during a commit", path.display())).to_owned();
        return Error::OutcomeUnknown {
            provider: PROVIDER,
            message,
            source: Some(Box::new(error)),
        };
    }
    classify(path, error)
}

//! The one place that turns a SQLite result code into an error. <https://sqlite.org/rescode.html>

use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::Error;
use crate::error::bounded;
use crate::sql::Origin;

/// A failure before anything was committed.
pub(super) fn refused(origin: &Origin, error: rusqlite::Error) -> Error {
    let (store, place) = (origin.store, origin.place.to_string());
    let code = error.sqlite_error_code();
    let message = bounded(&error.to_string());
    let source = Arc::new(error);
    match code {
        Some(ErrorCode::DiskFull) => Error::Full { store, place, source },
        Some(ErrorCode::ReadOnly) => Error::ReadOnly { store, place, source },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { store, place, source },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Corrupt {
            store,
            place,
            detail: message,
            source: Some(source),
        },
        _ => Error::Unavailable {
            store,
            place,
            message,
            source: Some(source),
        },
    }
}

/// A failure of the commit itself. Full, busy and read-only are known to have changed nothing; after an I/O error
/// the change may be on the disk.
pub(super) fn commit_failed(origin: &Origin, error: rusqlite::Error) -> Error {
    match refused(origin, error) {
        Error::Unavailable {
            store, message, source, ..
        } => Error::OutcomeUnknown { store, message, source },
        known => known,
    }
}

/// The thread that should have answered is gone.
pub(super) fn stopped(origin: &Origin) -> Error {
    let message = "the thread of the store has stopped".to_owned();
    Error::OutcomeUnknown {
        store: origin.store,
        message,
        source: None,
    }
}

//! The one place that turns an error of Postgres or the way to it into ours.
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>
//!
//! Details and hints of the server are left out: they quote rows.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::PoolError;
use tokio_postgres::error::SqlState;

use crate::Error;
use crate::error::{Source, bounded};
use crate::sql::Origin;

/// What a call was to do, and so what the loss of its answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    Read,
    Write,
    /// A write that is taken back in any case, to see whether it could be made.
    Probe,
}

/// What the server or the driver said, without the rows that the server quotes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Words(String);

fn words(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    let said = match (error.as_db_error(), error.source()) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    };
    bounded(&said)
}

/// Whether the transaction met another one and was taken back whole, so that it may be run again.
pub(super) fn met_another(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        // A unique violation here is a race: within a transaction every statement looks before it inserts.
        [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::UNIQUE_VIOLATION,
        ]
        .contains(code)
    })
}

/// Whether a prepared statement has outlived the table it was made for.
pub(super) fn stale_plan(error: &tokio_postgres::Error) -> bool {
    error
        .as_db_error()
        .is_some_and(|said| *said.code() == SqlState::FEATURE_NOT_SUPPORTED && said.message().contains("cached plan"))
}

/// The error of a statement. One that the server reports has taken its whole transaction back.
pub(super) fn failed(origin: &Origin, intent: Intent, error: &tokio_postgres::Error) -> Error {
    match error.code() {
        Some(code) => reported(origin, code, words(error)),
        None => lost(origin, intent, words(error)),
    }
}

/// The error of the commit itself.
pub(super) fn commit_failed(origin: &Origin, error: &tokio_postgres::Error) -> Error {
    if met_another(error) {
        return failed(origin, Intent::Write, error);
    }
    lost(origin, Intent::Write, words(error))
}

fn reported(origin: &Origin, code: &SqlState, message: String) -> Error {
    let (store, place) = (origin.store, origin.place.to_string());
    let source: Source = Arc::new(Words(message.clone()));
    match code.code() {
        "53100" => Error::Full { store, place, source },
        "25006" => Error::ReadOnly { store, place, source },
        "40001" | "40P01" | "55P03" | "23505" => Error::Busy { store, place, source },
        code if code.starts_with("XX") => Error::Corrupt {
            store,
            place,
            detail: message,
            source: Some(source),
        },
        // Connections refused or ended, resources short, statements cut off: before anything was committed.
        code if ["08", "53", "57"].contains(&code.get(..2).unwrap_or_default()) => unavailable(origin, message),
        code => {
            let hint = if code == "42P01" || code == "42703" {
                "; let `PostgresStore::connect` migrate it"
            } else {
                ""
            };
            Error::Rejected {
                store,
                place,
                message: format!("{message}{hint}"),
                source: Some(source),
            }
        }
    }
}

/// The pool could give no connection: nothing was asked.
pub(super) fn no_connection(origin: &Origin, error: &PoolError<tokio_postgres::Error>) -> Error {
    match error {
        PoolError::Backend(error) => match error.code() {
            Some(code) => reported(origin, code, words(error)),
            None => unavailable(origin, words(error)),
        },
        PoolError::Timeout(_) => unavailable(origin, "no connection became free in time".to_owned()),
        other => unavailable(origin, bounded(&other.to_string())),
    }
}

/// The error of a call that took too long.
pub(super) fn late(origin: &Origin, intent: Intent, deadline: Duration) -> Error {
    lost(origin, intent, format!("no answer within {deadline:?}"))
}

pub(super) fn unavailable(origin: &Origin, message: String) -> Error {
    Error::Unavailable {
        store: origin.store,
        place: origin.place.to_string(),
        message,
        source: None,
    }
}

fn lost(origin: &Origin, intent: Intent, message: String) -> Error {
    match intent {
        Intent::Read | Intent::Probe => unavailable(origin, message),
        Intent::Write => Error::OutcomeUnknown {
            store: origin.store,
            message,
            source: None,
        },
    }
}

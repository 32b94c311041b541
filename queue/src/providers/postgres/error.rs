//! The one place that turns an error of Postgres, or of the way to it, into ours.
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>
//!
//! Details and hints of the server are left out: they quote rows.

use std::time::Duration;

use deadpool_postgres::PoolError;

use super::PROVIDER;
use crate::{Error, error::bounded};

/// What the loss of an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// Nothing: it can be asked again.
    Read,
    /// It may have happened.
    Write,
}

pub(super) fn config(message: String) -> Error {
    Error::Config {
        provider: PROVIDER,
        message: bounded(&message).to_owned(),
    }
}

fn words(place: &str, error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    let said = match (error.as_db_error(), error.source()) {
        (Some(said), _) => format!("{place}: {} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("{place}: {error}: {source}"),
        (None, None) => format!("{place}: {error}"),
    };
    bounded(&said).to_owned()
}

/// What rustls and the driver say when the two ends cannot agree on TLS: time does not mend it.
const REFUSED: [&str; 2] = ["invalid peer certificate", "does not support TLS"];

/// The error of a statement that stands alone, or of a whole transaction.
pub(super) fn failed(place: &str, intent: Intent, error: &tokio_postgres::Error) -> Error {
    let provider = PROVIDER;
    let message = words(place, error);
    let source = None;
    let Some(code) = error.code() else {
        if REFUSED.iter().any(|words| message.contains(words)) {
            return Error::Config { provider, message };
        }
        return lost(intent, message);
    };
    match code.code() {
        "53100" => Error::Full {
            provider,
            message,
            source,
        },
        "25006" => Error::ReadOnly {
            provider,
            message,
            source,
        },
        // The login, the database, the rights, the tables.
        "42501" | "42P01" | "42703" | "3D000" | "3F000" | "0A000" => Error::Config { provider, message },
        "XX001" | "XX002" => Error::Corrupt {
            provider,
            message,
            source,
        },
        // Ended by an administrator, perhaps between the commit and its answer.
        "57P01" | "57P02" => lost(intent, message),
        code => match code.get(..2).unwrap_or_default() {
            "28" => Error::Config { provider, message },
            // Connections refused or ended, resources short, cut off, in the way of another: taken back whole.
            "08" | "40" | "53" | "55" | "57" => unavailable(message),
            _ => Error::Storage {
                provider,
                message,
                source,
            },
        },
    }
}

/// The pool could give no connection: nothing was asked.
pub(super) fn no_connection(place: &str, error: &PoolError) -> Error {
    match error {
        PoolError::Backend(error) => failed(place, Intent::Read, error),
        PoolError::Timeout(_) => unavailable(format!("{place}: no connection became free in time")),
        other => unavailable(bounded(&format!("{place}: {other}")).to_owned()),
    }
}

/// The error of a call that took too long.
pub(super) fn late(place: &str, intent: Intent, timeout: Duration) -> Error {
    lost(intent, format!("{place}: no answer within {timeout:?}"))
}

pub(super) fn unavailable(message: String) -> Error {
    Error::Unavailable {
        provider: PROVIDER,
        message,
        retry_after: None,
        source: None,
    }
}

fn lost(intent: Intent, message: String) -> Error {
    match intent {
        Intent::Read => unavailable(message),
        Intent::Write => Error::OutcomeUnknown {
            provider: PROVIDER,
            message,
            source: None,
        },
    }
}

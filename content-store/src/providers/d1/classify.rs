//! The one place that turns the words of D1 into an error.
//! <https://developers.cloudflare.com/d1/observability/debug-d1/#error-list>
//!
//! The runtime gives no codes, and depending on its path wraps the words or does not: what counts is the inner text.
//! The `worker` crate's own error is not kept as a source, for it formats as a JavaScript stack trace; its words are in
//! the message.

use std::sync::Arc;
use std::time::Duration;

use worker::js_sys;

use crate::Error;
use crate::error::bounded;
use crate::sql::Origin;

/// What a call was to do, and so what its loss means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    Read,
    Write,
}

/// D1 never began, and a later call may succeed.
const NOT_BEGUN: &[&str] = &[
    "overloaded. requests queued for too long",
    "overloaded. too many requests queued",
    // The runtime refuses an invocation's calls beyond its plan's number.
    "too many subrequests",
    "too many api requests by single",
];

const FULL: &[&str] = &["sqlite_full", "exceeded maximum db size"];

/// D1 says no and takes everything of the batch back.
const REFUSED: &[&str] = &[
    "exceeded its memory limit",
    "exceeded its cpu time limit",
    "sqlite_constraint",
    "sqlite_error",
    "sqlite_toobig",
    "sqlite_auth",
    "sqlite_mismatch",
    "d1_type_error",
    "d1_exec_error",
    "d1_column_notfound",
    "d1_session_error",
    "no sql statements detected",
    "wrong number of parameter bindings",
];

/// What the error says, without its wrapping: one line.
pub(super) fn words(error: &worker::Error) -> String {
    let said = match error {
        // Formatting this variant walks into a trap of the crate or prints a stack.
        worker::Error::D1(error) => match error.cause() {
            unknown if unknown == "unknown error" => {
                let outer: &js_sys::Error = error.as_ref();
                outer.message().into()
            }
            cause => cause,
        },
        worker::Error::UnknownJsError { message, cause, .. } => match cause.as_deref().map(words) {
            Some(cause) if !message.contains(&cause) => format!("{message}: {cause}"),
            _ => message.clone(),
        },
        worker::Error::Internal(value) => value.as_string().unwrap_or_else(|| "no words".to_owned()),
        other => other.to_string(),
    };
    let said = said.trim_start();
    let said = said.strip_prefix("Error: ").unwrap_or(said);
    let said = said.strip_prefix("D1_ERROR: ").unwrap_or(said);
    bounded(said.lines().next().unwrap_or_default().trim_end())
}

/// The error of a call that D1 or the way to it failed.
pub(super) fn failed(origin: &Origin, intent: Intent, words: &str) -> Error {
    let folded = words.to_ascii_lowercase();
    let one_of = |list: &[&str]| list.iter().any(|said| folded.contains(said));
    if one_of(NOT_BEGUN) {
        unavailable(origin, words)
    } else if one_of(FULL) {
        Error::Full {
            store: origin.store,
            place: origin.place.to_string(),
            source: Arc::new(Words(words.to_owned())),
        }
    } else if one_of(REFUSED) {
        refused(origin, words)
    } else {
        // Connections lost, objects reset, stalls, and everything D1 may say tomorrow.
        lost(origin, intent, words)
    }
}

/// The error of a call that took too long.
pub(super) fn late(origin: &Origin, intent: Intent, deadline: Duration) -> Error {
    lost(origin, intent, &format!("no answer within {deadline:?}"))
}

/// The error of a call that was never made, or taken back.
pub(super) fn refused(origin: &Origin, words: &str) -> Error {
    let hint = if words.contains("no such table") || words.contains("no such column") {
        "; apply the migrations: wrangler d1 migrations apply"
    } else {
        ""
    };
    Error::Rejected {
        store: origin.store,
        place: origin.place.to_string(),
        message: format!("{words}{hint}"),
        source: None,
    }
}

fn lost(origin: &Origin, intent: Intent, words: &str) -> Error {
    match intent {
        Intent::Read => unavailable(origin, words),
        Intent::Write => Error::OutcomeUnknown {
            store: origin.store,
            message: words.to_owned(),
            source: None,
        },
    }
}

fn unavailable(origin: &Origin, words: &str) -> Error {
    Error::Unavailable {
        store: origin.store,
        place: origin.place.to_string(),
        message: words.to_owned(),
        source: None,
    }
}

/// What D1 said, as a source.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Words(String);

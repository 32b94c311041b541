//! What D1's words mean, whichever way they come, and what D1 takes.
//! <https://developers.cloudflare.com/d1/observability/debug-d1/#error-list>

use std::sync::Arc;
use std::time::Duration;

use crate::error::bounded;
use crate::sql::{Origin, Statement, Value};
use crate::{Error, Result, limits, text};

/// The largest parameter: the largest string D1 stores. <https://developers.cloudflare.com/d1/platform/limits/>
pub(super) const MAX_PARAMETER: usize = 2_000_000;

/// D1 cuts a batch off itself after this time, from the same page.
pub(super) const MAX_DEADLINE: Duration = Duration::from_secs(30);

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

/// Whether the words say that D1 never began.
#[cfg(feature = "d1-http")]
pub(super) fn not_begun(words: &str) -> bool {
    let folded = words.to_ascii_lowercase();
    NOT_BEGUN.iter().any(|said| folded.contains(said))
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

/// One line of D1's words, without the prefix that some ways put before them.
pub(super) fn line(said: &str) -> String {
    let said = said.trim_start();
    let said = said.strip_prefix("Error: ").unwrap_or(said);
    let said = said.strip_prefix("D1_ERROR: ").unwrap_or(said);
    bounded(said.lines().next().unwrap_or_default().trim_end())
}

/// Refuses what D1 would round or refuse.
pub(super) fn check(statements: &[Statement]) -> Result<()> {
    for arg in statements.iter().flat_map(|statement| &statement.args) {
        match arg {
            Value::Text(text) if text.len() > MAX_PARAMETER => {
                return Err(Error::TooLarge {
                    field: "one parameter of a statement",
                    limit: MAX_PARAMETER,
                    found: text.len(),
                });
            }
            Value::Int(number) if number.unsigned_abs() > limits::NUMBER.unsigned_abs() => {
                return Err(text::invalid("a number", "is beyond 2^53 - 1, which D1 would round"));
            }
            Value::Null | Value::Int(_) | Value::Text(_) | Value::Id(_) => {}
        }
    }
    Ok(())
}

//! The one place that turns the words of the runtime into an error.
//! <https://developers.cloudflare.com/queues/reference/error-codes/>
//!
//! A code stands in brackets at the end of the text, if it stands anywhere.

use std::time::Duration;

use super::PROVIDER;
use crate::{Error, error::bounded, providers::cloudflare_codes::refusal};

/// What the error says: one line.
pub(super) fn words(error: &worker::Error) -> String {
    let said = match error {
        worker::Error::UnknownJsError { message, .. } => message.clone(),
        worker::Error::Internal(value) => value.as_string().unwrap_or_else(|| "no words".to_owned()),
        other => other.to_string(),
    };
    bounded(said.lines().next().unwrap_or_default().trim()).to_owned()
}

/// The error of a send that failed.
pub(super) fn failed(words: &str) -> Error {
    let refusal = code(words).and_then(|code| refusal(PROVIDER, code, words.to_owned()));
    refusal.unwrap_or_else(|| Error::OutcomeUnknown {
        provider: PROVIDER,
        message: words.to_owned(),
        source: None,
    })
}

/// The error of a send that took too long.
pub(super) fn late(deadline: Duration) -> Error {
    Error::OutcomeUnknown {
        provider: PROVIDER,
        message: format!("no answer within {deadline:?}"),
        source: None,
    }
}

fn code(words: &str) -> Option<u32> {
    let (_, code) = words.trim_end_matches('.').strip_suffix(')')?.rsplit_once('(')?;
    code.parse().ok()
}

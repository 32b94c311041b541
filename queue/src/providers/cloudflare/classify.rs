//! The one place that turns the words of the runtime into an error.
//! <https://developers.cloudflare.com/queues/reference/error-codes/>
//!
//! A code stands in brackets at the end of the text, if it stands anywhere.

use std::time::Duration;

use super::PROVIDER;
use crate::{Error, error::bounded};

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
    let provider = PROVIDER;
    let message = words.to_owned();
    let source = None;
    match code(words) {
        // No such queue, not enabled, no permission, malformed id, disabled.
        Some(10_104..=10_107 | 10_252) => Error::Config { provider, message },
        // Delay, metadata, sizes, JSON.
        Some(10_202..=10_208) => Error::InvalidMessage { provider, message },
        Some(10_250) => Error::Unavailable {
            provider,
            message,
            retry_after: Some(Duration::from_secs(1)),
            source,
        },
        Some(10_251) => Error::Full {
            provider,
            message,
            source,
        },
        // The free plan's operations of the day are used up.
        Some(10_253) => Error::Storage {
            provider,
            message,
            source,
        },
        // Connections lost, internal errors (15000), everything it may say tomorrow.
        _ => Error::OutcomeUnknown {
            provider,
            message,
            source,
        },
    }
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

//! The words of an error that the binding threw.
//!
//! The runtime gives no codes, and depending on its path wraps the words or does not: what counts is the inner text.
//! The `worker` crate's own error is not kept as a source, for it formats as a JavaScript stack trace; its words are in
//! the message.

use worker::js_sys;

use crate::providers::d1_rules::line;

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
    line(&said)
}

//! The facts every [`Error`](crate::Error) carries.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::{Attempt, Limits};

/// A message longer than this is cut; servers echo whole prompts.
const MAX_MESSAGE_CHARS: usize = 500;

/// Who failed, and what is known about it.
///
/// ```
/// use presswork_ai_adapter::{Error, Failure};
///
/// let error = Error::Unavailable(Failure::new("my-model", "the gateway is down").status(503).boxed());
/// assert_eq!(error.to_string(), "my-model: the gateway is down (HTTP 503)");
/// assert!(error.is_retryable());
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The provider's name.
    pub provider: String,
    /// What happened, for people: at most 500 characters, keys taken out.
    pub message: String,
    /// The HTTP status, when there was one.
    pub status: Option<u16>,
    /// The provider's own error code (`insufficient_quota`), when there was one.
    pub code: Option<String>,
    /// The provider's id of the request, to quote to its support.
    pub request_id: Option<String>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// What the server says about repeating; overrides what the condition says.
    pub retryable: Option<bool>,
    /// What the provider says is left of its rate limits.
    pub limits: Limits,
    /// Every attempt made, the failing one last.
    pub attempts: Vec<Attempt>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Failure {
    /// A failure of `provider`. The message is cut to 500 characters and cleaned of anything that looks like a key.
    pub fn new(provider: impl Into<String>, message: impl AsRef<str>) -> Self {
        Self {
            provider: provider.into(),
            message: clean(message.as_ref()),
            status: None,
            code: None,
            request_id: None,
            retry_after: None,
            retryable: None,
            limits: Limits::default(),
            attempts: Vec::new(),
            source: None,
        }
    }

    /// Sets the HTTP status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets the provider's error code.
    #[must_use]
    pub fn code(mut self, code: Option<String>) -> Self {
        self.code = code.map(|code| clean(&code));
        self
    }

    /// Sets the provider's id of the request.
    #[must_use]
    pub fn request_id(mut self, id: Option<String>) -> Self {
        self.request_id = id;
        self
    }

    /// Sets how long the server asks to wait.
    #[must_use]
    pub fn retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry_after = after;
        self
    }

    /// Sets what the server says about repeating the request.
    #[must_use]
    pub fn retryable(mut self, retryable: Option<bool>) -> Self {
        self.retryable = retryable;
        self
    }

    /// Keeps the error beneath. It must print no secret: strip URLs first.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The failure on the heap, as [`Error`](crate::Error)'s variants hold it.
    #[must_use]
    pub fn boxed(self) -> Box<Self> {
        Box::new(self)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.provider, self.message)?;
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, " (HTTP {status}, {code})"),
            (Some(status), None) => write!(f, " (HTTP {status})"),
            (None, Some(code)) => write!(f, " ({code})"),
            (None, None) => Ok(()),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}

/// One line, bounded, and without words that look like a credential: `sk-...`, or what follows `Bearer`.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::new();
    let mut after_bearer = false;
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        match key_at(word) {
            _ if after_bearer => out.push_str("[redacted]"),
            Some(at) => {
                out.push_str(&word[..at]);
                out.push_str("[redacted]");
            }
            None => out.push_str(word),
        }
        after_bearer = word.eq_ignore_ascii_case("bearer");
        // Enough to fill the bound; the rest of a megabyte is never walked.
        if out.len() > MAX_MESSAGE_CHARS * 4 {
            break;
        }
    }
    truncate_chars(&mut out, MAX_MESSAGE_CHARS);
    out
}

/// The text without words that look like a credential, or `None` when there is none. White space stays as it is.
pub(crate) fn hide_keys(text: &str) -> Option<String> {
    let mut out: Option<String> = None;
    let mut done = 0;
    let mut after_bearer = false;
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let from = if after_bearer && !word.is_empty() {
            Some(0)
        } else {
            key_at(word)
        };
        if let Some(from) = from {
            let out = out.get_or_insert_default();
            out.push_str(&text[done..at + from]);
            out.push_str("[redacted]");
            done = at + word.len();
        }
        after_bearer = word.eq_ignore_ascii_case("bearer") || (after_bearer && word.is_empty());
        at += piece.len();
    }
    let mut out = out?;
    out.push_str(&text[done..]);
    Some(out)
}

/// Where in a word a key of OpenAI, Anthropic, Google or Groq begins; `task-oriented` holds none.
fn key_at(word: &str) -> Option<usize> {
    ["sk-", "AIza", "gsk_"].iter().find_map(|shape| {
        let at = word.find(shape)?;
        let starts = word[..at]
            .chars()
            .next_back()
            .is_none_or(|before| !before.is_alphanumeric());
        (starts && word.len() - at > 10).then_some(at)
    })
}

fn truncate_chars(text: &mut String, limit: usize) {
    if let Some((end, _)) = text.char_indices().nth(limit) {
        // The last character gives way to the ellipsis, so the bound holds.
        let end = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_bounded_and_carry_no_key() {
        let long = Failure::new("p", "ü".repeat(10_000));
        assert_eq!(long.message.chars().count(), MAX_MESSAGE_CHARS);
        let leaky = Failure::new("p", "bad key: 'sk-proj-abcdefghijkl', header Bearer tok-123 given");
        assert_eq!(leaky.message, "bad key: '[redacted] header Bearer [redacted] given");
        assert_eq!(clean("task-oriented desk-top"), "task-oriented desk-top");
        assert_eq!(hide_keys("task-oriented\n desk-top"), None);
        let hidden = hide_keys("a\tsk-abcdefghijkl\n  Bearer  tok-123\n b ");
        assert_eq!(hidden.as_deref(), Some("a\t[redacted]\n  Bearer  [redacted]\n b "));
    }
}

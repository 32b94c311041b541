//! One recorded call.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Tape;
use crate::canonical::canonical;
use crate::{Error, Failure, Limits, Result, StreamEvent, TextRequest, TextResponse};

/// A line of a [`Tape`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) request: Value,
    /// What streamed before the end; `None` when the call was not streamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pieces: Option<Vec<Piece>>,
    #[serde(flatten)]
    pub(crate) end: End,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    Response(Box<TextResponse>),
    Error(Box<Told>),
}

/// A [`StreamEvent`] that says something and is not the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Piece {
    Text(String),
    Reasoning(String),
    ToolCall {
        index: usize,
        name: String,
        arguments: String,
    },
}

impl Piece {
    pub(crate) fn of(event: &StreamEvent) -> Option<Self> {
        match event.clone() {
            StreamEvent::Text(text) => Some(Self::Text(text)),
            StreamEvent::Reasoning(text) => Some(Self::Reasoning(text)),
            StreamEvent::ToolCall { index, name, arguments } => Some(Self::ToolCall { index, name, arguments }),
            StreamEvent::Ping | StreamEvent::Done(_) => None,
        }
    }
}

impl From<Piece> for StreamEvent {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Text(text) => Self::Text(text),
            Piece::Reasoning(text) => Self::Reasoning(text),
            Piece::ToolCall { index, name, arguments } => Self::ToolCall { index, name, arguments },
        }
    }
}

/// An error, as far as it can be told again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Told {
    condition: String,
    provider: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retryable: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<String>,
}

impl Told {
    pub(crate) fn of(error: &Error) -> Self {
        let failure = error.failure();
        let errors = match error {
            Error::InvalidObject { errors, .. } => errors.clone(),
            _ => Vec::new(),
        };
        Self {
            condition: error.condition().to_owned(),
            provider: failure.provider.clone(),
            message: failure.message.clone(),
            status: failure.status,
            code: failure.code.clone(),
            retry_after: failure.retry_after,
            retryable: failure.retryable,
            errors,
        }
    }

    pub(crate) fn error(&self) -> Error {
        let mut failure = Failure::new(&self.provider, &self.message)
            .code(self.code.clone())
            .retry_after(self.retry_after)
            .retryable(self.retryable);
        failure.status = self.status;
        let failure = failure.boxed();
        match self.condition.as_str() {
            "rate_limited" => Error::RateLimited(failure),
            "quota_exhausted" => Error::QuotaExhausted(failure),
            "unauthenticated" => Error::Unauthenticated(failure),
            "model_not_found" => Error::ModelNotFound(failure),
            "rejected" => Error::Rejected(failure),
            "refused" => Error::Refused(failure),
            "truncated" => Error::Truncated(failure),
            "incomplete" => Error::Incomplete(failure),
            "unavailable" => Error::Unavailable(failure),
            "timeout" => Error::Timeout(failure),
            "invalid_object" => Error::InvalidObject {
                failure,
                errors: self.errors.clone(),
            },
            "unsupported" => Error::Unsupported(failure),
            "config" => Error::Config(failure),
            _ => Error::Malformed(failure),
        }
    }
}

impl Tape {
    /// A request as this tape writes it.
    pub(crate) fn written(&self, request: &TextRequest) -> Value {
        let mut value = canonical(&self.model.provider, &self.model.model, request).unwrap_or_default();
        self.redact(&mut value);
        value
    }

    /// Adds a call.
    pub(crate) fn add(&self, request: Value, pieces: Option<Vec<Piece>>, end: Result<&TextResponse, &Error>) {
        let end = match end {
            Ok(response) => {
                let mut response = response.clone();
                response.request_id = None;
                response.limits = Limits::default();
                for attempt in &mut response.attempts {
                    attempt.latency = None;
                }
                End::Response(Box::new(response))
            }
            Err(error) => End::Error(Box::new(Told::of(error))),
        };
        let entry = Entry { request, pieces, end };
        // By way of JSON, so that no text is forgotten.
        let hidden = serde_json::to_value(&entry).and_then(|mut value| {
            self.redact(&mut value);
            serde_json::from_value(value)
        });
        if let Ok(entry) = hidden {
            self.entries().push(entry);
        }
    }
}

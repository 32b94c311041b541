//! The ledger: what each attempt at an answer took, on success and on failure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{EmbeddingResponse, Error, ImageResponse, Result, TextResponse, Usage};

/// One attempt of one model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Attempt {
    /// Who was asked.
    pub provider: String,
    /// Which model.
    pub model: String,
    /// Why it failed: the condition's name and a bounded text. `None` for a success.
    pub error: Option<String>,
    /// How long it took, when that was measured.
    pub latency: Option<Duration>,
    /// What it took, as far as the provider reports it.
    pub usage: Usage,
    /// What it cost in millionths of a US dollar, when a price is known.
    pub cost_micros: Option<u64>,
}

impl Attempt {
    /// An attempt at `provider`'s `model` that took `latency`.
    pub fn new(provider: impl Into<String>, model: impl Into<String>, latency: Option<Duration>) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            latency,
            ..Self::default()
        }
    }

    fn failed(mut self, error: &Error) -> Self {
        self.error = Some(format!("{}: {error}", error.condition()));
        self
    }
}

/// A success that carries the ledger.
pub(crate) trait Recorded {
    fn attempts_mut(&mut self) -> &mut Vec<Attempt>;
    fn usage(&self) -> Usage;
}

impl Recorded for TextResponse {
    fn attempts_mut(&mut self) -> &mut Vec<Attempt> {
        &mut self.attempts
    }

    fn usage(&self) -> Usage {
        self.usage
    }
}

impl Recorded for EmbeddingResponse {
    fn attempts_mut(&mut self) -> &mut Vec<Attempt> {
        &mut self.attempts
    }

    fn usage(&self) -> Usage {
        self.usage
    }
}

impl Recorded for ImageResponse {
    fn attempts_mut(&mut self) -> &mut Vec<Attempt> {
        &mut self.attempts
    }

    fn usage(&self) -> Usage {
        self.usage
    }
}

/// Enters one attempt into the result it produced, unless whoever produced it did so already.
pub(crate) fn enter<T: Recorded>(result: &mut Result<T>, attempt: impl FnOnce() -> Attempt) {
    match result {
        Ok(response) => {
            let usage = response.usage();
            let attempts = response.attempts_mut();
            if attempts.is_empty() {
                *attempts = vec![Attempt { usage, ..attempt() }];
            }
        }
        Err(error) => enter_error(error, attempt),
    }
}

/// As [`enter`], for an error alone.
pub(crate) fn enter_error(error: &mut Error, attempt: impl FnOnce() -> Attempt) {
    if error.attempts().is_empty() {
        let attempt = attempt().failed(error);
        error.failure_mut().attempts.push(attempt);
    }
}

/// Puts earlier attempts in front of a result's own.
pub(crate) fn prepend<T: Recorded>(result: &mut Result<T>, earlier: Vec<Attempt>) {
    match result {
        Ok(response) => prepend_to(response.attempts_mut(), earlier),
        Err(error) => prepend_to(&mut error.failure_mut().attempts, earlier),
    }
}

pub(crate) fn prepend_to(attempts: &mut Vec<Attempt>, mut earlier: Vec<Attempt>) {
    if !earlier.is_empty() {
        earlier.append(attempts);
        *attempts = earlier;
    }
}

//! What a provider says is left of its rate limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The rate limits a provider reported with an answer or an error, as far as it did.
///
/// Read from `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` (OpenAI and compatible servers; Groq's requests are counted
/// per day) and `anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Limits {
    /// Requests.
    pub requests: Window,
    /// Tokens.
    pub tokens: Window,
}

/// One limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Window {
    /// How many a full window has.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// How long until the window is full again.
    pub reset: Option<Duration>,
}

impl Window {
    /// A window with everything known.
    pub const fn new(limit: u64, remaining: u64, reset: Duration) -> Self {
        Self {
            limit: Some(limit),
            remaining: Some(remaining),
            reset: Some(reset),
        }
    }
}

impl Limits {
    /// Limits of requests and tokens.
    pub const fn new(requests: Window, tokens: Window) -> Self {
        Self { requests, tokens }
    }
}

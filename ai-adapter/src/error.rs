//! What can go wrong, as conditions a caller can act on.

use std::time::Duration;

use crate::{Attempt, Failure};

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A condition, with the [`Failure`] that tells who, what and why.
///
/// Match on the condition; the message is for people. Wrappers ask [`Error::is_retryable`] and
/// [`Error::is_provider_fault`] and never look at a status.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Too many requests or tokens for now; waiting helps.
    #[error(transparent)]
    RateLimited(Box<Failure>),
    /// The account's credit, quota or spend limit is used up; waiting a little does not help.
    #[error(transparent)]
    QuotaExhausted(Box<Failure>),
    /// The credentials are missing, wrong, or not allowed to do this.
    #[error(transparent)]
    Unauthenticated(Box<Failure>),
    /// The provider does not know the model, or no longer serves it.
    #[error(transparent)]
    ModelNotFound(Box<Failure>),
    /// The provider understood the request and will not take it as it is; the same request fails again.
    #[error(transparent)]
    Rejected(Box<Failure>),
    /// The provider or the model declines to answer for reasons of safety.
    #[error(transparent)]
    Refused(Box<Failure>),
    /// The answer hit the output limit before it was complete. Only typed output raises this; plain text
    /// comes back with [`FinishReason::Length`](crate::FinishReason::Length).
    #[error(transparent)]
    Truncated(Box<Failure>),
    /// The connection ended before the answer did: a body or stream without its end.
    #[error(transparent)]
    Incomplete(Box<Failure>),
    /// The server cannot be reached, is overloaded, or failed.
    #[error(transparent)]
    Unavailable(Box<Failure>),
    /// No complete answer within the time allowed. The provider may have done, and billed, the work.
    #[error(transparent)]
    Timeout(Box<Failure>),
    /// The reply came, and is not what the provider's protocol promises.
    #[error(transparent)]
    Malformed(Box<Failure>),
    /// The answer did not fit the schema after every repair was tried.
    #[error("{failure}: {}", .errors.join("; "))]
    InvalidObject {
        /// Who answered, and every attempt made.
        failure: Box<Failure>,
        /// What was wrong with the last answer: at most 10 lines of `path: reason`.
        errors: Vec<String>,
    },
    /// The request asks for something the model's [`Capabilities`](crate::Capabilities) deny. Nothing was sent.
    #[error(transparent)]
    Unsupported(Box<Failure>),
    /// A setting is missing, contradictory or wrong: found before anything was sent, or by a server that redirects.
    #[error(transparent)]
    Config(Box<Failure>),
}

impl Error {
    /// Who, what and why.
    pub fn failure(&self) -> &Failure {
        match self {
            Self::RateLimited(failure)
            | Self::QuotaExhausted(failure)
            | Self::Unauthenticated(failure)
            | Self::ModelNotFound(failure)
            | Self::Rejected(failure)
            | Self::Refused(failure)
            | Self::Truncated(failure)
            | Self::Incomplete(failure)
            | Self::Unavailable(failure)
            | Self::Timeout(failure)
            | Self::Malformed(failure)
            | Self::InvalidObject { failure, .. }
            | Self::Unsupported(failure)
            | Self::Config(failure) => failure,
        }
    }

    pub(crate) fn failure_mut(&mut self) -> &mut Failure {
        match self {
            Self::RateLimited(failure)
            | Self::QuotaExhausted(failure)
            | Self::Unauthenticated(failure)
            | Self::ModelNotFound(failure)
            | Self::Rejected(failure)
            | Self::Refused(failure)
            | Self::Truncated(failure)
            | Self::Incomplete(failure)
            | Self::Unavailable(failure)
            | Self::Timeout(failure)
            | Self::Malformed(failure)
            | Self::InvalidObject { failure, .. }
            | Self::Unsupported(failure)
            | Self::Config(failure) => failure,
        }
    }

    /// The condition's name in snake case, for logs, ledgers and metrics: `"rate_limited"`.
    pub fn condition(&self) -> &'static str {
        match self {
            Self::RateLimited(_) => "rate_limited",
            Self::QuotaExhausted(_) => "quota_exhausted",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::ModelNotFound(_) => "model_not_found",
            Self::Rejected(_) => "rejected",
            Self::Refused(_) => "refused",
            Self::Truncated(_) => "truncated",
            Self::Incomplete(_) => "incomplete",
            Self::Unavailable(_) => "unavailable",
            Self::Timeout(_) => "timeout",
            Self::Malformed(_) => "malformed",
            Self::InvalidObject { .. } => "invalid_object",
            Self::Unsupported(_) => "unsupported",
            Self::Config(_) => "config",
        }
    }

    /// Whether the same request may succeed soon at the same provider.
    ///
    /// What the server says of itself (`x-should-retry`) wins over the condition. A request repeated after
    /// [`Error::Timeout`] or [`Error::Incomplete`] may be billed twice: no provider offers an idempotency key
    /// for generation.
    pub fn is_retryable(&self) -> bool {
        self.failure().retryable.unwrap_or(matches!(
            self,
            Self::RateLimited(_) | Self::Incomplete(_) | Self::Unavailable(_) | Self::Timeout(_) | Self::Malformed(_)
        ))
    }

    /// Whether another provider may do better with the same request: everything retryable, and what is wrong
    /// with the account or the model rather than with the prompt.
    pub fn is_provider_fault(&self) -> bool {
        self.is_retryable()
            || matches!(
                self,
                Self::RateLimited(_)
                    | Self::QuotaExhausted(_)
                    | Self::Unauthenticated(_)
                    | Self::ModelNotFound(_)
                    | Self::Incomplete(_)
                    | Self::Unavailable(_)
                    | Self::Timeout(_)
                    | Self::Malformed(_)
            )
    }

    /// How long the server asks to wait, when it says so. Not capped here; [`Retry`](crate::Retry) caps it.
    pub fn retry_after(&self) -> Option<Duration> {
        self.failure().retry_after
    }

    /// Every attempt made, the failing one last: the same ledger a success carries.
    pub fn attempts(&self) -> &[Attempt] {
        &self.failure().attempts
    }
}

const _: fn() = || {
    fn assert<T: Send + Sync + 'static>() {}
    assert::<Error>();
};

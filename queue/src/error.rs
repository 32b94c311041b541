//! What can go wrong, by condition.

use std::time::Duration;

use crate::MessageId;

/// The result of an operation on a queue.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause behind an [`Error`].
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A queue's refusal or failure. Messages are at most 500 characters and hold no message content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The message is longer than the queue takes. Nothing was stored.
    #[error("{provider}: the message takes {size} bytes, the queue takes {max}")]
    TooLarge {
        /// The backend.
        provider: &'static str,
        /// The bytes of the envelope.
        size: usize,
        /// The most the queue takes.
        max: usize,
    },
    /// The batch has too many messages or bytes. Nothing was stored.
    #[error("{provider}: the batch has {size} {unit}, the queue takes {max}")]
    BatchTooLarge {
        /// The backend.
        provider: &'static str,
        /// How many there are.
        size: usize,
        /// The most the queue takes.
        max: usize,
        /// `messages` or `bytes`.
        unit: &'static str,
    },
    /// The delay is longer than the queue takes. Nothing was changed.
    #[error("{provider}: a delay of {delay:?} is longer than the queue's maximum of {max:?}")]
    InvalidDelay {
        /// The backend.
        provider: &'static str,
        /// The delay asked for.
        delay: Duration,
        /// The longest the queue takes.
        max: Duration,
    },
    /// The message cannot be sent as it is. Nothing was stored.
    #[error("{provider}: {message}")]
    InvalidMessage {
        /// The backend.
        provider: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// A delivered message does not read as what was expected.
    #[error("message {id}: {message}")]
    Undecodable {
        /// The message.
        id: MessageId,
        /// What is wrong, without the content.
        message: String,
    },
    /// The lease no longer counts: the message was settled or delivered anew.
    #[error("{provider}: the lease on message {id} no longer counts; the message was settled or delivered anew")]
    Stale {
        /// The backend.
        provider: &'static str,
        /// The message.
        id: MessageId,
    },
    /// The backend cannot do this, and its capabilities say so.
    #[error("{provider}: {what} is not supported")]
    Unsupported {
        /// The backend.
        provider: &'static str,
        /// What was asked for.
        what: &'static str,
    },
    /// A setting is wrong; found when building.
    #[error("{provider}: {message}")]
    Config {
        /// The backend.
        provider: &'static str,
        /// Which setting, and what it may be.
        message: String,
    },
    /// The storage is full. Nothing was changed; make room and repeat.
    #[error("{provider}: {message}")]
    Full {
        /// The backend.
        provider: &'static str,
        /// Where, and what to do.
        message: String,
        /// The cause.
        #[source]
        source: Option<Source>,
    },
    /// The storage cannot be written. Nothing was changed.
    #[error("{provider}: {message}")]
    ReadOnly {
        /// The backend.
        provider: &'static str,
        /// Where, and what to do.
        message: String,
        /// The cause.
        #[source]
        source: Option<Source>,
    },
    /// The storage is damaged, or is something else altogether.
    #[error("{provider}: {message}")]
    Corrupt {
        /// The backend.
        provider: &'static str,
        /// Where, and what to do.
        message: String,
        /// The cause.
        #[source]
        source: Option<Source>,
    },
    /// Someone else holds the storage. Nothing was changed; a repeat may succeed.
    #[error("{provider}: {message}")]
    Locked {
        /// The backend.
        provider: &'static str,
        /// Where, and what to do.
        message: String,
        /// The cause.
        #[source]
        source: Option<Source>,
    },
    /// The backend did not do it. Nothing was changed; a repeat may succeed.
    #[error("{provider}: {message}")]
    Unavailable {
        /// The backend.
        provider: &'static str,
        /// What happened.
        message: String,
        /// How long the backend asked to wait.
        retry_after: Option<Duration>,
        /// The cause.
        #[source]
        source: Option<Source>,
    },
    /// No answer came: the operation may have happened. Repeat a send only with its idempotency key.
    #[error("{provider}: {message}; the operation may have happened")]
    OutcomeUnknown {
        /// The backend.
        provider: &'static str,
        /// What happened.
        message: String,
        /// The cause.
        #[source]
        source: Option<Source>,
    },
    /// The storage failed in a way that none of the others describe. Nothing was changed.
    #[error("{provider}: {message}")]
    Storage {
        /// The backend.
        provider: &'static str,
        /// What happened, and where.
        message: String,
        /// The cause.
        #[source]
        source: Option<Source>,
    },
}

impl Error {
    /// Whether the same call may succeed later and is known to have changed nothing.
    ///
    /// [`Error::OutcomeUnknown`] is not: it may have happened.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Locked { .. } | Self::Unavailable { .. } | Self::Full { .. } => true,
            Self::TooLarge { .. }
            | Self::BatchTooLarge { .. }
            | Self::InvalidDelay { .. }
            | Self::InvalidMessage { .. }
            | Self::Undecodable { .. }
            | Self::Stale { .. }
            | Self::Unsupported { .. }
            | Self::Config { .. }
            | Self::ReadOnly { .. }
            | Self::Corrupt { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Storage { .. } => false,
        }
    }

    /// How long the backend asked to wait, where it did.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The most characters of a message that is kept: reasons, errors.
const MAX_TEXT: usize = 500;

/// Cuts `text` to 500 characters.
pub(crate) fn bounded(text: &str) -> &str {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

const _: fn() = || {
    fn pin<T: Send + Sync + 'static>() {}
    pin::<Error>();
};

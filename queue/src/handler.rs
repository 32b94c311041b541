//! What an application writes: a [`Handler`] and the [`Outcome`] it returns.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::Delivery;

/// Handles one message. Cannot fail: the [`Outcome`] says what becomes of the message.
///
/// [`process`](crate::process) and [`run`](crate::run) call it, settle what it returns and catch its panics.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Handles `delivery`, whose content decoded.
    ///
    /// A message may come more than once: look up what an earlier delivery did before doing it again.
    async fn handle(&self, delivery: &Delivery) -> Outcome;
}

/// What becomes of a delivered message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done: the message is removed.
    Ack,
    /// Not now: the message is delivered again, unless this was its last attempt.
    Retry {
        /// The least time to wait; `None` leaves it to the queue.
        after: Option<Duration>,
        /// What went wrong, kept as `last_error` for whoever reads the dead letter.
        error: Option<String>,
    },
    /// Never: the message goes to the dead letters at once.
    DeadLetter {
        /// Why, for whoever decides on a redrive.
        reason: String,
    },
    /// Not touched: the message goes back at once and the delivery does not count.
    Release,
    /// Not touched, and not wanted before some time: the message comes again no sooner, and the delivery does not count.
    Snooze {
        /// The least time to wait.
        after: Duration,
    },
}

impl Outcome {
    /// A retry at the queue's own pace, because of `error`.
    pub fn retry(error: impl ToString) -> Self {
        Self::Retry {
            after: None,
            error: Some(error.to_string()),
        }
    }

    /// A retry no sooner than `after`, because of `error`.
    pub fn retry_after(after: Duration, error: impl ToString) -> Self {
        Self::Retry {
            after: Some(after),
            error: Some(error.to_string()),
        }
    }

    /// How long a message that is given back stays away.
    pub(crate) fn snooze(&self) -> Duration {
        match self {
            Self::Snooze { after } => *after,
            Self::Ack | Self::Retry { .. } | Self::DeadLetter { .. } | Self::Release => Duration::ZERO,
        }
    }

    /// A dead letter with its reason.
    pub fn dead_letter(reason: impl ToString) -> Self {
        Self::DeadLetter {
            reason: reason.to_string(),
        }
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        #[async_trait]
        impl<T: Handler + ?Sized> Handler for $pointer {
            async fn handle(&self, delivery: &Delivery) -> Outcome {
                (**self).handle(delivery).await
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

const _: fn(&dyn Handler) = |_| {};

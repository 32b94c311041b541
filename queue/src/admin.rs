//! What an operator does to a whole queue: [`Admin`].

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;

use crate::{MessageId, Result};

/// Looks into a queue, empties it, stops and starts its deliveries.
#[async_trait]
pub trait Admin: Send + Sync {
    /// Shows up to `limit` messages that wait, the next due first; at most 100.
    ///
    /// - A look changes neither attempts nor when a message is delivered (`peek_changes_nothing`).
    /// - Delayed messages are shown behind those that are due, where their time is known; leased ones are not (`peek_shows_what_waits`).
    async fn peek(&self, limit: usize) -> Result<Vec<Peeked>>;

    /// Removes every message but the dead letters for good, and says how many, where the backend does.
    ///
    /// - Due, delayed and leased messages are gone, dead letters and remembered keys stay (`purge_removes_all_but_dead_letters`).
    async fn purge(&self) -> Result<Option<u64>>;

    /// Stops deliveries, for all consumers, until [`resume`](Self::resume). What is in hand can still be settled.
    ///
    /// - A paused queue delivers nothing and takes messages; resumed, it delivers them (`paused_queue_delivers_nothing`).
    async fn pause(&self) -> Result<()>;

    /// Lets deliveries go on.
    ///
    /// - A consumer that waits is served (`resume_ends_the_wait`).
    async fn resume(&self) -> Result<()>;
}

/// A message as a look into the queue shows it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peeked {
    /// The id it was sent under.
    pub id: MessageId,
    /// Its body; the raw bytes from the queue where it cannot be decoded.
    pub body: Vec<u8>,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// How often it was delivered; `None` where the backend does not say.
    pub attempts: Option<u32>,
    /// When it was first sent, in milliseconds of Unix time.
    pub enqueued_at_ms: i64,
    /// When it is due, in milliseconds of Unix time; `None` where the backend does not say.
    pub due_ms: Option<i64>,
}

/// The most messages of one look.
pub(crate) const MAX_PEEK: usize = 100;

impl Peeked {
    /// What a backend found under `id`: the envelope `raw`, or what lies there instead of one.
    pub fn from_envelope(id: MessageId, enqueued_at_ms: i64, raw: &[u8]) -> Self {
        let message = crate::envelope::decode(raw).unwrap_or_else(|_| crate::Message::new(raw));
        let (body, headers) = message.into_parts();
        Self {
            id,
            body,
            headers,
            attempts: None,
            enqueued_at_ms,
            due_ms: None,
        }
    }
}

impl fmt::Debug for Peeked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peeked")
            .field("id", &self.id)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("attempts", &self.attempts)
            .field("enqueued_at_ms", &self.enqueued_at_ms)
            .field("due_ms", &self.due_ms)
            .finish_non_exhaustive()
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        #[async_trait]
        impl<T: Admin + ?Sized> Admin for $pointer {
            async fn peek(&self, limit: usize) -> Result<Vec<Peeked>> {
                (**self).peek(limit).await
            }
            async fn purge(&self) -> Result<Option<u64>> {
                (**self).purge().await
            }
            async fn pause(&self) -> Result<()> {
                (**self).pause().await
            }
            async fn resume(&self) -> Result<()> {
                (**self).resume().await
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

const _: fn(&dyn Admin) = |_| {};

//! Sends the outbox to the queue.

use std::sync::Arc;
use std::time::Duration;

use presswork_content_store::{ContentStore, Op, OutboxClaim, OutboxId, OutboxRow};
use presswork_queue::{Message, Queue};

use crate::{Result, platform};

/// How long claimed rows are ours; a relay that dies in between leaves them to the next one.
const LEASE: Duration = Duration::from_secs(60);

/// Longest wait after failed sends.
const MAX_WAIT_MS: i64 = 15 * 60 * 1000;

/// Moves outbox rows to the queue. A queue that is down costs nothing but time: rows wait in the store.
pub struct Relay {
    store: Arc<dyn ContentStore>,
    queue: Arc<dyn Queue>,
    owner: String,
    bookmark: Option<Bookmark>,
}

type Bookmark = Box<dyn Fn() -> Option<String> + Send + Sync>;

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// What one pass of the relay did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relayed {
    /// Rows that are in the queue now.
    pub sent: u64,
    /// Rows that wait for a later pass.
    pub waiting: u64,
    /// Why they wait.
    pub error: Option<String>,
}

impl Relay {
    /// A relay from `store` to `queue`.
    #[must_use]
    pub fn new(store: Arc<dyn ContentStore>, queue: Arc<dyn Queue>) -> Self {
        Self {
            store,
            queue,
            owner: format!("relay-{}", uuid::Uuid::now_v7()),
            bookmark: None,
        }
    }

    /// Puts into each message how far the store has come, which `bookmark` tells: where replicas answer reads, the one who
    /// gets the message then reads no older state than it tells of.
    #[must_use]
    pub fn bookmark(mut self, bookmark: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        self.bookmark = Some(Box::new(bookmark));
        self
    }

    /// Sends every row that is due, batch by batch, until none is left or the queue refuses.
    ///
    /// The row's id is the message's idempotency key, where the queue takes one: a batch whose answer was lost is sent again
    /// and arrives once. Elsewhere it may arrive twice, and the post ledger makes one post of it.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store). A queue that refuses is not an error; [`Relayed`] tells.
    pub async fn drain(&self) -> Result<Relayed> {
        let mut report = Relayed::default();
        let limit = u32::try_from(self.queue.capabilities().max_batch.min(100)).unwrap_or(100);
        loop {
            let op = Op::at(platform::now_ms());
            let claim = OutboxClaim {
                owner: self.owner.clone(),
                limit,
                lease: LEASE,
                max_attempts: u32::MAX,
            };
            let rows = self.store.claim_outbox(&op, &claim).await?;
            if rows.is_empty() {
                return Ok(report);
            }
            let last = rows.len() < limit as usize;
            let ids: Vec<OutboxId> = rows.iter().map(|row| row.id.clone()).collect();
            match self.send(&rows).await {
                Ok(()) => {
                    report.sent += self
                        .store
                        .mark_sent(&Op::at(platform::now_ms()), &self.owner, &ids)
                        .await?;
                    if last {
                        return Ok(report);
                    }
                }
                Err(error) => {
                    let now = platform::now_ms();
                    let attempts = rows.iter().map(|row| row.attempts).max().unwrap_or(1);
                    let wait = (1_000_i64 << attempts.clamp(1, 20)).min(MAX_WAIT_MS);
                    tracing::warn!(%error, rows = rows.len(), "the queue refuses; the outbox keeps the rows");
                    let text = error.to_string();
                    self.store
                        .release_outbox(&Op::at(now), &self.owner, &ids, &text, now + wait)
                        .await?;
                    report.waiting += ids.len() as u64;
                    report.error = Some(text);
                    return Ok(report);
                }
            }
        }
    }

    async fn send(&self, rows: &[OutboxRow]) -> Result<(), presswork_queue::Error> {
        // Where the queue does not tell repeats apart, the post ledger does.
        let keyed = self.queue.capabilities().idempotency_ttl.is_some();
        let bookmark = self.bookmark.as_ref().and_then(|bookmark| bookmark());
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            let message = match (&bookmark, row.payload.as_object()) {
                (Some(bookmark), Some(payload)) => {
                    let mut payload = payload.clone();
                    payload.insert("bookmark".into(), bookmark.as_str().into());
                    Message::json(&payload)?
                }
                _ => Message::json(&row.payload)?,
            };
            messages.push(if keyed {
                message.idempotency_key(row.id.as_str())
            } else {
                message
            });
        }
        self.queue.send_batch(&messages).await?;
        Ok(())
    }
}

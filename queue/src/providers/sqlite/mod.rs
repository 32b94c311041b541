//! A durable queue in one SQLite file.
//!
//! One thread per queue owns the connection and commits what waits for it together, so that concurrent senders share
//! an fsync. Several queues live in one file by name, and several processes may share the file: leases and delays go by
//! wall-clock milliseconds, and a consumer looks every 200 ms for what another process sent.
//!
//! <https://www.sqlite.org/wal.html>

mod admin;
mod builder;
mod dead;
mod error;
mod schema;
mod store;
#[cfg(test)]
mod tests;
mod writer;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::select;

use crate::{
    Admin, Capabilities, Clock, Consumer, ConsumerCapabilities, DeadLetter, DeadLetterFilter, DeadLetters, Delivery,
    Depth, Discarded, Error, Inspect, Lease, Message, MessageId, Peeked, Queue, Redriven, Result, Settle, Settled,
    Settlement,
    admin::MAX_PEEK,
    clock::{millis, until},
    limits::{MAX_DELAY, MAX_RECEIVE, Settings, check_batch, check_delay, check_settlements},
    signal::Signal,
};

pub use builder::SqliteQueueBuilder;
use store::Store;
use writer::Writer;

const PROVIDER: &str = "sqlite";

/// How often a waiting consumer looks for messages of other processes: a look is one index probe, some 10 µs.
const POLL: Duration = Duration::from_millis(200);

/// A durable queue in a SQLite file. Clones share it; the file is closed with the last one.
///
/// A message counts as sent, settled or leased once its transaction is on the disk (WAL, `synchronous=FULL`).
/// `receive` waits on tokio's timer, unless another [`Clock`] is set.
#[derive(Clone)]
pub struct SqliteQueue(Arc<Inner>);

struct Inner {
    settings: Settings,
    clock: Arc<dyn Clock>,
    changed: Arc<Signal>,
    writer: Writer,
}

impl SqliteQueue {
    /// Opens the queue named `default` in the file at `path`, with the defaults of [`SqliteQueueBuilder`]. Makes the
    /// file when there is none.
    ///
    /// # Errors
    /// As [`SqliteQueueBuilder::build`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).build()
    }

    /// Sets up a queue in the file at `path`.
    pub fn builder(path: impl AsRef<Path>) -> SqliteQueueBuilder {
        SqliteQueueBuilder::new(path.as_ref())
    }

    /// Ends every lease of this queue: what a process that died had received is delivered again at once. The deliveries
    /// count as attempts, so that a message that kills its handler still ends as a dead letter.
    ///
    /// For a program that knows it is the only consumer, because it holds a lock of its own; the settlements of any other
    /// would be stale. Without this call leases end by themselves.
    ///
    /// # Errors
    /// As [`settle`](Settle::settle).
    pub async fn release_leases(&self) -> Result<()> {
        self.write(Store::release_leases).await
    }

    fn now(&self) -> i64 {
        self.0.clock.now_ms()
    }

    /// Runs `work` on the writer's thread, in its next transaction.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.writer.call(|store| store.write(|| work(store))).await
    }
}

impl fmt::Debug for SqliteQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteQueue")
            .field("path", &self.0.writer.path())
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Queue for SqliteQueue {
    fn capabilities(&self) -> Capabilities {
        self.0.settings.capabilities(PROVIDER, true)
    }

    async fn send(&self, message: &Message) -> Result<MessageId> {
        let mut ids = self.send_batch(std::slice::from_ref(message)).await?;
        ids.pop().ok_or_else(|| Error::Storage {
            provider: PROVIDER,
            message: "the file took the message and returned no id".to_owned(),
            source: None,
        })
    }

    async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        check_batch(&Queue::capabilities(self), messages)?;
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let messages = messages.to_vec();
        self.write(move |store| store.send(&messages)).await
    }
}

#[async_trait]
impl Settle for SqliteQueue {
    fn capabilities(&self) -> ConsumerCapabilities {
        self.0.settings.consumer_capabilities(PROVIDER)
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        check_settlements(&Settle::capabilities(self), settlements)?;
        if settlements.is_empty() {
            return Ok(Vec::new());
        }
        let settlements = settlements.to_vec();
        self.write(move |store| store.settle(&settlements)).await
    }
}

#[async_trait]
impl Consumer for SqliteQueue {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let max = max.min(MAX_RECEIVE);
        let deadline = self.now().saturating_add(millis(wait));
        loop {
            let changed = self.0.changed.listen();
            let (reserved, next_due) = self.0.writer.reserve(max).await?;
            let deliveries = reserved.take();
            let now = self.now();
            if !deliveries.is_empty() || now >= deadline {
                return Ok(deliveries);
            }
            let wake = next_due.map_or(deadline, |due| due.min(deadline));
            select(changed, self.0.clock.sleep(until(now, wake).min(POLL))).await;
        }
    }

    async fn extend(&self, lease: &Lease, by: Duration) -> Result<Lease> {
        check_delay(PROVIDER, by, MAX_DELAY)?;
        let held = lease.clone();
        let extended = self.write(move |store| store.extend(&held, by)).await?;
        extended.ok_or_else(|| Error::Stale {
            provider: PROVIDER,
            id: lease.id().clone(),
        })
    }
}

#[async_trait]
impl DeadLetters for SqliteQueue {
    async fn list(&self, filter: &DeadLetterFilter, after: Option<MessageId>, limit: usize) -> Result<Vec<DeadLetter>> {
        let filter = filter.clone();
        self.0
            .writer
            .call(move |store| store.dead_letters(&filter, after.as_ref(), limit))
            .await
    }

    async fn redrive(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Redriven> {
        let filter = filter.clone();
        let ids = if dry_run {
            self.0.writer.call(move |store| store.dead_ids(&filter)).await?
        } else {
            self.write(move |store| store.redrive(&filter)).await?
        };
        Ok(ids.into())
    }

    async fn discard(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Discarded> {
        let filter = filter.clone();
        let ids = if dry_run {
            self.0.writer.call(move |store| store.dead_ids(&filter)).await?
        } else {
            self.write(move |store| store.discard(&filter)).await?
        };
        Ok(ids.into())
    }
}

#[async_trait]
impl Inspect for SqliteQueue {
    async fn depth(&self) -> Result<Depth> {
        self.0.writer.call(Store::depth).await
    }
}

#[async_trait]
impl Admin for SqliteQueue {
    async fn peek(&self, limit: usize) -> Result<Vec<Peeked>> {
        self.0.writer.call(move |store| store.peek(limit.min(MAX_PEEK))).await
    }

    async fn purge(&self) -> Result<Option<u64>> {
        self.write(Store::purge).await.map(|count| Some(count as u64))
    }

    async fn pause(&self) -> Result<()> {
        self.write(|store| store.set_paused(true)).await
    }

    async fn resume(&self) -> Result<()> {
        self.write(|store| store.set_paused(false)).await
    }
}

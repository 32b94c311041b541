//! A queue in memory, with time that can be turned by hand. The reference model of the other backends.

mod order;
mod state;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::select;

use crate::{
    Admin, Capabilities, Clock, Consumer, ConsumerCapabilities, DeadLetter, DeadLetterFilter, DeadLetters, Delivery,
    Depth, Discarded, Error, Inspect, Lease, Message, MessageId, Peeked, Queue, Redriven, Result, Settle, Settled,
    Settlement, SystemClock,
    admin::MAX_PEEK,
    clock::{millis, until},
    limits::{MAX_DELAY, MAX_RECEIVE, Settings, check_batch, check_delay, check_settlements},
    signal::Signal,
};

use state::State;

const PROVIDER: &str = "memory";

/// A queue in memory. Clones share it; nothing outlives the last one.
///
/// Never fails for want of storage; refuses what every other backend refuses.
#[derive(Clone)]
pub struct MemoryQueue(Arc<Inner>);

struct Inner {
    settings: Settings,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: Signal,
}

impl MemoryQueue {
    /// A queue with the defaults of [`MemoryQueueBuilder`].
    pub fn new() -> Self {
        Self::with(Settings::default(), Arc::new(SystemClock))
    }

    /// Sets up a queue.
    pub fn builder() -> MemoryQueueBuilder {
        MemoryQueueBuilder {
            settings: Settings::default(),
            clock: Arc::new(SystemClock),
        }
    }

    fn with(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            settings,
            clock,
            state: Mutex::default(),
            changed: Signal::default(),
        }))
    }

    /// Puts `text` on the queue as it is, as another program might: for tests of what consumers do with it.
    pub fn send_text(&self, text: &str) -> MessageId {
        let now = self.0.clock.now_ms();
        let id = self.state().push_raw(now, text.as_bytes());
        self.0.changed.notify();
        id
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is complete or not begun when it can panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryQueue")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// Sets up a [`MemoryQueue`].
#[derive(Clone, Debug)]
#[must_use]
pub struct MemoryQueueBuilder {
    settings: Settings,
    clock: Arc<dyn Clock>,
}

impl MemoryQueueBuilder {
    /// How long a delivery is leased. Default 30 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// After how many deliveries a message becomes a dead letter; at least 1. Default 4.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.settings.max_attempts = attempts;
        self
    }

    /// How long a retry waits that names no time. Default 0.
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.settings.retry_delay = delay;
        self
    }

    /// How long an idempotency key is remembered. Default 24 h.
    pub fn idempotency_ttl(mut self, ttl: Duration) -> Self {
        self.settings.idempotency_ttl = ttl;
        self
    }

    /// The clock; [`VirtualClock`](crate::VirtualClock) for exact tests. Default [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the queue.
    ///
    /// # Errors
    /// [`Error::Config`] for a lease or TTL of zero, no attempts, or a time above 365 days.
    pub fn build(self) -> Result<MemoryQueue> {
        self.settings.check(PROVIDER)?;
        Ok(MemoryQueue::with(self.settings, self.clock))
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    fn capabilities(&self) -> Capabilities {
        self.0.settings.capabilities(PROVIDER, false)
    }

    async fn send(&self, message: &Message) -> Result<MessageId> {
        check_batch(&Queue::capabilities(self), std::slice::from_ref(message))?;
        let id = self.state().push(self.0.clock.now_ms(), &self.0.settings, message);
        self.0.changed.notify();
        Ok(id)
    }

    async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        check_batch(&Queue::capabilities(self), messages)?;
        let now = self.0.clock.now_ms();
        let ids = {
            let mut state = self.state();
            messages
                .iter()
                .map(|message| state.push(now, &self.0.settings, message))
                .collect()
        };
        self.0.changed.notify();
        Ok(ids)
    }
}

#[async_trait]
impl Settle for MemoryQueue {
    fn capabilities(&self) -> ConsumerCapabilities {
        self.0.settings.consumer_capabilities(PROVIDER)
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        check_settlements(&Settle::capabilities(self), settlements)?;
        let now = self.0.clock.now_ms();
        let settled = {
            let mut state = self.state();
            settlements
                .iter()
                .map(|settlement| state.settle(now, &self.0.settings, settlement))
                .collect()
        };
        self.0.changed.notify();
        Ok(settled)
    }
}

#[async_trait]
impl Consumer for MemoryQueue {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let deadline = self.0.clock.now_ms().saturating_add(millis(wait));
        loop {
            let changed = self.0.changed.listen();
            let now = self.0.clock.now_ms();
            let (deliveries, next_due) = self.state().reserve(now, &self.0.settings, max.min(MAX_RECEIVE));
            if !deliveries.is_empty() || now >= deadline {
                return Ok(deliveries);
            }
            let wake = next_due.map_or(deadline, |due| due.min(deadline));
            select(changed, self.0.clock.sleep(until(now, wake))).await;
        }
    }

    async fn extend(&self, lease: &Lease, by: Duration) -> Result<Lease> {
        check_delay(PROVIDER, by, MAX_DELAY)?;
        let until = self.0.clock.now_ms().saturating_add(millis(by));
        let extended = self.state().extend(lease, until);
        extended.ok_or_else(|| Error::Stale {
            provider: PROVIDER,
            id: lease.id().clone(),
        })
    }
}

#[async_trait]
impl DeadLetters for MemoryQueue {
    async fn list(&self, filter: &DeadLetterFilter, after: Option<MessageId>, limit: usize) -> Result<Vec<DeadLetter>> {
        Ok(self.state().dead_letters(filter, after.as_ref(), limit))
    }

    async fn redrive(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Redriven> {
        let ids = self.state().redrive(self.0.clock.now_ms(), filter, dry_run);
        self.0.changed.notify();
        Ok(ids.into())
    }

    async fn discard(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Discarded> {
        Ok(self.state().discard(filter, dry_run).into())
    }
}

#[async_trait]
impl Inspect for MemoryQueue {
    async fn depth(&self) -> Result<Depth> {
        Ok(self.state().depth(self.0.clock.now_ms()))
    }
}

#[async_trait]
impl Admin for MemoryQueue {
    async fn peek(&self, limit: usize) -> Result<Vec<Peeked>> {
        Ok(self.state().peek(self.0.clock.now_ms(), limit.min(MAX_PEEK)))
    }

    async fn purge(&self) -> Result<Option<u64>> {
        Ok(Some(self.state().purge() as u64))
    }

    async fn pause(&self) -> Result<()> {
        self.state().paused = true;
        Ok(())
    }

    async fn resume(&self) -> Result<()> {
        self.state().paused = false;
        self.0.changed.notify();
        Ok(())
    }
}

//! What a backend brings to the suite.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    Admin, Capabilities, Clock, Consumer, ConsumerCapabilities, DeadLetters, Delivery, Error, Inspect, Lease, Message,
    MessageId, Queue, Result, Settle, Settled, Settlement,
};

/// One fresh queue, the time it goes by, and its faults.
#[async_trait]
pub trait Harness: Send + Sync + Sized {
    /// Whether the suite can run here; if not, why. Each case then passes with a line `skipped: reason`.
    fn available() -> Result<(), String> {
        Ok(())
    }

    /// Whether [`start_killable`](Self::start_killable) and [`restart`](Self::restart) do what they say.
    const KILLABLE: bool = false;
    /// Whether [`empty`](Self::empty) does what it says.
    const EMPTIED: bool = false;

    /// A fresh, empty queue of its own.
    async fn start() -> Self;

    /// A fresh, empty queue on a service of its own, which keeps on its disk what it accepted. As [`start`](Self::start)
    /// where there is no service.
    async fn start_killable() -> Self {
        Self::start().await
    }

    /// Kills the service where it stands and starts it again with what is on its disk. Only called where
    /// [`KILLABLE`](Self::KILLABLE), on what [`start_killable`](Self::start_killable) gave.
    async fn restart(&self) {}

    /// Removes everything that the service holds of the queue, behind the queue's back. Only called where
    /// [`EMPTIED`](Self::EMPTIED).
    async fn empty(&self) {}

    /// The sending side.
    fn queue(&self) -> Arc<dyn Queue>;

    /// The receiving side.
    fn consumer(&self) -> Arc<dyn Consumer>;

    /// The dead letters, where they can be listed.
    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>>;

    /// The counts, where there are any.
    fn inspect(&self) -> Option<Arc<dyn Inspect>>;

    /// What an operator does, where it can be done.
    fn admin(&self) -> Option<Arc<dyn Admin>> {
        None
    }

    /// Both sides of another queue on the same service.
    async fn sibling(&self) -> (Arc<dyn Queue>, Arc<dyn Consumer>);

    /// The clock that [`advance`](Self::advance) moves.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Lets time pass: turns a virtual clock, or sleeps.
    async fn advance(&self, by: Duration);

    /// How much later than due a message may come. Zero, the default, fits virtual time.
    fn tolerance(&self) -> Duration {
        Duration::ZERO
    }

    /// Closes the queue and opens it anew; [`queue`](Self::queue) and the others then give the new one. Only called
    /// where the queue is durable.
    async fn reopen(&self) {}

    /// Puts `text` on the queue as another program might.
    async fn put_text(&self, text: &str);

    /// Makes the next send or settlement happen and its answer get lost.
    async fn lose_next_answer(&self);
}

/// What a queue must declare for a case to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// Applies to every queue.
    Always,
    /// Idempotency keys.
    Idempotency,
    /// Messages outlive the process.
    Durable,
    /// Deliveries stand under a lease that ends.
    Lease,
    /// The attempt is known.
    Attempts,
    /// The queue gives up by itself.
    MaxAttempts,
    /// Superseded leases are refused.
    Fencing,
    /// Leases can be extended.
    Extend,
    /// Messages can be given back uncounted.
    Release,
    /// Dead letters can be made and listed.
    DeadLetters,
    /// What ended without a verdict comes alone.
    Isolates,
    /// The service can be killed and started again.
    Killable,
    /// The service can be emptied behind the queue's back.
    Emptied,
    /// Messages can be counted.
    Inspect,
    /// The queue can be looked into, emptied and paused.
    Admin,
}

impl Need {
    /// Whether the queue of `harness` declares it.
    pub fn is_declared<H: Harness>(self, harness: &H) -> bool {
        let consumer = harness.consumer().capabilities();
        match self {
            Self::Always => true,
            Self::Idempotency => harness.queue().capabilities().idempotency_ttl.is_some(),
            Self::Durable => harness.queue().capabilities().durable,
            Self::Lease => consumer.lease.is_some(),
            Self::Attempts => consumer.attempts,
            Self::MaxAttempts => consumer.max_attempts.is_some(),
            Self::Fencing => consumer.fencing,
            Self::Extend => consumer.extend,
            Self::Release => consumer.release,
            Self::DeadLetters => consumer.dead_letter && harness.dead_letters().is_some(),
            Self::Isolates => consumer.isolates,
            Self::Killable => H::KILLABLE,
            Self::Emptied => H::EMPTIED,
            Self::Inspect => harness.inspect().is_some(),
            Self::Admin => harness.admin().is_some(),
        }
    }
}

/// A queue whose next answer can be lost: the operation happens, the caller gets [`Error::OutcomeUnknown`].
#[derive(Debug)]
pub struct LosesAnswers<Q> {
    inner: Q,
    lose: AtomicBool,
}

impl<Q> LosesAnswers<Q> {
    /// Wraps a queue that answers as ever, until told otherwise.
    pub fn new(inner: Q) -> Self {
        Self {
            inner,
            lose: AtomicBool::new(false),
        }
    }

    /// The queue inside.
    pub fn inner(&self) -> &Q {
        &self.inner
    }

    /// Loses the answer of the next send or settlement.
    pub fn lose_next_answer(&self) {
        self.lose.store(true, Ordering::SeqCst);
    }

    fn pass<T>(&self, result: Result<T>) -> Result<T> {
        if self.lose.swap(false, Ordering::SeqCst) {
            let message = "the answer was lost".to_owned();
            return Err(Error::OutcomeUnknown {
                provider: "suite",
                message,
                source: None,
            });
        }
        result
    }
}

#[async_trait]
impl<Q: Queue> Queue for LosesAnswers<Q> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn send(&self, message: &Message) -> Result<MessageId> {
        self.pass(self.inner.send(message).await)
    }
    async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        self.pass(self.inner.send_batch(messages).await)
    }
}

#[async_trait]
impl<Q: Settle> Settle for LosesAnswers<Q> {
    fn capabilities(&self) -> ConsumerCapabilities {
        self.inner.capabilities()
    }
    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        self.pass(self.inner.settle(settlements).await)
    }
}

#[async_trait]
impl<Q: Consumer> Consumer for LosesAnswers<Q> {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        self.inner.receive(max, wait).await
    }
    async fn extend(&self, lease: &Lease, by: Duration) -> Result<Lease> {
        self.inner.extend(lease, by).await
    }
}

//! Delays beyond what a queue takes: [`Hopping`].

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    Capabilities, Clock, Delivery, Handler, Message, MessageId, Outcome, Queue, Result, SystemClock,
    clock::{millis, until},
    limits::{MAX_DELAY, check_delay},
};

/// The header that says when the message is meant, in milliseconds of Unix time.
const NOT_BEFORE: &str = "presswork-not-before";
/// The header that counts the hops.
const HOPS: &str = "presswork-hops";

/// A queue that takes delays of up to 365 days: a message with a longer delay than the queue inside takes is sent in hops.
///
/// Both sides must know: messages are sent through this, and handled through [`handler`](Self::handler), which sends a
/// message that came before its time once more and acknowledges it. A crash between the two doubles the message where
/// the queue takes no idempotency keys; it is never lost. Every hop is a new message, with an id and attempts of its own.
///
/// ```
/// use presswork_queue::{Handler, Hopping, MemoryQueue};
///
/// fn wire(queue: MemoryQueue, handler: impl Handler) -> (Hopping<MemoryQueue>, impl Handler) {
///     let queue = Hopping::new(queue);
///     let handler = queue.handler(handler);
///     (queue, handler)
/// }
/// ```
#[derive(Clone)]
pub struct Hopping<Q> {
    queue: Q,
    clock: Arc<dyn Clock>,
}

impl<Q: Queue + Clone> Hopping<Q> {
    /// Wraps `queue`.
    pub fn new(queue: Q) -> Self {
        Self {
            queue,
            clock: Arc::new(SystemClock),
        }
    }

    /// The clock of the delays. Default [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Wraps `handler`, which then sees no message before its time.
    pub fn handler<H: Handler>(&self, handler: H) -> HoppingHandler<Q, H> {
        HoppingHandler {
            queue: self.clone(),
            handler,
        }
    }
}

impl<Q: Queue> Hopping<Q> {
    /// The message as the queue inside takes it.
    fn first_hop(&self, message: &Message) -> Result<Message> {
        let takes = self.queue.capabilities();
        check_delay(takes.provider, message.delay, MAX_DELAY)?;
        if message.delay <= takes.max_delay {
            return Ok(message.clone());
        }
        let meant = self.clock.now_ms().saturating_add(millis(message.delay));
        Ok(message
            .clone()
            .header(NOT_BEFORE, meant.to_string())
            .delay(takes.max_delay))
    }
}

#[async_trait]
impl<Q: Queue> Queue for Hopping<Q> {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_delay: MAX_DELAY,
            ..self.queue.capabilities()
        }
    }

    async fn send(&self, message: &Message) -> Result<MessageId> {
        self.queue.send(&self.first_hop(message)?).await
    }

    async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        let hops: Result<Vec<_>> = messages.iter().map(|message| self.first_hop(message)).collect();
        self.queue.send_batch(&hops?).await
    }
}

impl<Q> fmt::Debug for Hopping<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hopping(..)")
    }
}

/// The handler of [`Hopping::handler`].
pub struct HoppingHandler<Q, H> {
    queue: Hopping<Q>,
    handler: H,
}

#[async_trait]
impl<Q: Queue, H: Handler> Handler for HoppingHandler<Q, H> {
    async fn handle(&self, delivery: &Delivery) -> Outcome {
        let number = |name: &str| delivery.headers().get(name).and_then(|value| value.parse::<i64>().ok());
        let now = self.queue.clock.now_ms();
        let Some(meant) = number(NOT_BEFORE).filter(|meant| *meant > now) else {
            return self.handler.handle(delivery).await;
        };
        let takes = self.queue.queue.capabilities();
        let hops = number(HOPS).unwrap_or(0).saturating_add(1);
        let mut next = Message::new(delivery.body()).delay(until(now, meant).min(takes.max_delay));
        next.headers = delivery.headers().clone().into();
        next = next.header(HOPS, hops.to_string());
        if takes.idempotency_ttl.is_some() {
            // Stable over the deliveries of this hop, so that a crash before the acknowledgement doubles nothing.
            next = next.idempotency_key(format!("presswork-hop {hops} of {}", delivery.id()));
        }
        match self.queue.queue.send(&next).await {
            Ok(_) => Outcome::Ack,
            Err(error) => Outcome::Retry {
                after: error.retry_after(),
                error: Some(format!("the next hop could not be sent: {error}")),
            },
        }
    }
}

impl<Q, H> fmt::Debug for HoppingHandler<Q, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HoppingHandler(..)")
    }
}

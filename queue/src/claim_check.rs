//! Bodies too large for a queue: [`ClaimCheck`] keeps them elsewhere and sends a claim.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    Capabilities, Consumer, ConsumerCapabilities, Delivery, Error, Lease, Message, MessageId, Outcome, Queue, Result,
    Settle, Settled, Settlement,
};

/// The header of a message whose body lies elsewhere.
const CLAIM: &str = "presswork-claim";

/// Where large bodies lie: R2, S3, a database, a folder.
#[async_trait]
pub trait BodyStore: Send + Sync {
    /// Keeps `body` under a new name and returns the name, of at most 512 bytes.
    async fn put(&self, body: &[u8]) -> Result<String>;

    /// The body under `name`; `None` when there is none, which a retry does not mend.
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Removes what lies under `name`; succeeds when nothing does.
    async fn remove(&self, name: &str) -> Result<()>;
}

/// A queue that takes bodies of any length: what does not fit the queue inside is kept in a [`BodyStore`].
///
/// The body is stored before its message is sent and removed after it was acknowledged, so a crash leaves a body without
/// a message at worst, never a message without a body: let the store remove what is older than the queue keeps messages.
/// Dead letters keep their bodies in the store. A body that cannot be fetched now is a retry of its message; one that is gone
/// is an [`undecodable`](Delivery::undecodable) delivery.
///
/// Both sides must know: send and receive through this. Where the runtime pushes, call [`redeem`](Self::redeem).
pub struct ClaimCheck<Q, S> {
    queue: Q,
    store: S,
    max: usize,
    /// What is in hand: message and claim.
    claims: Mutex<HashMap<MessageId, String>>,
}

impl<Q: Send + Sync, S: BodyStore> ClaimCheck<Q, S> {
    /// Wraps `queue`; takes bodies of up to `max` bytes.
    pub fn new(queue: Q, store: S, max: usize) -> Self {
        Self {
            queue,
            store,
            max,
            claims: Mutex::default(),
        }
    }

    fn claims(&self) -> MutexGuard<'_, HashMap<MessageId, String>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The delivery with its body.
    ///
    /// # Errors
    /// Those of the store, when the body cannot be fetched now.
    pub async fn redeem(&self, delivery: Delivery) -> Result<Delivery> {
        let Some(claim) = delivery.headers().get(CLAIM).cloned() else {
            return Ok(delivery);
        };
        self.claims().insert(delivery.id().clone(), claim.clone());
        Ok(match self.store.get(&claim).await? {
            Some(body) => {
                let mut message = Message::new(body);
                message.headers = delivery.headers().clone().into();
                message.headers.edit().remove(CLAIM);
                delivery.with_message(message)
            }
            None => delivery.without_body("its body is gone from the store"),
        })
    }

    async fn claim(&self, message: &Message, takes: &Capabilities) -> Result<Message> {
        let (size, max) = (message.body.len(), self.max);
        if size > max {
            let provider = takes.provider;
            return Err(Error::TooLarge { provider, size, max });
        }
        if message.encoded_len() <= takes.max_message_bytes {
            return Ok(message.clone());
        }
        let name = self.store.put(&message.body).await?;
        let mut claim = message.clone().header(CLAIM, name);
        claim.body = Arc::default();
        Ok(claim)
    }
}

#[async_trait]
impl<Q: Queue, S: BodyStore> Queue for ClaimCheck<Q, S> {
    fn capabilities(&self) -> Capabilities {
        let takes = self.queue.capabilities();
        Capabilities {
            max_message_bytes: self.max.max(takes.max_message_bytes),
            max_batch_bytes: takes.max_batch_bytes.max(self.max),
            ..takes
        }
    }

    async fn send(&self, message: &Message) -> Result<MessageId> {
        let claim = self.claim(message, &self.queue.capabilities()).await?;
        self.queue.send(&claim).await
    }

    async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        let takes = self.queue.capabilities();
        let mut claims = Vec::with_capacity(messages.len());
        for message in messages {
            claims.push(self.claim(message, &takes).await?);
        }
        self.queue.send_batch(&claims).await
    }
}

#[async_trait]
impl<Q: Settle, S: BodyStore> Settle for ClaimCheck<Q, S> {
    fn capabilities(&self) -> ConsumerCapabilities {
        self.queue.capabilities()
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        let settled = self.queue.settle(settlements).await?;
        for (settled, settlement) in settled.iter().zip(settlements) {
            if *settled == Settled::Stale {
                // Someone else has the message, and perhaps the same consumer under a newer lease.
                continue;
            }
            let claim = self.claims().remove(settlement.lease.id());
            if let (Settled::Done, Outcome::Ack, Some(claim)) = (settled, &settlement.verdict, claim)
                && let Err(error) = self.store.remove(&claim).await
            {
                tracing::warn!(message = %settlement.lease.id(), %error, "a body stays in the store without its message");
            }
        }
        Ok(settled)
    }
}

#[async_trait]
impl<Q: Consumer, S: BodyStore> Consumer for ClaimCheck<Q, S> {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        let mut deliveries = Vec::new();
        for delivery in self.queue.receive(max, wait).await? {
            let lease = delivery.lease().clone();
            match self.redeem(delivery).await {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => {
                    let retry = Outcome::Retry {
                        after: error.retry_after(),
                        error: Some(format!("the body could not be fetched: {error}")),
                    };
                    self.settle(&[Settlement::new(lease, retry)]).await?;
                }
            }
        }
        Ok(deliveries)
    }

    async fn extend(&self, lease: &Lease, by: Duration) -> Result<Lease> {
        self.queue.extend(lease, by).await
    }
}

impl<Q, S> fmt::Debug for ClaimCheck<Q, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimCheck")
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

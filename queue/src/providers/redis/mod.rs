//! A queue on Redis 6.2 or later, or Valkey: every operation is one Lua script, so it happens whole or not at all.
//!
//! Messages that are due lie in a list, those that are due later in a sorted set. A receive moves what it takes into one
//! lease of all its messages; one whose lease is extended leaves it. All times are the server's, so clients may be wrong
//! about theirs. The keys of a queue share a hash tag and lie on one
//! node of a cluster. A consumer that finds nothing blocks on a wake token, on a connection of its own; nothing polls.
//!
//! <https://redis.io/docs/latest/develop/interact/programmability/eval-intro/>

mod admin;
mod builder;
mod calls;
mod connection;
mod error;
mod record;
mod script;
mod wait;

use std::{fmt, future::pending, pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::{Either, select};

use crate::{
    Capabilities, Clock, Consumer, ConsumerCapabilities, DeadLetter, DeadLetterFilter, DeadLetters, Delivery, Depth,
    Discarded, Error, Inspect, Lease, Message, MessageId, Queue, Redriven, Result, Settle, Settled, Settlement,
    SystemClock,
    clock::{millis, until},
    finishing::Finishing,
    limits::{MAX_DELAY, Settings, check_batch, check_delay, check_settlements},
};

pub use builder::RedisQueueBuilder;
use calls::{CHUNK, Found};
use connection::Link;
use script::Keys;
use wait::{Blocked, Reserved};

const PROVIDER: &str = "redis";

/// A durable queue on a Redis server. Clones share its connections.
///
/// One call is one command: a send, a batch, a receive that finds something, a settlement. An idle consumer costs 12
/// commands a minute (with a lease of 10 s or more). A message is as durable as the server: with `appendonly yes` and
/// `appendfsync always` it is on the disk, with a replica that takes over a moment's messages can be lost.
/// Needs a tokio runtime.
#[derive(Clone)]
pub struct RedisQueue(Arc<Inner>);

struct Inner {
    settings: Settings,
    keys: Keys,
    link: Link,
    /// Where the server is, for errors.
    address: String,
}

impl RedisQueue {
    /// Sets up a queue on the server at `url`: `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS.
    ///
    /// ```no_run
    /// # async fn open() -> presswork_queue::Result<()> {
    /// use presswork_queue::RedisQueue;
    ///
    /// let queue = RedisQueue::connect("redis://127.0.0.1").name("posts").build().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(url: impl Into<String>) -> RedisQueueBuilder {
        RedisQueueBuilder::new(url.into())
    }

    /// Leases what is due. A caller that goes away leaves nothing leased.
    async fn reserve(&self, max: usize) -> Result<Found> {
        let inner = Arc::clone(&self.0);
        let reserving = Finishing::new(async move {
            let found = inner.reserve(max).await?;
            Ok(Reserved { inner, found })
        });
        reserving.await.map(Reserved::take)
    }
}

impl fmt::Debug for RedisQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisQueue")
            .field("server", &self.0.address)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Queue for RedisQueue {
    fn capabilities(&self) -> Capabilities {
        self.0.settings.capabilities(PROVIDER, true)
    }

    async fn send(&self, message: &Message) -> Result<MessageId> {
        let mut ids = self.send_batch(std::slice::from_ref(message)).await?;
        ids.pop().ok_or_else(|| error::garbled("ids"))
    }

    async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        check_batch(&Queue::capabilities(self), messages)?;
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        self.0.enqueue(messages).await
    }
}

#[async_trait]
impl Settle for RedisQueue {
    fn capabilities(&self) -> ConsumerCapabilities {
        ConsumerCapabilities {
            max_receive: CHUNK,
            ..self.0.settings.consumer_capabilities(PROVIDER)
        }
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        check_settlements(&Settle::capabilities(self), settlements)?;
        let mut settled = Vec::with_capacity(settlements.len());
        for chunk in settlements.chunks(CHUNK) {
            settled.extend(self.0.settle(chunk).await?);
        }
        Ok(settled)
    }
}

#[async_trait]
impl Consumer for RedisQueue {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let max = max.min(CHUNK);
        let clock = SystemClock;
        let deadline = clock.now_ms().saturating_add(millis(wait));
        let mut blocked: Option<Blocked> = None;
        let mut found = self.reserve(max).await?;
        loop {
            let now = clock.now_ms();
            if !found.0.is_empty() || now >= deadline {
                return Ok(found.0);
            }
            let left = until(now, deadline);
            let waiting = blocked.get_or_insert_with(|| Blocked::start(&self.0, max, left));
            // The server looks at the clock of blocked clients ten times a second; a message that falls due waits for none.
            let due = async {
                match found.1.filter(|next| *next < left) {
                    Some(next) => clock.sleep(next).await,
                    None => pending().await,
                }
            };
            let mut ended = match select(pin!(waiting.finish()), pin!(due)).await {
                Either::Left((ended, _)) => Some(ended?),
                Either::Right(_) => None,
            };
            if ended.is_none() && waiting.wake().await {
                ended = Some(waiting.finish().await?);
            }
            found = match ended {
                Some(ended) => {
                    blocked = None;
                    ended
                }
                None => self.reserve(max).await?,
            };
        }
    }

    async fn extend(&self, lease: &Lease, by: Duration) -> Result<Lease> {
        check_delay(PROVIDER, by, MAX_DELAY)?;
        self.0.extend(lease, by).await?.ok_or_else(|| Error::Stale {
            provider: PROVIDER,
            id: lease.id().clone(),
        })
    }
}

#[async_trait]
impl DeadLetters for RedisQueue {
    async fn list(&self, filter: &DeadLetterFilter, after: Option<MessageId>, limit: usize) -> Result<Vec<DeadLetter>> {
        self.0.dead_letters(filter, after.as_ref(), limit).await
    }

    async fn redrive(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Redriven> {
        let action = if dry_run { "look" } else { "redrive" };
        Ok(self.0.on_dead(action, filter).await?.into())
    }

    async fn discard(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Discarded> {
        let action = if dry_run { "look" } else { "discard" };
        Ok(self.0.on_dead(action, filter).await?.into())
    }
}

#[async_trait]
impl Inspect for RedisQueue {
    async fn depth(&self) -> Result<Depth> {
        self.0.depth().await
    }
}

//! Cloudflare Queues from anywhere, by the REST API: send, pull, settle, peek, purge.
//! <https://developers.cloudflare.com/queues/configuration/pull-consumers/>

mod admin;
mod builder;
mod http;
mod wire;

use std::{
    collections::HashMap,
    fmt, slice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::Method;
use uuid::Uuid;

use crate::{
    Capabilities, Clock, Consumer, ConsumerCapabilities, Delivery, Error, Lease, Message, MessageId, Outcome, Queue,
    Result, Settle, Settled, Settlement,
    clock::{millis, until},
    envelope,
    limits::{check_batch, check_settlements},
    platform,
    providers::cloudflare_letter::{dead_letter, opened},
};

pub use admin::Backlog;
pub use builder::CloudflareHttpQueueBuilder;
use http::{Api, Intent};
use wire::{Ack, Anything, Batch, Incoming, Messages, Outgoing, Pull, Retry, Verdicts, seconds};

const PROVIDER: &str = "cloudflare-http";

/// Cloudflare takes 128,000 bytes with about 100 of its own; the rest is room for the id, and for the reason when the
/// message becomes a dead letter. <https://developers.cloudflare.com/queues/platform/limits/>
const MAX_MESSAGE_BYTES: usize = 126_000;
/// 100 messages, from the same page.
const MAX_BATCH: usize = 100;
/// 256,000 bytes, from the same page, less what 100 messages need beside their envelopes.
const MAX_BATCH_BYTES: usize = 240_000;
/// 24 hours, from the same page, for sends and retries.
const MAX_DELAY: Duration = Duration::from_secs(86_400);

/// A Cloudflare queue by its REST API, for programs that do not run in a Worker. Clones share the client.
///
/// The token needs the permission Queues Edit, and the queue a consumer of the type `http_pull`. Messages travel as
/// text, one envelope each; delays round up to whole seconds. How often a message is delivered (`max_retries`), the
/// delay of a retry that names none and the dead letters are the consumer's settings at Cloudflare.
///
/// The service has no long poll: a waiting [`receive`](Consumer::receive) looks again and again, see
/// [`poll`](CloudflareHttpQueueBuilder::poll). It has no fencing, so an acknowledgement that comes late still counts; it
/// extends no lease, so a lease must cover the handling of a whole batch, and it releases no message.
///
/// A dead letter by verdict is sent to the queue of [`dead_letters`](CloudflareHttpQueueBuilder::dead_letters), then
/// acknowledged, so a crash between the two doubles it and never loses it. When it cannot be sent the message is retried
/// instead ([`Settled::Postponed`]).
///
/// ```no_run
/// # fn open() -> presswork_queue::Result<()> {
/// use presswork_queue::CloudflareHttpQueue;
///
/// let queue = CloudflareHttpQueue::builder("account-id", "queue-id", "token").dead_letters("other-queue-id").build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CloudflareHttpQueue(Arc<Inner>);

struct Inner {
    api: Api,
    queue: String,
    dead_letters: Option<String>,
    lease: Duration,
    poll: (Duration, Duration),
    clock: Arc<dyn Clock>,
    /// What is in hand, by lease: a dead letter by verdict is written from it.
    held: Mutex<HashMap<String, Delivery>>,
    /// One at a time looks at the dead letters and moves them.
    moving: futures_util::lock::Mutex<()>,
}

impl CloudflareHttpQueue {
    /// Sets up the queue with this id in this account, both as the dashboard shows them, under an API token.
    pub fn builder(
        account: impl Into<String>,
        queue: impl Into<String>,
        token: impl Into<String>,
    ) -> CloudflareHttpQueueBuilder {
        CloudflareHttpQueueBuilder::new(account.into(), queue.into(), token.into())
    }

    async fn put(&self, queue: &str, mut messages: Vec<Outgoing>) -> Result<()> {
        let path = format!("{queue}/messages");
        let (intent, post) = (Intent::Write, Method::POST);
        // The result holds metrics, on newer services; nothing in it is needed.
        let _: Option<Anything> = match messages.pop() {
            None => None,
            Some(only) if messages.is_empty() => self.0.api.call(intent, post, &path, Some(&only)).await?,
            Some(last) => {
                messages.push(last);
                let path = format!("{path}/batch");
                self.0.api.call(intent, post, &path, Some(&Batch { messages })).await?
            }
        };
        Ok(())
    }

    async fn pull(&self, max: usize) -> Result<Vec<Delivery>> {
        let pull = Pull {
            batch_size: max.min(MAX_BATCH),
            visibility_timeout_ms: millis(self.0.lease),
        };
        // By our clock, and from before the question: the lease ends no sooner.
        let end = self.0.clock.now_ms().saturating_add(millis(self.0.lease));
        let path = format!("{}/messages/pull", self.0.queue);
        let pulled: Option<Messages> = self.0.api.call(Intent::Write, Method::POST, &path, Some(&pull)).await?;
        let messages = pulled.map(|pulled| pulled.messages).unwrap_or_default();
        let deliveries: Vec<_> = messages.iter().map(|message| delivery(message, end)).collect();
        if self.0.dead_letters.is_some() {
            let mut held = self.held();
            let now = self.0.clock.now_ms();
            held.retain(|_, delivery| delivery.lease().expires_at_ms().is_none_or(|end| end > now));
            held.extend(
                deliveries
                    .iter()
                    .map(|held| (held.lease().token().to_owned(), held.clone())),
            );
        }
        Ok(deliveries)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Delivery>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the dead letters among `settlements` to their queue. One that could not be sent becomes a retry; says which.
    async fn bury(&self, settlements: &[Settlement]) -> (Vec<Settlement>, Vec<bool>) {
        let mut buried = settlements.to_vec();
        let mut postponed = vec![false; buried.len()];
        for (settlement, postponed) in buried.iter_mut().zip(&mut postponed) {
            let delivery = self.held().remove(settlement.lease.token());
            let (Outcome::DeadLetter { reason }, Some(queue)) = (&settlement.verdict, &self.0.dead_letters) else {
                continue;
            };
            let sent = match &delivery {
                Some(delivery) => {
                    let text = dead_letter(delivery, reason);
                    self.put(queue, vec![Outgoing::new(text, Duration::ZERO)]).await
                }
                // Its lease ended before the verdict; it comes again, and the handler can say so again.
                None => Err(http::unavailable("the lease had ended".to_owned(), None)),
            };
            if let Err(error) = sent {
                tracing::warn!(message = %settlement.lease.id(), %error, "the dead letter could not be sent; retrying");
                settlement.verdict = Outcome::Retry {
                    after: None,
                    error: Some(reason.clone()),
                };
                *postponed = true;
            }
        }
        (buried, postponed)
    }

    async fn settle_some(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        let mut answers = vec![Settled::Done; settlements.len()];
        let mut verdicts = Verdicts::default();
        let mut asked: Vec<&str> = Vec::new();
        for (answer, Settlement { lease, verdict }) in answers.iter_mut().zip(settlements) {
            if asked.contains(&lease.token()) {
                // The first verdict wins.
                *answer = Settled::Stale;
                continue;
            }
            let lease_id = lease.token();
            asked.push(lease_id);
            match verdict {
                Outcome::Ack | Outcome::DeadLetter { .. } => verdicts.acks.push(Ack { lease_id }),
                Outcome::Retry { after, .. } => verdicts.retries.push(Retry {
                    lease_id,
                    delay_seconds: after.map(seconds),
                }),
                // Refused before.
                Outcome::Release | Outcome::Snooze { .. } => {}
            }
        }
        if asked.is_empty() {
            return Ok(answers);
        }
        let path = format!("{}/messages/ack", self.0.queue);
        let settled: Option<wire::Settled> = self
            .0
            .api
            .call(Intent::Write, Method::POST, &path, Some(&verdicts))
            .await?;
        let Some(settled) = settled else { return Ok(answers) };
        let warned = |lease: &Lease| match &settled.warnings {
            serde_json::Value::Object(leases) => leases.contains_key(lease.token()),
            serde_json::Value::Array(texts) => texts
                .iter()
                .any(|text| text.as_str().is_some_and(|text| text.contains(lease.token()))),
            _ => false,
        };
        for (answer, settlement) in answers.iter_mut().zip(settlements) {
            if warned(&settlement.lease) {
                *answer = Settled::Stale;
            }
        }
        let applied = settled.acks.unwrap_or(verdicts.acks.len()) + settled.retries.unwrap_or(verdicts.retries.len());
        let done = answers.iter().filter(|answer| **answer == Settled::Done).count();
        if applied < done {
            return Err(Error::OutcomeUnknown {
                provider: PROVIDER,
                message: format!("the service applied {applied} of {done} verdicts and does not say which"),
                source: None,
            });
        }
        Ok(answers)
    }
}

impl fmt::Debug for CloudflareHttpQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudflareHttpQueue")
            .field("api", &self.0.api)
            .field("queue", &self.0.queue)
            .field("dead_letters", &self.0.dead_letters)
            .finish_non_exhaustive()
    }
}

fn delivery(message: &Incoming, end: i64) -> Delivery {
    let (content, id, sent_ms) = opened(&message.bytes(), message.sent_at_ms().unwrap_or_else(platform::now_ms));
    let id = id.unwrap_or_else(|| message.id.clone());
    let lease = Lease::new(MessageId::new(id), message.lease_id.as_str()).expires_at(end);
    Delivery::with_content(lease, message.attempts, sent_ms, content)
}

/// The message under a new id. Cloudflare names none when it takes a message, so the envelope carries one.
fn packed(message: &Message, now: i64) -> (MessageId, Outgoing) {
    let id = Uuid::now_v7().to_string();
    let text = envelope::encode_with_id(message, &id, now);
    (MessageId::new(id), Outgoing::new(text, message.delay))
}

#[async_trait]
impl Queue for CloudflareHttpQueue {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: true,
            ..Capabilities::new(PROVIDER, MAX_MESSAGE_BYTES, MAX_BATCH, MAX_BATCH_BYTES, MAX_DELAY)
        }
    }

    async fn send(&self, message: &Message) -> Result<MessageId> {
        check_batch(&Queue::capabilities(self), slice::from_ref(message))?;
        let (id, message) = packed(message, self.0.clock.now_ms());
        self.put(&self.0.queue, vec![message]).await?;
        Ok(id)
    }

    async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        check_batch(&Queue::capabilities(self), messages)?;
        let now = self.0.clock.now_ms();
        let (ids, messages) = messages.iter().map(|message| packed(message, now)).unzip();
        self.put(&self.0.queue, messages).await?;
        Ok(ids)
    }
}

#[async_trait]
impl Settle for CloudflareHttpQueue {
    fn capabilities(&self) -> ConsumerCapabilities {
        ConsumerCapabilities {
            lease: Some(self.0.lease),
            attempts: true,
            dead_letter: self.0.dead_letters.is_some(),
            ..ConsumerCapabilities::new(PROVIDER, MAX_BATCH, MAX_DELAY)
        }
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        check_settlements(&Settle::capabilities(self), settlements)?;
        let mut settled = Vec::with_capacity(settlements.len());
        // How many leases one call takes is not documented; a pull gives at most as many.
        for chunk in settlements.chunks(MAX_BATCH) {
            let (chunk, postponed) = self.bury(chunk).await;
            let answers = self.settle_some(&chunk).await?;
            let answers = answers.into_iter().zip(postponed);
            settled.extend(answers.map(|(answer, postponed)| match answer {
                Settled::Done if postponed => Settled::Postponed,
                answer => answer,
            }));
        }
        Ok(settled)
    }
}

#[async_trait]
impl Consumer for CloudflareHttpQueue {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let clock = &self.0.clock;
        let deadline = clock.now_ms().saturating_add(millis(wait));
        let (mut pause, most) = self.0.poll;
        loop {
            let deliveries = match self.pull(max).await {
                // Deliveries are paused; they go on when an operator says so.
                Err(Error::Locked { .. }) => Vec::new(),
                other => other?,
            };
            let now = clock.now_ms();
            if !deliveries.is_empty() || now >= deadline {
                return Ok(deliveries);
            }
            // Jitter, so that consumers that started together do not ask together.
            let jittered = pause.mul_f64(0.75 + 0.5 * fastrand::f64());
            clock.sleep(jittered.min(until(now, deadline))).await;
            pause = (pause * 2).min(most);
        }
    }

    async fn extend(&self, _: &Lease, _: Duration) -> Result<Lease> {
        let what = "to extend a lease";
        Err(Error::Unsupported {
            provider: PROVIDER,
            what,
        })
    }
}

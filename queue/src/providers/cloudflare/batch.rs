//! [`PushedBatch`]: what the runtime pushed to a consumer Worker.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use worker::{
    js_sys::{Array, ArrayBuffer, Date, JSON, Object, Reflect, Uint8Array},
    wasm_bindgen::{JsCast, JsValue},
    worker_sys,
};

use super::{CloudflareQueue, MAX_BATCH, MAX_DELAY, PROVIDER, classify, seconds};
use crate::{
    ConsumerCapabilities, Delivery, Error, Lease, MessageId, Outcome, Result, Settle, Settled, Settlement,
    error::bounded,
    limits::check_settlements,
    platform,
    providers::cloudflare_letter::{self, dead_letter, opened},
};

/// A batch that the runtime pushed, for [`process`](crate::process).
///
/// Settles message by message, in the runtime at once. A message that was not settled when the batch is dropped is
/// retried: the runtime would take silence for success. Attempts are the platform's. The runtime decides when a
/// message has been retried often enough (`max_retries`), and puts it with the dead letters of its own accord.
///
/// A dead letter by verdict is sent to the queue given for it, then acknowledged, so a crash between the two doubles
/// it and never loses it. It is the message itself under its id, with the headers [`DEAD_REASON`](Self::DEAD_REASON)
/// and [`DEAD_ATTEMPTS`](Self::DEAD_ATTEMPTS); one that could not be decoded has its raw bytes for a body. When it
/// cannot be sent the message is retried instead ([`Settled::Postponed`]). Without a queue for them, dead letters are
/// [`Unsupported`](Error::Unsupported), and `process` retries. To release a message is unsupported too.
///
/// ```no_run
/// # use presswork_queue::{CloudflareQueue, Handler, PushedBatch, process};
/// # use worker::wasm_bindgen::JsValue;
/// # async fn queue(batch: JsValue, env: worker::Env, handler: impl Handler) -> Result<(), JsValue> {
/// let dead_letters = CloudflareQueue::new(env.queue("DEAD_LETTERS")?);
/// let (batch, deliveries) = PushedBatch::new(batch, Some(dead_letters)).map_err(|error| error.to_string())?;
/// let report = process(&batch, deliveries, &handler, 4).await;
/// # Ok(())
/// # }
/// ```
pub struct PushedBatch {
    queue: String,
    messages: Vec<Pushed>,
    dead_letters: Option<CloudflareQueue>,
}

struct Pushed {
    message: worker_sys::Message,
    delivery: Delivery,
    settled: AtomicBool,
}

impl PushedBatch {
    /// The header of a dead letter that says why it was given up, in at most 200 characters.
    pub const DEAD_REASON: &str = cloudflare_letter::DEAD_REASON;
    /// The header of a dead letter that says how often it had been delivered.
    pub const DEAD_ATTEMPTS: &str = cloudflare_letter::DEAD_ATTEMPTS;

    /// Takes the batch that the runtime gave the `queue` event, and its messages.
    ///
    /// A message that cannot be read is an [`undecodable`](Delivery::undecodable) delivery.
    ///
    /// # Errors
    /// [`Error::Config`] when `batch` is not a batch of messages.
    pub fn new(batch: JsValue, dead_letters: Option<CloudflareQueue>) -> Result<(Self, Vec<Delivery>)> {
        let messages = get(&batch, "messages").and_then(|messages| messages.dyn_into::<Array>().ok());
        let Some(messages) = messages else {
            return Err(Error::Config {
                provider: PROVIDER,
                message: "what the runtime gave is not a batch of messages".to_owned(),
            });
        };
        let messages: Vec<_> = messages
            .iter()
            .enumerate()
            .map(|(at, message)| Pushed::new(at, message))
            .collect();
        let deliveries = messages.iter().map(|pushed| pushed.delivery.clone()).collect();
        let queue = get(&batch, "queue")
            .and_then(|name| name.as_string())
            .unwrap_or_default();
        let batch = Self {
            queue,
            messages,
            dead_letters,
        };
        Ok((batch, deliveries))
    }

    /// The name of the queue the batch comes from: one Worker may consume several.
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// The messages of the batch, as [`new`](Self::new) gave them.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.messages.iter().map(|pushed| pushed.delivery.clone()).collect()
    }

    fn find(&self, lease: &Lease) -> Option<&Pushed> {
        let pushed = self.messages.get(lease.token().parse::<usize>().ok()?)?;
        (pushed.delivery.id() == lease.id() && !pushed.is_settled()).then_some(pushed)
    }

    async fn give_up(&self, pushed: &Pushed, reason: &str) -> Result<Settled> {
        let dead_letters = self.dead_letters.as_ref().ok_or(Error::Unsupported {
            provider: PROVIDER,
            what: "a dead letter",
        })?;
        let text = dead_letter(&pushed.delivery, reason);
        match dead_letters.put(vec![(text, Duration::ZERO)]).await {
            Ok(()) => pushed.ack(),
            Err(error) => {
                tracing::warn!(message = %pushed.delivery.id(), %error, "the dead letter could not be sent; retrying");
                pushed.retry(None).map(|_| Settled::Postponed)
            }
        }
    }
}

impl Pushed {
    fn new(at: usize, message: JsValue) -> Self {
        let raw = get(&message, "body").map(|body| bytes(&body)).unwrap_or_default();
        let attempt = get(&message, "attempts").and_then(|attempts| whole(attempts.as_f64()?));
        let sent = get(&message, "timestamp").and_then(|at| at.dyn_into::<Date>().ok());
        let sent_ms = sent.map_or_else(platform::now_ms, |at| at.get_time() as i64);
        let id = get(&message, "id").and_then(|id| id.as_string());
        let delivery = delivery(at, id, attempt, sent_ms, &raw);
        Self {
            message: message.unchecked_into(),
            delivery,
            settled: AtomicBool::new(false),
        }
    }

    fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Relaxed)
    }

    fn ack(&self) -> Result<Settled> {
        self.done(self.message.ack())
    }

    fn retry(&self, after: Option<Duration>) -> Result<Settled> {
        let options = match after {
            // Without options the queue's own retry delay holds.
            None => JsValue::UNDEFINED,
            Some(after) => {
                let options = Object::new();
                let set = Reflect::set(&options, &"delaySeconds".into(), &seconds(after).into());
                set.map_err(refused)?;
                options.into()
            }
        };
        self.done(self.message.retry(options))
    }

    fn done(&self, answer: Result<(), JsValue>) -> Result<Settled> {
        answer.map_err(refused)?;
        self.settled.store(true, Ordering::Relaxed);
        Ok(Settled::Done)
    }
}

#[async_trait]
impl Settle for PushedBatch {
    fn capabilities(&self) -> ConsumerCapabilities {
        ConsumerCapabilities {
            attempts: true,
            dead_letter: self.dead_letters.is_some(),
            ..ConsumerCapabilities::new(PROVIDER, MAX_BATCH, MAX_DELAY)
        }
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        check_settlements(&self.capabilities(), settlements)?;
        let mut settled = Vec::with_capacity(settlements.len());
        let mut failed = None;
        for Settlement { lease, verdict } in settlements {
            let Some(pushed) = self.find(lease) else {
                settled.push(Settled::Stale);
                continue;
            };
            let answer = match verdict {
                Outcome::Ack => pushed.ack(),
                Outcome::Retry { after, error } => {
                    // The platform keeps no reason, so the log does.
                    let error = error.as_deref().map(bounded);
                    tracing::warn!(message = %lease.id(), attempt = pushed.delivery.attempt(), error, "retrying");
                    pushed.retry(*after)
                }
                Outcome::DeadLetter { reason } => self.give_up(pushed, reason).await,
                // Refused before; the nearest is a retry.
                Outcome::Release | Outcome::Snooze { .. } => pushed.retry(Some(verdict.snooze())),
            };
            // One refusal does not keep the others from being applied.
            match answer {
                Ok(answer) => settled.push(answer),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(settled), Err)
    }
}

impl Drop for PushedBatch {
    fn drop(&mut self) {
        for pushed in self.messages.iter().filter(|pushed| !pushed.is_settled()) {
            // The runtime that refuses even this has ended the batch.
            let _ = pushed.retry(None);
        }
    }
}

impl fmt::Debug for PushedBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushedBatch")
            .field("queue", &self.queue)
            .field("messages", &self.messages.len())
            .field("dead_letters", &self.dead_letters)
            .finish()
    }
}

/// The delivery of what was read from message `at` of the batch.
pub(super) fn delivery(at: usize, id: Option<String>, attempt: Option<u32>, sent_ms: i64, raw: &[u8]) -> Delivery {
    let (content, own_id, sent_ms) = opened(raw, sent_ms);
    let id = own_id.or(id).unwrap_or_else(|| format!("message {at}"));
    let lease = Lease::new(MessageId::new(id), at.to_string());
    Delivery::with_content(lease, attempt, sent_ms, content)
}

fn get(object: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(object, &name.into()).ok()
}

/// The bytes of a body of any content type: text as it is, bytes as they are, anything else as JSON.
fn bytes(body: &JsValue) -> Vec<u8> {
    if let Some(text) = body.as_string() {
        return text.into_bytes();
    }
    if let Some(buffer) = body.dyn_ref::<ArrayBuffer>() {
        return Uint8Array::new(buffer).to_vec();
    }
    if let Some(bytes) = body.dyn_ref::<Uint8Array>() {
        return bytes.to_vec();
    }
    let json = JSON::stringify(body).ok().and_then(|json| json.as_string());
    json.map(String::into_bytes).unwrap_or_default()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked to be a small whole number
fn whole(number: f64) -> Option<u32> {
    (number >= 1.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0).then_some(number as u32)
}

fn refused(error: JsValue) -> Error {
    Error::Storage {
        provider: PROVIDER,
        message: format!(
            "the runtime did not take the verdict: {}",
            classify::words(&error.into())
        ),
        source: None,
    }
}

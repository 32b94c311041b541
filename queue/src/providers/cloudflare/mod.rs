//! Cloudflare Queues through the bindings of a Worker: [`CloudflareQueue`] sends, [`PushedBatch`] settles what the
//! runtime pushed. <https://developers.cloudflare.com/queues/configuration/javascript-apis/>

mod batch;
mod classify;

#[cfg(test)]
mod tests;

use std::{fmt, pin::pin, slice, time::Duration};

use async_trait::async_trait;
use futures_util::future::{Either, select};
use uuid::Uuid;
use worker::{
    BatchMessageBuilder, Delay, QueueContentType, RawMessageBuilder, SendMessage, send::IntoSendFuture,
    wasm_bindgen::JsValue,
};

use crate::{Capabilities, Message, MessageId, Queue, Result, envelope, limits::check_batch, platform};

pub use batch::PushedBatch;

const PROVIDER: &str = "cloudflare";

/// Cloudflare takes 128,000 bytes with about 100 of its own; the rest is room for the id, and for the reason when the
/// message becomes a dead letter. <https://developers.cloudflare.com/queues/platform/limits/>
const MAX_MESSAGE_BYTES: usize = 126_000;
/// 100 messages, from the same page.
const MAX_BATCH: usize = 100;
/// 256,000 bytes, from the same page, less what 100 messages need beside their envelopes.
const MAX_BATCH_BYTES: usize = 240_000;
/// 24 hours, from the same page, for sends and retries.
const MAX_DELAY: Duration = Duration::from_secs(86_400);
/// How long a send may take. The platform names no limit, and a stall would eat the invocation.
const DEADLINE: Duration = Duration::from_secs(8);

/// A Cloudflare queue to send to, through a Worker's binding.
///
/// Messages travel as text, one envelope each. Size, number and delay are checked before the runtime is asked, for it
/// answers many mistakes with "internal error"; delays round up to whole seconds. Cloudflare names no ids, so the
/// envelope carries one, and [`PushedBatch`] reads it back. A send that has no answer within 8 seconds is
/// [`OutcomeUnknown`](crate::Error::OutcomeUnknown); idempotency keys are refused.
///
/// ```no_run
/// # fn open(env: &worker::Env) -> worker::Result<()> {
/// use presswork_queue::CloudflareQueue;
///
/// let queue = CloudflareQueue::new(env.queue("POSTS")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CloudflareQueue(worker::Queue);

impl CloudflareQueue {
    /// Sends to the queue of this binding.
    pub fn new(queue: worker::Queue) -> Self {
        Self(queue)
    }

    /// Hands texts over in one call.
    async fn put(&self, texts: Vec<(String, Duration)>) -> Result<()> {
        let sent = async {
            let late = pin!(Delay::from(DEADLINE));
            let mut messages: Vec<_> = texts.into_iter().map(|(text, delay)| wire(&text, delay)).collect();
            let sent = async {
                match messages.pop() {
                    Some(only) if messages.is_empty() => self.0.send_raw(only).await,
                    Some(last) => {
                        let all = BatchMessageBuilder::new().messages(messages).message(last);
                        self.0.send_raw_batch(all.build()).await
                    }
                    None => Ok(()),
                }
            };
            match select(pin!(sent), late).await {
                Either::Left((Ok(()), _)) => Ok(()),
                Either::Left((Err(error), _)) => Err(classify::failed(&classify::words(&error))),
                Either::Right(_) => Err(classify::late(DEADLINE)),
            }
        };
        sent.into_send().await
    }
}

#[async_trait]
impl Queue for CloudflareQueue {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: true,
            ..Capabilities::new(PROVIDER, MAX_MESSAGE_BYTES, MAX_BATCH, MAX_BATCH_BYTES, MAX_DELAY)
        }
    }

    async fn send(&self, message: &Message) -> Result<MessageId> {
        check_batch(&self.capabilities(), slice::from_ref(message))?;
        let (id, text) = packed(message);
        self.put(vec![text]).await?;
        Ok(id)
    }

    async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        check_batch(&self.capabilities(), messages)?;
        let (ids, texts): (Vec<_>, Vec<_>) = messages.iter().map(packed).unzip();
        if !texts.is_empty() {
            self.put(texts).await?;
        }
        Ok(ids)
    }
}

impl fmt::Debug for CloudflareQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CloudflareQueue(..)")
    }
}

/// The message under a new id, as text, with its delay.
fn packed(message: &Message) -> (MessageId, (String, Duration)) {
    let id = Uuid::now_v7().to_string();
    let text = envelope::encode_with_id(message, &id, platform::now_ms());
    (MessageId::new(id), (text, message.delay))
}

fn wire(text: &str, delay: Duration) -> SendMessage<JsValue> {
    let message = RawMessageBuilder::new(JsValue::from_str(text));
    let message = match delay {
        // No delay leaves the queue its own.
        Duration::ZERO => message,
        delay => message.delay_seconds(seconds(delay)),
    };
    message.build_with_content_type(QueueContentType::Text)
}

/// Whole seconds, rounded up: never early.
fn seconds(delay: Duration) -> u32 {
    let whole = delay.as_secs().saturating_add(u64::from(delay.subsec_nanos() > 0));
    u32::try_from(whole).unwrap_or(u32::MAX)
}

const _: fn() = || {
    fn pin<T: Send + Sync + 'static>() {}
    pin::<CloudflareQueue>();
    pin::<PushedBatch>();
};

//! The sending side: [`Queue`] and what it promises.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Message, MessageId, Result};

/// The sending side of a queue.
///
/// A message that was accepted is delivered at least once. Order is not promised.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Says what this queue takes and what it refuses.
    ///
    /// - A delay up to `max_delay` is taken, a longer one is [`Error::InvalidDelay`](crate::Error::InvalidDelay) (`delay_limit_is_declared`).
    /// - Where `idempotency_ttl` is `None`, a message with a key is [`Error::Unsupported`](crate::Error::Unsupported) (`idempotency_is_declared`).
    /// - Where `durable` is true, messages outlive the process that sent them (`messages_survive_reopen`).
    fn capabilities(&self) -> Capabilities;

    /// Sends one message and returns its id.
    ///
    /// - Body and headers arrive byte for byte: empty, any text, NUL, any bytes (`bodies_arrive_unchanged`).
    /// - Typed payloads survive: maps, flattened maps, integers above 2^53, enums (`json_payloads_survive`).
    /// - Headers arrive as they were sent, whatever their keys hold (`headers_round_trip`).
    /// - A message of exactly `max_message_bytes` is taken, one byte more is
    ///   [`Error::TooLarge`](crate::Error::TooLarge) and stores nothing (`size_limit_is_exact`).
    /// - A key that is still remembered returns the first id and stores nothing, even after that message was
    ///   acknowledged (`repeated_key_returns_the_first_id`).
    /// - A key is forgotten after `idempotency_ttl`, not before (`key_expires_after_its_ttl`).
    /// - A hundred concurrent senders of one key make one message (`concurrent_senders_of_one_key_make_one_message`).
    /// - A send whose answer was lost can be repeated with its key and makes one message (`lost_answer_can_be_repeated`).
    /// - A delayed message is never delivered early (`delay_is_never_early`).
    /// - A delayed message keeps its time over a restart, where `durable` (`delayed_message_survives_reopen`).
    async fn send(&self, message: &Message) -> Result<MessageId>;

    /// Sends several messages, all or none, and returns their ids in the order given.
    ///
    /// - An empty batch sends nothing and succeeds (`empty_batch_is_a_no_op`).
    /// - Each message gets its own id, in order (`batch_returns_ids_in_order`).
    /// - A batch of `max_batch` is taken, one more message is
    ///   [`Error::BatchTooLarge`](crate::Error::BatchTooLarge) (`batch_limit_is_exact`).
    /// - More than `max_batch_bytes` in all is refused likewise (`batch_bytes_limit_holds`).
    /// - One bad message refuses the batch and stores none of it (`bad_message_refuses_the_batch`).
    /// - A key that occurs twice in a batch makes one message (`key_repeated_in_a_batch_makes_one_message`).
    async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>>;
}

/// What a [`Queue`] takes. Whatever lies outside is refused with a typed error, never ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The backend's name, as it appears in errors.
    pub provider: &'static str,
    /// The longest message, in bytes of its envelope ([`Message::encoded_len`]).
    pub max_message_bytes: usize,
    /// The most messages in one [`Queue::send_batch`].
    pub max_batch: usize,
    /// The most bytes in one [`Queue::send_batch`], summed over the envelopes.
    pub max_batch_bytes: usize,
    /// The longest delay.
    pub max_delay: Duration,
    /// How long an idempotency key is remembered; `None` where keys are refused.
    pub idempotency_ttl: Option<Duration>,
    /// Messages outlive the process.
    pub durable: bool,
}

impl Capabilities {
    /// The limits of `provider`: no idempotency keys, not durable, until the fields say otherwise.
    pub fn new(
        provider: &'static str,
        max_message_bytes: usize,
        max_batch: usize,
        max_batch_bytes: usize,
        max_delay: Duration,
    ) -> Self {
        Self {
            provider,
            max_message_bytes,
            max_batch,
            max_batch_bytes,
            max_delay,
            idempotency_ttl: None,
            durable: false,
        }
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        #[async_trait]
        impl<T: Queue + ?Sized> Queue for $pointer {
            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }
            async fn send(&self, message: &Message) -> Result<MessageId> {
                (**self).send(message).await
            }
            async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
                (**self).send_batch(messages).await
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

const _: fn(&dyn Queue) = |_| {};

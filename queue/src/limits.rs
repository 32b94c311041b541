//! What the backends of this crate take, checked in one place before anything is stored.

use std::time::Duration;

use crate::{Capabilities, ConsumerCapabilities, Error, Message, Outcome, Result, Settlement, clock::millis, envelope};

/// 128 kB, as Cloudflare Queues has it, so that what works in memory also fits there.
/// <https://developers.cloudflare.com/queues/platform/limits/>
pub(crate) const MAX_MESSAGE_BYTES: usize = 128_000;
/// 100 messages, from the same page.
pub(crate) const MAX_BATCH: usize = 100;
/// 256 kB, from the same page.
pub(crate) const MAX_BATCH_BYTES: usize = 256_000;
/// A year: local queues have no limit of their own, and a longer delay is a mistake in a unit.
pub(crate) const MAX_DELAY: Duration = Duration::from_secs(365 * 86_400);
/// Bounds one transaction.
pub(crate) const MAX_RECEIVE: usize = 1_000;
/// An identifier, not a payload.
pub(crate) const MAX_KEY_BYTES: usize = 512;

/// The settings a local queue is built with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) lease: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) retry_delay: Duration,
    pub(crate) idempotency_ttl: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // 30 s, 4 deliveries (3 retries) and no retry delay are Cloudflare's defaults, from the page above.
            lease: Duration::from_secs(30),
            max_attempts: 4,
            retry_delay: Duration::ZERO,
            idempotency_ttl: Duration::from_secs(86_400),
        }
    }
}

impl Settings {
    pub(crate) fn check(&self, provider: &'static str) -> Result<()> {
        let config = |message: &str| {
            Err(Error::Config {
                provider,
                message: message.to_owned(),
            })
        };
        if self.lease < Duration::from_millis(1) || self.lease > MAX_DELAY {
            return config("lease must be between 1 ms and 365 days");
        }
        if self.max_attempts == 0 {
            return config("max_attempts must be at least 1");
        }
        if self.retry_delay > MAX_DELAY {
            return config("retry_delay must be at most 365 days");
        }
        if self.idempotency_ttl < Duration::from_millis(1) || self.idempotency_ttl > MAX_DELAY {
            return config("idempotency_ttl must be between 1 ms and 365 days");
        }
        Ok(())
    }

    pub(crate) fn capabilities(&self, provider: &'static str, durable: bool) -> Capabilities {
        Capabilities {
            idempotency_ttl: Some(self.idempotency_ttl),
            durable,
            ..Capabilities::new(provider, MAX_MESSAGE_BYTES, MAX_BATCH, MAX_BATCH_BYTES, MAX_DELAY)
        }
    }

    pub(crate) fn consumer_capabilities(&self, provider: &'static str) -> ConsumerCapabilities {
        ConsumerCapabilities {
            lease: Some(self.lease),
            max_attempts: Some(self.max_attempts),
            attempts: true,
            fencing: true,
            extend: true,
            release: true,
            dead_letter: true,
            isolates: true,
            ..ConsumerCapabilities::new(provider, MAX_RECEIVE, MAX_DELAY)
        }
    }

    /// When a retry is due.
    pub(crate) fn retry_at(&self, now_ms: i64, after: Option<Duration>) -> i64 {
        now_ms.saturating_add(millis(after.unwrap_or(self.retry_delay)))
    }
}

/// Checks a batch before any of it is stored.
pub(crate) fn check_batch(takes: &Capabilities, messages: &[Message]) -> Result<()> {
    let provider = takes.provider;
    if messages.len() > takes.max_batch {
        return Err(Error::BatchTooLarge {
            provider,
            size: messages.len(),
            max: takes.max_batch,
            unit: "messages",
        });
    }
    let mut at_most = 0;
    for message in messages {
        at_most += check_message(takes, message)?;
    }
    // Only what may be too large is worth a look at every byte.
    if at_most > takes.max_batch_bytes && messages.len() > 1 {
        let size = messages.iter().map(Message::encoded_len).sum();
        if size > takes.max_batch_bytes {
            return Err(Error::BatchTooLarge {
                provider,
                size,
                max: takes.max_batch_bytes,
                unit: "bytes",
            });
        }
    }
    Ok(())
}

/// Checks one message and returns what its length is at most.
fn check_message(takes: &Capabilities, message: &Message) -> Result<usize> {
    let provider = takes.provider;
    check_delay(provider, message.delay, takes.max_delay)?;
    if let Some(key) = &message.idempotency_key {
        if takes.idempotency_ttl.is_none() {
            let what = "an idempotency key";
            return Err(Error::Unsupported { provider, what });
        }
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            let message = format!(
                "an idempotency key has 1 to {MAX_KEY_BYTES} bytes, this one has {}",
                key.len()
            );
            return Err(Error::InvalidMessage { provider, message });
        }
    }
    let (at_most, max) = (envelope::len_at_most(message), takes.max_message_bytes);
    if at_most <= max {
        return Ok(at_most);
    }
    let size = message.encoded_len();
    if size > max {
        return Err(Error::TooLarge { provider, size, max });
    }
    Ok(size)
}

/// Checks verdicts before any of them is applied.
pub(crate) fn check_settlements(takes: &ConsumerCapabilities, settlements: &[Settlement]) -> Result<()> {
    let provider = takes.provider;
    for settlement in settlements {
        match settlement.verdict {
            Outcome::Retry { after: Some(after), .. } => check_delay(provider, after, takes.max_delay)?,
            Outcome::Snooze { after } if takes.release => check_delay(provider, after, takes.max_delay)?,
            Outcome::DeadLetter { .. } if !takes.dead_letter => {
                let what = "a dead letter";
                return Err(Error::Unsupported { provider, what });
            }
            Outcome::Release | Outcome::Snooze { .. } if !takes.release => {
                let what = "to release a message";
                return Err(Error::Unsupported { provider, what });
            }
            Outcome::Ack
            | Outcome::Retry { .. }
            | Outcome::DeadLetter { .. }
            | Outcome::Release
            | Outcome::Snooze { .. } => {}
        }
    }
    Ok(())
}

pub(crate) fn check_delay(provider: &'static str, delay: Duration, max: Duration) -> Result<()> {
    if delay > max {
        return Err(Error::InvalidDelay { provider, delay, max });
    }
    Ok(())
}

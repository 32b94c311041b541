//! Dead letters, which lie in a queue of their own, and what an operator does.

use std::collections::HashSet;

use async_trait::async_trait;
use reqwest::Method;

use super::{
    CloudflareHttpQueue, MAX_BATCH, MAX_BATCH_BYTES, PROVIDER,
    http::Intent,
    wire::{Anything, Incoming, Messages, Metrics, Outgoing, Peek, Purge, Ref, Refs},
};
use crate::{
    Admin, DeadLetter, DeadLetterFilter, DeadLetters, Discarded, Error, Message, MessageId, Peeked, Redriven, Result,
    admin::MAX_PEEK,
    delivery::Content,
    envelope, platform,
    providers::cloudflare_letter::{DEAD_ATTEMPTS, DEAD_REASON, opened},
};

/// How long the backlog of a queue is, as the service estimates it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backlog {
    /// The messages; `None` where the service does not say.
    pub messages: Option<u64>,
    /// Their bytes; `None` where the service does not say.
    pub bytes: Option<u64>,
    /// When the oldest was sent, in milliseconds of Unix time; `None` where that is unknown.
    pub oldest_ms: Option<i64>,
}

/// A dead letter, where it lies, and as it was sent.
struct Found {
    letter: DeadLetter,
    reference: String,
    text: String,
}

impl CloudflareHttpQueue {
    /// How long the backlog is, dead letters not counted.
    ///
    /// # Errors
    /// As [`receive`](crate::Consumer::receive).
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts and times, which are whole
    pub async fn backlog(&self) -> Result<Backlog> {
        let path = format!("{}/metrics", self.0.queue);
        let metrics: Option<Metrics> = self.0.api.call(Intent::Read, Method::GET, &path, None::<&()>).await?;
        Ok(metrics.map_or_else(Backlog::default, |metrics| Backlog {
            messages: metrics.backlog_count.map(|count| count as u64),
            bytes: metrics.backlog_bytes.map(|bytes| bytes as u64),
            // The service writes 0 for a time it does not know.
            oldest_ms: metrics
                .oldest_message_timestamp_ms
                .map(|ms| ms as i64)
                .filter(|ms| *ms > 0),
        }))
    }

    async fn look(&self, queue: &str, limit: usize) -> Result<Vec<Incoming>> {
        let path = format!("{queue}/messages/peek");
        let batch_size = limit.min(MAX_BATCH);
        let found: Option<Messages> = self
            .0
            .api
            .call(Intent::Read, Method::POST, &path, Some(&Peek { batch_size }))
            .await?;
        Ok(found.map(|found| found.messages).unwrap_or_default())
    }

    fn dead_letter_queue(&self) -> Result<&str> {
        self.0.dead_letters.as_deref().ok_or(Error::Unsupported {
            provider: PROVIDER,
            what: "to look at dead letters without their queue",
        })
    }

    /// The dead letters that match, of the first 100: the service shows no more.
    async fn dead(&self, filter: &DeadLetterFilter) -> Result<Vec<Found>> {
        let mut found: Vec<_> = self
            .look(self.dead_letter_queue()?, MAX_PEEK)
            .await?
            .iter()
            .map(letter)
            .collect();
        found.retain(|found| filter.matches(&found.letter));
        found.sort_by(|a, b| a.letter.id.cmp(&b.letter.id));
        // A crash between sending and acknowledging doubles a letter.
        found.truncate(filter.limit.unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn remove(&self, found: &[Found]) -> Result<()> {
        let path = format!("{}/messages/purge", self.dead_letter_queue()?);
        let refs = found.iter().map(|found| Ref {
            reference: &found.reference,
        });
        let refs = Refs { refs: refs.collect() };
        let _: Option<Anything> = self.0.api.call(Intent::Write, Method::POST, &path, Some(&refs)).await?;
        Ok(())
    }

    async fn set_paused(&self, paused: bool) -> Result<()> {
        let settings = serde_json::json!({ "settings": { "delivery_paused": paused } });
        // Done twice it is done once.
        let _: Option<Anything> = self
            .0
            .api
            .call(Intent::Read, Method::PATCH, &self.0.queue, Some(&settings))
            .await?;
        Ok(())
    }

    /// Whether the removal that [`purge`](Admin::purge) began is done.
    ///
    /// # Errors
    /// As [`receive`](crate::Consumer::receive).
    pub async fn is_purged(&self) -> Result<bool> {
        let path = format!("{}/purge", self.0.queue);
        let purge: Option<Purge> = self.0.api.call(Intent::Read, Method::GET, &path, None::<&()>).await?;
        Ok(purge.is_none_or(|purge| match purge.completed {
            serde_json::Value::Bool(done) => done,
            serde_json::Value::Null => false,
            serde_json::Value::String(at) => !at.is_empty() && at != "false",
            _ => true,
        }))
    }
}

fn letter(message: &Incoming) -> Found {
    let raw = message.bytes();
    let given_up_ms = message.sent_at_ms().unwrap_or_else(platform::now_ms);
    let (content, id, sent_ms) = opened(&raw, given_up_ms);
    let id = MessageId::new(id.unwrap_or_else(|| message.id.clone()));
    let (original, reason, attempts) = match content {
        Content::Decoded(message) => {
            let mut message = message;
            let reason = message.headers.edit().remove(DEAD_REASON);
            let attempts = message.headers.edit().remove(DEAD_ATTEMPTS);
            (message, reason, attempts.and_then(|attempts| attempts.parse().ok()))
        }
        Content::Undecodable { .. } => (Message::new(raw.clone()), None, None),
    };
    // Garbage that was given up by verdict lies in an envelope, and goes back without one.
    let text = match (&reason, std::str::from_utf8(original.body())) {
        (Some(reason), Ok(body)) if reason.starts_with(DeadLetter::UNDECODABLE) => body.to_owned(),
        (None, Ok(raw)) if envelope::decode(raw.as_bytes()).is_err() && raw.as_bytes() == original.body() => {
            std::str::from_utf8(message.bytes().as_slice())
                .unwrap_or(raw)
                .to_owned()
        }
        _ => envelope::encode_with_id(&original, id.as_str(), sent_ms),
    };
    let reason = reason.unwrap_or_else(|| DeadLetter::MAX_ATTEMPTS.to_owned());
    let (body, headers) = original.into_parts();
    Found {
        letter: DeadLetter {
            headers,
            attempts: attempts.unwrap_or(0),
            ..DeadLetter::new(id, body, reason, sent_ms, given_up_ms)
        },
        reference: message.reference.clone(),
        text,
    }
}

/// The service keeps dead letters in a queue of their own and shows its first 100. Those it gave up by itself hold
/// neither a reason (it is then `max_attempts`) nor their attempts (then 0). Redrives of several processes at a time may
/// double a message.
#[async_trait]
impl DeadLetters for CloudflareHttpQueue {
    async fn list(&self, filter: &DeadLetterFilter, after: Option<MessageId>, limit: usize) -> Result<Vec<DeadLetter>> {
        let letters = self.dead(filter).await?.into_iter().map(|found| found.letter);
        let behind = |letter: &DeadLetter| after.as_ref().is_none_or(|after| letter.id > *after);
        Ok(letters.filter(behind).take(limit).collect())
    }

    async fn redrive(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Redriven> {
        let _alone = self.0.moving.lock().await;
        let found = self.dead(filter).await?;
        if !dry_run && !found.is_empty() {
            // Sent first: a crash before the removal doubles messages and never loses one.
            let mut batch = Vec::new();
            let mut bytes = 0;
            for letter in &found {
                if bytes + letter.text.len() > MAX_BATCH_BYTES && !batch.is_empty() {
                    self.put(&self.0.queue, std::mem::take(&mut batch)).await?;
                    bytes = 0;
                }
                bytes += letter.text.len();
                batch.push(Outgoing::new(letter.text.clone(), std::time::Duration::ZERO));
            }
            self.put(&self.0.queue, batch).await?;
            self.remove(&found).await?;
        }
        Ok(ids(found).into())
    }

    async fn discard(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Discarded> {
        let _alone = self.0.moving.lock().await;
        let found = self.dead(filter).await?;
        if !dry_run && !found.is_empty() {
            self.remove(&found).await?;
        }
        Ok(ids(found).into())
    }
}

fn ids(found: Vec<Found>) -> Vec<MessageId> {
    let mut seen = HashSet::new();
    let ids = found.into_iter().map(|found| found.letter.id);
    ids.filter(|id| seen.insert(id.clone())).collect()
}

#[async_trait]
impl Admin for CloudflareHttpQueue {
    async fn peek(&self, limit: usize) -> Result<Vec<Peeked>> {
        let messages = self.look(&self.0.queue, limit.min(MAX_PEEK)).await?;
        let peeked = messages.iter().map(|message| {
            let raw = message.bytes();
            let (_, id, sent_ms) = opened(&raw, message.sent_at_ms().unwrap_or_else(platform::now_ms));
            let id = MessageId::new(id.unwrap_or_else(|| message.id.clone()));
            Peeked {
                attempts: message.attempts,
                ..Peeked::from_envelope(id, sent_ms, &raw)
            }
        });
        Ok(peeked.collect())
    }

    /// Begins the removal, which the service ends by itself; see [`is_purged`](CloudflareHttpQueue::is_purged).
    async fn purge(&self) -> Result<Option<u64>> {
        let path = format!("{}/purge", self.0.queue);
        let all = serde_json::json!({ "delete_messages_permanently": true });
        let _: Option<Anything> = self.0.api.call(Intent::Write, Method::POST, &path, Some(&all)).await?;
        Ok(None)
    }

    async fn pause(&self) -> Result<()> {
        self.set_paused(true).await
    }

    async fn resume(&self) -> Result<()> {
        self.set_paused(false).await
    }
}

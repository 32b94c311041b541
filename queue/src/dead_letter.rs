//! Messages that were given up: [`DeadLetters`] lists, redrives and discards them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;

use crate::{MessageId, Result};

/// The dead letters of one queue.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Lists up to `limit` dead letters that match, oldest message first, starting behind `after`.
    ///
    /// - Pages joined by `after` show each dead letter once (`dead_letters_list_in_pages`).
    /// - Each condition of the filter narrows the list (`filter_narrows`).
    /// - A message that could not be decoded is listed with its raw bytes (`undecodable_dead_letter_is_listed`).
    async fn list(&self, filter: &DeadLetterFilter, after: Option<MessageId>, limit: usize) -> Result<Vec<DeadLetter>>;

    /// Puts what matches back on the queue, due now, its attempts starting anew.
    ///
    /// - A dry run names what would be redriven and changes nothing (`dry_run_changes_nothing`).
    /// - Only what matches comes back (`redrive_is_filtered`).
    /// - A redriven message counts its attempts from 1 and keeps id, body and time of the first send (`redrive_resets_attempts`).
    /// - Two redrives at a time bring each message back once (`concurrent_redrives_bring_each_once`).
    async fn redrive(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Redriven>;

    /// Removes what matches for good.
    ///
    /// - Only what matches is gone, and a dry run removes nothing (`discard_is_filtered`).
    async fn discard(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Discarded>;
}

/// A message that was given up.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The id it was sent under.
    pub id: MessageId,
    /// Its body; the raw bytes from the queue where it could not be decoded.
    pub body: Vec<u8>,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Why it was given up: the reason of the verdict, or `max_attempts`.
    pub reason: String,
    /// How often it was delivered.
    pub attempts: u32,
    /// The error of the last retry, or [`NO_VERDICT`](Self::NO_VERDICT); `None` when neither was given.
    pub last_error: Option<String>,
    /// When it was first sent, in milliseconds of Unix time.
    pub first_enqueued_ms: i64,
    /// When it was given up, in milliseconds of Unix time.
    pub dead_at_ms: i64,
}

impl DeadLetter {
    /// The `reason` of a message that ran out of attempts.
    pub const MAX_ATTEMPTS: &'static str = "max_attempts";
    /// The `last_error` of a message whose last lease ended without a verdict: its handler crashed, hung or was cut off.
    pub const NO_VERDICT: &'static str = "the lease ended without a verdict";
    /// The prefix of the `reason` of a message that could not be decoded.
    pub const UNDECODABLE: &'static str = "undecodable";

    /// A dead letter as its backend found it.
    pub fn new(id: MessageId, body: Vec<u8>, reason: String, first_enqueued_ms: i64, dead_at_ms: i64) -> Self {
        Self {
            id,
            body,
            headers: BTreeMap::new(),
            reason,
            attempts: 0,
            last_error: None,
            first_enqueued_ms,
            dead_at_ms,
        }
    }
}

impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("id", &self.id)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("reason", &self.reason)
            .field("attempts", &self.attempts)
            .field("last_error", &self.last_error)
            .field("first_enqueued_ms", &self.first_enqueued_ms)
            .field("dead_at_ms", &self.dead_at_ms)
            .finish_non_exhaustive()
    }
}

/// Which dead letters are meant. Every condition that is set must hold; none set means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    pub(crate) ids: Option<Vec<MessageId>>,
    pub(crate) reason_contains: Option<String>,
    pub(crate) dead_before_ms: Option<i64>,
    pub(crate) limit: Option<usize>,
}

impl DeadLetterFilter {
    /// All dead letters.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only these. An empty list means none.
    #[must_use]
    pub fn ids(mut self, ids: impl IntoIterator<Item = MessageId>) -> Self {
        self.ids = Some(ids.into_iter().collect());
        self
    }

    /// Only those whose reason contains `text`, case counting.
    #[must_use]
    pub fn reason_contains(mut self, text: impl Into<String>) -> Self {
        self.reason_contains = Some(text.into());
        self
    }

    /// Only those given up before this time, in milliseconds of Unix time.
    #[must_use]
    pub fn dead_before_ms(mut self, ms: i64) -> Self {
        self.dead_before_ms = Some(ms);
        self
    }

    /// Only the first `limit` that match, oldest message first.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether the conditions on one letter hold; `limit` is for whoever walks the list.
    pub fn matches(&self, letter: &DeadLetter) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&letter.id))
            && self
                .reason_contains
                .as_ref()
                .is_none_or(|text| letter.reason.contains(text))
            && self.dead_before_ms.is_none_or(|ms| letter.dead_at_ms < ms)
    }

    /// The most letters wanted, if that was set.
    pub fn max(&self) -> Option<usize> {
        self.limit
    }
}

/// What a redrive brought back, or would bring back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redriven {
    /// The messages, oldest first.
    pub ids: Vec<MessageId>,
}

impl From<Vec<MessageId>> for Redriven {
    fn from(ids: Vec<MessageId>) -> Self {
        Self { ids }
    }
}

/// What was discarded, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Discarded {
    /// The messages, oldest first.
    pub ids: Vec<MessageId>,
}

impl From<Vec<MessageId>> for Discarded {
    fn from(ids: Vec<MessageId>) -> Self {
        Self { ids }
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        #[async_trait]
        impl<T: DeadLetters + ?Sized> DeadLetters for $pointer {
            async fn list(&self, filter: &DeadLetterFilter, after: Option<MessageId>, limit: usize) -> Result<Vec<DeadLetter>> {
                (**self).list(filter, after, limit).await
            }
            async fn redrive(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Redriven> {
                (**self).redrive(filter, dry_run).await
            }
            async fn discard(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Discarded> {
                (**self).discard(filter, dry_run).await
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

const _: fn(&dyn DeadLetters) = |_| {};

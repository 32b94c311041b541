//! The operations on messages: what each statement is asked with, and how its rows are read.

use std::time::Duration;

use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{
    Inner,
    error::{Intent, failed},
    sql::{EXTEND, FIND_KEYS, FORGET_KEYS, NEXT, RESERVE, SEND, SEND_TYPES, SETTLE},
};
use crate::{
    DeadLetter, Delivery, Lease, Message, MessageId, Outcome, Result, Settled, Settlement, clock::millis, envelope,
    error::bounded,
};

/// What a reservation brought, and when the next message is due.
pub(super) type Found = (Vec<Delivery>, Option<Duration>);

/// What is to be sent, column by column.
struct Columns<'a> {
    envelopes: Vec<String>,
    delays: Vec<i64>,
    keys: Vec<Option<&'a [u8]>>,
    /// For each message the place in the columns: a key that is repeated stands there once.
    places: Vec<usize>,
}

impl<'a> Columns<'a> {
    fn new(messages: &'a [Message]) -> Self {
        let now = crate::platform::now_ms();
        let mut columns = Self {
            envelopes: Vec::new(),
            delays: Vec::new(),
            keys: Vec::new(),
            places: Vec::new(),
        };
        for message in messages {
            let key = message.key().map(str::as_bytes);
            let known = key.and_then(|key| columns.keys.iter().position(|other| *other == Some(key)));
            let place = known.unwrap_or_else(|| {
                columns.envelopes.push(envelope::encode(message, now));
                columns.delays.push(millis(message.delay));
                columns.keys.push(key);
                columns.keys.len() - 1
            });
            columns.places.push(place);
        }
        columns
    }

    /// The keys of those that were not stored.
    fn refused(&self, seqs: &[Option<i64>]) -> Vec<&'a [u8]> {
        let pairs = seqs.iter().zip(&self.keys);
        pairs
            .filter(|(seq, _)| seq.is_none())
            .filter_map(|(_, key)| *key)
            .collect()
    }

    fn ids(&self, seqs: &[Option<i64>], known: &[Row]) -> Option<Vec<MessageId>> {
        let find = |key: &[u8]| {
            known
                .iter()
                .find(|row| row.get::<_, &[u8]>(0) == key)
                .map(|row| row.get(1))
        };
        let id = |place: &usize| {
            let seq = seqs.get(*place).copied().flatten();
            seq.or_else(|| find(self.keys.get(*place).copied().flatten()?))
                .map(id_of)
        };
        self.places.iter().map(id).collect()
    }
}

impl Inner {
    pub(super) async fn send(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        let columns = Columns::new(messages);
        let ttl = millis(self.settings.idempotency_ttl);
        // A key that ends between the two statements is taken by the next round.
        loop {
            let arguments: [&(dyn ToSql + Sync); 6] = [
                &self.queue,
                &columns.envelopes,
                &columns.delays,
                &columns.keys,
                &ttl,
                &self.channel,
            ];
            let rows = self.query(Intent::Write, SEND, &arguments).await?;
            let seqs: Vec<Option<i64>> = rows.iter().map(|row| row.get(1)).collect();
            let refused = columns.refused(&seqs);
            let known = if refused.is_empty() {
                Vec::new()
            } else {
                self.query(Intent::Write, FIND_KEYS, &[&self.queue, &refused]).await?
            };
            if columns.keys.iter().any(Option::is_some) {
                self.forget_some_keys().await;
            }
            if let Some(ids) = columns.ids(&seqs, &known) {
                return Ok(ids);
            }
        }
    }

    /// Every hundredth time, so that no single send pays for a day's keys.
    async fn forget_some_keys(&self) {
        let count = self.keyed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if count.is_multiple_of(100)
            && let Err(error) = self.query(Intent::Write, FORGET_KEYS, &[&self.queue]).await
        {
            tracing::debug!(%error, "expired idempotency keys stay for now");
        }
    }

    pub(super) async fn send_in(
        &self,
        transaction: &tokio_postgres::Transaction<'_>,
        messages: &[Message],
    ) -> Result<Vec<MessageId>> {
        // The transaction's fate is its owner's: what fails in it happens nowhere.
        let failed = |error| failed(&self.place, Intent::Read, &error);
        let columns = Columns::new(messages);
        let ttl = millis(self.settings.idempotency_ttl);
        loop {
            let arguments: [&(dyn ToSql + Sync); 6] = [
                &self.queue,
                &columns.envelopes,
                &columns.delays,
                &columns.keys,
                &ttl,
                &self.channel,
            ];
            let typed: Vec<_> = arguments.into_iter().zip(SEND_TYPES).collect();
            let rows = transaction.query_typed(SEND, &typed).await.map_err(failed)?;
            let seqs: Vec<Option<i64>> = rows.iter().map(|row| row.get(1)).collect();
            let refused = columns.refused(&seqs);
            let typed: [(&(dyn ToSql + Sync), Type); 2] = [(&self.queue, Type::INT8), (&refused, Type::BYTEA_ARRAY)];
            let known = transaction.query_typed(FIND_KEYS, &typed).await.map_err(failed)?;
            if let Some(ids) = columns.ids(&seqs, &known) {
                return Ok(ids);
            }
        }
    }

    pub(super) async fn reserve(&self, max: usize) -> Result<Found> {
        let (max, lease) = (count(max), millis(self.settings.lease));
        loop {
            let attempts = self.max_attempts();
            let arguments: [&(dyn ToSql + Sync); 6] = [
                &self.queue,
                &max,
                &lease,
                &attempts,
                &DeadLetter::NO_VERDICT,
                &DeadLetter::MAX_ATTEMPTS,
            ];
            let mut rows = self.query(Intent::Write, RESERVE, &arguments).await?;
            // The server promises no order of RETURNING.
            rows.sort_unstable_by_key(|row| row.get::<_, i64>(0));
            let alive = rows.iter().filter(|row| !row.get::<_, bool>(6));
            let deliveries: Vec<_> = alive.map(delivery).collect();
            if !deliveries.is_empty() {
                return Ok((deliveries, None));
            }
            // All of them may have been out of attempts; there may be more behind.
            if !rows.is_empty() {
                continue;
            }
            let next = self.query(Intent::Read, NEXT, &[&self.queue]).await?;
            let next: Option<i64> = next.first().and_then(|row| row.get(0));
            // One that is due and was not leased is just being taken by someone else.
            let next = next.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0).max(5)));
            return Ok((deliveries, next));
        }
    }

    pub(super) async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        let mut given: Vec<(i64, i64, &Outcome)> = Vec::with_capacity(settlements.len());
        let mut places = Vec::with_capacity(settlements.len());
        for Settlement { lease, verdict } in settlements {
            let token = token_of(lease);
            let first = token.is_some_and(|(seq, lease)| !given.iter().any(|(s, l, _)| (*s, *l) == (seq, lease)));
            // The first verdict wins; what cannot be a lease of ours is asked of nobody.
            places.push(token.filter(|_| first));
            if let (Some((seq, lease)), true) = (token, first) {
                given.push((seq, lease, verdict));
            }
        }
        let retry = millis(self.settings.retry_delay);
        let told: Vec<_> = given.iter().map(|(_, _, verdict)| told(verdict, retry)).collect();
        let seqs: Vec<i64> = given.iter().map(|(seq, _, _)| *seq).collect();
        let leases: Vec<i64> = given.iter().map(|(_, lease, _)| *lease).collect();
        let verdicts: Vec<&str> = told.iter().map(|(verdict, _, _)| *verdict).collect();
        let delays: Vec<i64> = told.iter().map(|(_, delay, _)| *delay).collect();
        let words: Vec<Option<&str>> = told.iter().map(|(_, _, words)| words.as_deref()).collect();
        let attempts = self.max_attempts();
        let arguments: [&(dyn ToSql + Sync); 9] = [
            &self.queue,
            &seqs,
            &leases,
            &verdicts,
            &delays,
            &words,
            &attempts,
            &DeadLetter::MAX_ATTEMPTS,
            &self.channel,
        ];
        let rows = self.query(Intent::Write, SETTLE, &arguments).await?;
        let settled = |place: Option<(i64, i64)>| {
            let row = place.and_then(|place| rows.iter().find(|row| (row.get(0), row.get(1)) == place));
            match row.map(|row| row.get::<_, bool>(2)) {
                None => Settled::Stale,
                Some(true) => Settled::Exhausted,
                Some(false) => Settled::Done,
            }
        };
        Ok(places.into_iter().map(settled).collect())
    }

    pub(super) async fn extend(&self, lease: &Lease, by: Duration) -> Result<Option<Lease>> {
        let Some((seq, token)) = token_of(lease) else {
            return Ok(None);
        };
        // Done twice it is done once, so a lost answer is no reason to wonder.
        let rows = self
            .query(Intent::Read, EXTEND, &[&self.queue, &seq, &token, &millis(by)])
            .await?;
        Ok(rows.first().map(|row| lease.clone().expires_at(row.get(0))))
    }

    fn max_attempts(&self) -> i32 {
        i32::try_from(self.settings.max_attempts).unwrap_or(i32::MAX)
    }
}

/// The verdict as the statement knows it: its name, the delay, the words.
fn told(verdict: &Outcome, retry: i64) -> (&'static str, i64, Option<String>) {
    // TEXT holds no NUL.
    let words = |text: &str| bounded(text).replace('\0', "\u{fffd}");
    match verdict {
        Outcome::Ack => ("ack", 0, None),
        Outcome::Retry { after, error } => ("retry", after.map_or(retry, millis), error.as_deref().map(words)),
        Outcome::DeadLetter { reason } => ("dead", 0, Some(words(reason))),
        Outcome::Release | Outcome::Snooze { .. } => ("release", millis(verdict.snooze()), None),
    }
}

fn delivery(row: &Row) -> Delivery {
    let lease = Lease::of_number(id_of(row.get(0)), row.get::<_, i64>(1).unsigned_abs()).expires_at(row.get(4));
    let attempt = u32::try_from(row.get::<_, i32>(2)).unwrap_or(0);
    Delivery::from_envelope(lease, Some(attempt), row.get(3), row.get::<_, &str>(5).as_bytes())
}

/// The server's LIMIT is signed.
pub(super) fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn token_of(lease: &Lease) -> Option<(i64, i64)> {
    Some((seq_of(lease.id())?, i64::try_from(lease.as_number()?).ok()?))
}

pub(super) fn seq_of(id: &MessageId) -> Option<i64> {
    i64::try_from(id.as_number()?).ok()
}

pub(super) fn id_of(seq: i64) -> MessageId {
    MessageId::of_number(seq.unsigned_abs())
}

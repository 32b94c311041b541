//! Every statement on messages. Each stands alone, so it happens whole or not at all.
//!
//! `statement_timestamp()` is the server's time, and, unlike `clock_timestamp()`, one the index can be searched by.

use std::time::Duration;

use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{
    Inner,
    error::{Intent, failed},
};
use crate::{
    DeadLetter, Delivery, Lease, Message, MessageId, Outcome, Result, Settled, Settlement, clock::millis, envelope,
    error::bounded,
};

/// Now, in milliseconds of Unix time.
macro_rules! now {
    () => {
        "floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint"
    };
}
pub(super) use now;

/// The driver learns a connection's answer types once; whoever brings a transaction of their own has them named.
const SEND_TYPES: [Type; 6] = [
    Type::INT8,
    Type::TEXT_ARRAY,
    Type::INT8_ARRAY,
    Type::BYTEA_ARRAY,
    Type::INT8,
    Type::TEXT,
];

/// $1 queue, $2 envelopes, $3 delays, $4 keys, $5 how long keys are remembered, $6 channel.
/// Keys are taken in one order by everyone, so that two batches never wait for each other in a ring.
const SEND: &str = concat!(
    "WITH given AS MATERIALIZED (
        SELECT *, nextval(pg_get_serial_sequence('queue_message', 'seq')) AS seq
        FROM unnest($2::text[], $3::bigint[], $4::bytea[]) WITH ORDINALITY AS g (envelope, delay, key, place)
        ORDER BY place
    ), claimed AS (
        INSERT INTO queue_key (queue, key, seq, expires_at)
        SELECT $1, key, seq, ",
    now!(),
    " + $5 FROM given WHERE key IS NOT NULL ORDER BY key
        ON CONFLICT (queue, key) DO UPDATE SET seq = excluded.seq, expires_at = excluded.expires_at
            WHERE queue_key.expires_at <= ",
    now!(),
    "
        RETURNING seq
    ), sent AS (
        INSERT INTO queue_message (seq, queue, envelope, visible_at, enqueued_at)
        SELECT seq, $1, envelope, ",
    now!(),
    " + delay, ",
    now!(),
    " FROM given
        WHERE key IS NULL OR seq IN (SELECT seq FROM claimed)
        RETURNING seq
    )
    SELECT given.place, sent.seq, note.sent
    FROM given LEFT JOIN sent ON sent.seq = given.seq CROSS JOIN (SELECT pg_notify($6, '')::text AS sent) AS note
    ORDER BY given.place"
);
const FIND_KEYS: &str = "SELECT key, seq FROM queue_key WHERE queue = $1 AND key = ANY($2)";
const FORGET_KEYS: &str = concat!(
    "DELETE FROM queue_key WHERE expires_at <= ",
    now!(),
    " AND (queue, key) IN
        (SELECT queue, key FROM queue_key WHERE queue = $1 AND expires_at <= ",
    now!(),
    "
         LIMIT 1000 FOR UPDATE SKIP LOCKED)"
);

/// $1 queue, $2 most, $3 lease, $4 max attempts, $5 no verdict, $6 out of attempts.
const RESERVE: &str = concat!(
    "WITH due AS (
        SELECT seq FROM queue_message
        WHERE queue = $1 AND dead_at IS NULL AND visible_at <= ",
    now!(),
    "
            AND NOT coalesce((SELECT paused FROM queue_name WHERE id = $1), false)
        ORDER BY visible_at, seq LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    UPDATE queue_message AS m SET
        lease = lease + 1,
        last_error = CASE WHEN leased THEN $5 ELSE last_error END,
        leased = attempts < $4,
        visible_at = CASE WHEN attempts < $4 THEN ",
    now!(),
    " + $3 ELSE visible_at END,
        dead_at = CASE WHEN attempts < $4 THEN NULL ELSE ",
    now!(),
    " END,
        dead_reason = CASE WHEN attempts < $4 THEN NULL ELSE $6 END,
        attempts = attempts + (attempts < $4)::int
    FROM due WHERE m.seq = due.seq
    RETURNING m.seq, m.lease, m.attempts, m.enqueued_at, m.visible_at, m.envelope, m.dead_at IS NOT NULL"
);
const NEXT: &str = concat!(
    "SELECT min(visible_at) - ",
    now!(),
    " FROM queue_message WHERE queue = $1 AND dead_at IS NULL
     AND NOT coalesce((SELECT paused FROM queue_name WHERE id = $1), false)"
);

/// $1 queue, then per message $2 seq, $3 lease, $4 verdict, $5 delay, $6 words; $7 max attempts, $8 out of attempts,
/// $9 channel.
const SETTLE: &str = concat!(
    "WITH given AS MATERIALIZED (
        SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::text[])
            AS g (seq, lease, verdict, delay, words)
        ORDER BY seq
    ), gone AS (
        DELETE FROM queue_message AS m USING given AS g
        WHERE g.verdict = 'ack' AND m.seq = g.seq AND m.lease = g.lease
            AND m.queue = $1 AND m.leased AND m.dead_at IS NULL
        RETURNING m.seq, g.lease, false AS exhausted
    ), back AS (
        UPDATE queue_message AS m SET
            lease = m.lease + 1,
            leased = false,
            attempts = CASE WHEN g.verdict = 'release' THEN greatest(m.attempts - 1, 0) ELSE m.attempts END,
            last_error = CASE WHEN g.verdict = 'retry' THEN coalesce(g.words, m.last_error) ELSE m.last_error END,
            visible_at = ",
    now!(),
    " + g.delay,
            dead_at = CASE WHEN g.verdict = 'dead' OR g.verdict = 'retry' AND m.attempts >= $7 THEN ",
    now!(),
    " END,
            dead_reason = CASE WHEN g.verdict = 'dead' THEN g.words
                               WHEN g.verdict = 'retry' AND m.attempts >= $7 THEN $8 END
        FROM given AS g
        WHERE g.verdict <> 'ack' AND m.seq = g.seq AND m.lease = g.lease
            AND m.queue = $1 AND m.leased AND m.dead_at IS NULL
        RETURNING m.seq, g.lease, g.verdict = 'retry' AND m.dead_at IS NOT NULL AS exhausted, pg_notify($9, '')::text
    )
    SELECT seq, lease, exhausted FROM gone UNION ALL SELECT seq, lease, exhausted FROM back"
);
const EXTEND: &str = concat!(
    "UPDATE queue_message SET visible_at = greatest(visible_at, ",
    now!(),
    " + $4)
     WHERE seq = $2 AND lease = $3 AND queue = $1 AND leased AND dead_at IS NULL RETURNING visible_at"
);

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
        Outcome::Release => ("release", 0, None),
    }
}

fn delivery(row: &Row) -> Delivery {
    let lease = Lease::new(id_of(row.get(0)), row.get::<_, i64>(1).to_string()).expires_at(row.get(4));
    let attempt = u32::try_from(row.get::<_, i32>(2)).unwrap_or(0);
    Delivery::from_envelope(lease, Some(attempt), row.get(3), row.get::<_, &str>(5).as_bytes())
}

/// The server's LIMIT is signed.
pub(super) fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn token_of(lease: &Lease) -> Option<(i64, i64)> {
    Some((seq_of(lease.id())?, lease.token().parse().ok()?))
}

pub(super) fn seq_of(id: &MessageId) -> Option<i64> {
    id.as_str().parse().ok()
}

pub(super) fn id_of(seq: i64) -> MessageId {
    MessageId::new(seq.to_string())
}

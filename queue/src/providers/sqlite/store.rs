//! Every statement, on the writer's thread.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::Duration,
};

use rusqlite::{
    CachedStatement, Connection, OptionalExtension, named_params, params,
    types::{ToSqlOutput, ValueRef},
};

use crate::{
    Clock, DeadLetter, Delivery, Lease, Message, MessageId, Outcome, Settled, Settlement, clock::millis,
    delivery::Content, envelope, error::bounded, limits::Settings,
};

pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) queue: i64,
    settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
    /// Why the transaction of this group cannot go on.
    broken: RefCell<Option<Arc<rusqlite::Error>>>,
    /// Something became due, or will.
    pub(super) changed: Cell<bool>,
}

/// What a lease that counts finds.
macro_rules! held {
    () => {
        "seq = :seq AND queue = :queue AND lease = :lease AND leased = 1 AND dead_at IS NULL"
    };
}

const SEND: &str = "INSERT INTO queue_message (queue, envelope, visible_at, enqueued_at) VALUES (?1, ?2, ?3, ?4)";
const ACK: &str = concat!("DELETE FROM queue_message WHERE ", held!());
const BURY: &str = concat!(
    "UPDATE queue_message SET lease = lease + 1, leased = 0, dead_at = :now, dead_reason = :reason WHERE ",
    held!()
);
const RELEASE: &str = concat!(
    "UPDATE queue_message SET lease = lease + 1, leased = 0, visible_at = :due, attempts = max(attempts - 1, 0) WHERE ",
    held!()
);
const RETRY: &str = concat!(
    "UPDATE queue_message SET lease = lease + 1, leased = 0, visible_at = :due,
        last_error = coalesce(:error, last_error),
        dead_at = iif(attempts < :max_attempts, NULL, :now),
        dead_reason = iif(attempts < :max_attempts, NULL, :reason)
     WHERE ",
    held!(),
    " RETURNING dead_at IS NOT NULL"
);
const EXTEND: &str = concat!(
    "UPDATE queue_message SET visible_at = max(visible_at, :until) WHERE ",
    held!(),
    " RETURNING visible_at"
);

impl Store {
    pub(super) fn new(connection: Connection, queue: i64, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self {
            connection,
            queue,
            settings,
            clock,
            broken: RefCell::default(),
            changed: Cell::default(),
        }
    }

    pub(super) fn take_changed(&self) -> bool {
        self.changed.take()
    }

    /// Runs `work` in the group's transaction; what it did is undone when it fails.
    pub(super) fn write<T>(&self, work: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        if let Some(error) = &*self.broken.borrow() {
            return Err(repeated(error));
        }
        if self.connection.is_autocommit()
            && let Err(error) = self.run("BEGIN IMMEDIATE")
        {
            // The others of the group would only wait for the same lock.
            return Err(self.break_off(error));
        }
        self.run("SAVEPOINT job")?;
        let result = work();
        if result.is_ok() {
            self.run("RELEASE job")?;
        } else if self.connection.is_autocommit() {
            // A full disk makes SQLite roll back everything; the earlier jobs of the group are gone too.
            return result.map_err(|error| self.break_off(error));
        } else {
            self.run("ROLLBACK TO job")?;
            self.run("RELEASE job")?;
        }
        result
    }

    /// Ends the group's transaction, if one was begun.
    pub(super) fn commit(&self) -> Result<(), Arc<rusqlite::Error>> {
        let broken = self.broken.take();
        if self.connection.is_autocommit() {
            return broken.map_or(Ok(()), Err);
        }
        self.run("COMMIT").map_err(|error| {
            if !self.connection.is_autocommit()
                && let Err(error) = self.run("ROLLBACK")
            {
                tracing::error!(%error, "a failed transaction does not roll back");
            }
            Arc::new(error)
        })
    }

    fn break_off(&self, error: rusqlite::Error) -> rusqlite::Error {
        let again = repeated(&error);
        self.broken.replace(Some(Arc::new(error)));
        again
    }

    fn run(&self, statement: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute([]).map(|_| ())
    }

    pub(super) fn send(&self, messages: &[Message]) -> rusqlite::Result<Vec<MessageId>> {
        let now = self.clock.now_ms();
        self.changed.set(true);
        // Found once for the whole batch, and one buffer: what is done per message is what a message costs.
        let mut insert = self.connection.prepare_cached(SEND)?;
        let mut envelope = Vec::new();
        let send = |message| self.send_one(now, &mut insert, &mut envelope, message);
        messages.iter().map(send).collect()
    }

    fn send_one(
        &self,
        now: i64,
        insert: &mut CachedStatement<'_>,
        envelope: &mut Vec<u8>,
        message: &Message,
    ) -> rusqlite::Result<MessageId> {
        if let Some(key) = &message.idempotency_key {
            // A few at a time, so that no single send pays for a day's keys.
            let forget = "DELETE FROM queue_key WHERE (queue, key) IN
                (SELECT queue, key FROM queue_key WHERE queue = ?1 AND expires_at <= ?2 LIMIT 8)";
            self.connection
                .prepare_cached(forget)?
                .execute(params![self.queue, now])?;
            let find = "SELECT seq FROM queue_key WHERE queue = ?1 AND key = ?2 AND expires_at > ?3";
            let mut find = self.connection.prepare_cached(find)?;
            if let Some(seq) = find
                .query_row(params![self.queue, key, now], |row| row.get(0))
                .optional()?
            {
                return Ok(id_of(seq));
            }
        }
        let due = now.saturating_add(millis(message.delay));
        envelope.clear();
        envelope::encode_into(envelope, message, now);
        let text = ValueRef::Text(envelope);
        let seq = insert.insert(params![self.queue, ToSqlOutput::Borrowed(text), due, now])?;
        if let Some(key) = &message.idempotency_key {
            let remember = "INSERT OR REPLACE INTO queue_key (queue, key, seq, expires_at) VALUES (?1, ?2, ?3, ?4)";
            let expires = now.saturating_add(millis(self.settings.idempotency_ttl));
            self.connection
                .prepare_cached(remember)?
                .execute(params![self.queue, key, seq, expires])?;
        }
        Ok(id_of(seq))
    }

    /// Leases what is due; also says when the next message is. Takes the write lock only when something is due.
    pub(super) fn reserve(&self, max: usize) -> rusqlite::Result<(Vec<Delivery>, Option<i64>)> {
        loop {
            if self.is_paused()? {
                return Ok((Vec::new(), None));
            }
            let now = self.clock.now_ms();
            let (due, suspect) = match self.next_due()? {
                None => return Ok((Vec::new(), None)),
                Some(next) => next,
            };
            if due > now {
                return Ok((Vec::new(), Some(due)));
            }
            // What was leased and is due again may have killed who had it: it comes alone.
            let max = if suspect { 1 } else { max };
            let deliveries = self.write(|| self.lease_due(now, suspect, max))?;
            // All of them may have been out of attempts; there may be more behind.
            if !deliveries.is_empty() {
                return Ok((deliveries, None));
            }
        }
    }

    /// When the next message is due, and whether it is leased.
    pub(super) fn next_due(&self) -> rusqlite::Result<Option<(i64, bool)>> {
        let next = "SELECT visible_at, leased FROM queue_message WHERE queue = ?1 AND dead_at IS NULL
            ORDER BY visible_at, seq LIMIT 1";
        self.connection
            .prepare_cached(next)?
            .query_row([self.queue], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }

    fn lease_due(&self, now: i64, suspect: bool, max: usize) -> rusqlite::Result<Vec<Delivery>> {
        let reserve = "UPDATE queue_message SET
                lease = lease + 1,
                last_error = iif(leased = 1, :no_verdict, last_error),
                leased = attempts < :max_attempts,
                visible_at = iif(attempts < :max_attempts, :until, visible_at),
                dead_at = iif(attempts < :max_attempts, NULL, :now),
                dead_reason = iif(attempts < :max_attempts, NULL, :reason),
                attempts = attempts + (attempts < :max_attempts)
            WHERE seq IN (SELECT seq FROM queue_message WHERE queue = :queue AND dead_at IS NULL AND visible_at <= :now
                              AND leased = :suspect ORDER BY visible_at, seq LIMIT :max)
            RETURNING seq, lease, attempts, enqueued_at, envelope, dead_at";
        let until = now.saturating_add(millis(self.settings.lease));
        let mut reserve = self.connection.prepare_cached(reserve)?;
        let mut rows = reserve.query(named_params! {
            ":max_attempts": self.settings.max_attempts,
            ":until": until,
            ":now": now,
            ":reason": DeadLetter::MAX_ATTEMPTS,
            ":no_verdict": DeadLetter::NO_VERDICT,
            ":queue": self.queue,
            ":suspect": suspect,
            ":max": count(max),
        })?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            if row.get::<_, Option<i64>>(5)?.is_some() {
                continue;
            }
            let seq: i64 = row.get(0)?;
            let lease = Lease::of_number(id_of(seq), row.get::<_, i64>(1)?.unsigned_abs()).expires_at(until);
            let content = Content::decode(row.get_ref(4)?.as_bytes()?);
            due.push((
                seq,
                Delivery::with_content(lease, Some(row.get(2)?), row.get(3)?, content),
            ));
        }
        // SQLite promises no order of RETURNING.
        due.sort_unstable_by_key(|(seq, _)| *seq);
        Ok(due.into_iter().map(|(_, delivery)| delivery).collect())
    }

    pub(super) fn settle(&self, settlements: &[Settlement]) -> rusqlite::Result<Vec<Settled>> {
        let now = self.clock.now_ms();
        let mut ack = self.connection.prepare_cached(ACK)?;
        let settle = |settlement| self.settle_one(now, &mut ack, settlement);
        settlements.iter().map(settle).collect()
    }

    fn settle_one(
        &self,
        now: i64,
        ack: &mut CachedStatement<'_>,
        settlement: &Settlement,
    ) -> rusqlite::Result<Settled> {
        let Some((seq, lease)) = token_of(&settlement.lease) else {
            return Ok(Settled::Stale);
        };
        let queue = self.queue;
        let applied = match &settlement.verdict {
            Outcome::Ack => {
                // In the order in which the statement names them.
                ack.execute(params![seq, queue, lease])?
            }
            Outcome::DeadLetter { reason } => self.connection.prepare_cached(BURY)?.execute(named_params! {
                ":seq": seq, ":queue": queue, ":lease": lease, ":now": now, ":reason": bounded(reason),
            })?,
            Outcome::Release | Outcome::Snooze { .. } => {
                self.changed.set(true);
                let due = now.saturating_add(millis(settlement.verdict.snooze()));
                self.connection.prepare_cached(RELEASE)?.execute(named_params! {
                    ":seq": seq, ":queue": queue, ":lease": lease, ":due": due,
                })?
            }
            Outcome::Retry { after, error } => {
                self.changed.set(true);
                let mut retry = self.connection.prepare_cached(RETRY)?;
                let arguments = named_params! {
                    ":seq": seq, ":queue": queue, ":lease": lease, ":now": now,
                    ":due": self.settings.retry_at(now, *after),
                    ":error": error.as_deref().map(bounded),
                    ":max_attempts": self.settings.max_attempts,
                    ":reason": DeadLetter::MAX_ATTEMPTS,
                };
                match retry.query_row(arguments, |row| row.get(0)).optional()? {
                    Some(true) => return Ok(Settled::Exhausted),
                    Some(false) => 1,
                    None => 0,
                }
            }
        };
        Ok(if applied == 0 { Settled::Stale } else { Settled::Done })
    }

    pub(super) fn release_leases(&self) -> rusqlite::Result<()> {
        self.changed.set(true);
        let release = "UPDATE queue_message SET lease = lease + 1, leased = 0, visible_at = min(visible_at, ?2),
                last_error = ?3 WHERE queue = ?1 AND leased = 1 AND dead_at IS NULL";
        let arguments = params![self.queue, self.clock.now_ms(), DeadLetter::NO_VERDICT];
        self.connection.prepare_cached(release)?.execute(arguments)?;
        Ok(())
    }

    pub(super) fn extend(&self, lease: &Lease, by: Duration) -> rusqlite::Result<Option<Lease>> {
        let Some((seq, token)) = token_of(lease) else {
            return Ok(None);
        };
        let until = self.clock.now_ms().saturating_add(millis(by));
        let held = named_params! { ":seq": seq, ":queue": self.queue, ":lease": token, ":until": until };
        let end = self
            .connection
            .prepare_cached(EXTEND)?
            .query_row(held, |row| row.get(0))
            .optional()?;
        Ok(end.map(|end| lease.clone().expires_at(end)))
    }
}

fn repeated(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => rusqlite::Error::SqliteFailure(*code, message.clone()),
        other => rusqlite::Error::ToSqlConversionFailure(other.to_string().into()),
    }
}

/// SQLite's LIMIT is signed.
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

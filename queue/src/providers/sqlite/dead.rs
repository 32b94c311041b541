//! The statements on dead letters, and the counts.

use rusqlite::{Row, named_params};

use super::store::{Store, count, id_of, seq_of};
use crate::{DeadLetter, DeadLetterFilter, Depth, Message, MessageId, clock::until, envelope};

const DEAD: &str = "queue = :queue AND dead_at IS NOT NULL AND seq > :after
    AND (:reason IS NULL OR instr(dead_reason, :reason) > 0)
    AND (:before IS NULL OR dead_at < :before)
    AND (:ids IS NULL OR seq IN (SELECT value FROM json_each(:ids)))
    ORDER BY seq LIMIT :limit";

impl Store {
    pub(super) fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&MessageId>,
        limit: usize,
    ) -> rusqlite::Result<Vec<DeadLetter>> {
        let list = format!(
            "SELECT seq, envelope, attempts, enqueued_at, last_error, dead_at, dead_reason
             FROM queue_message WHERE {DEAD}"
        );
        let after = after.map_or(0, |id| seq_of(id).unwrap_or(i64::MAX));
        self.dead(&list, filter, after, limit, letter)
    }

    pub(super) fn dead_ids(&self, filter: &DeadLetterFilter) -> rusqlite::Result<Vec<MessageId>> {
        let list = format!("SELECT seq FROM queue_message WHERE {DEAD}");
        self.dead(&list, filter, 0, usize::MAX, |row| Ok(id_of(row.get(0)?)))
    }

    pub(super) fn redrive(&self, filter: &DeadLetterFilter) -> rusqlite::Result<Vec<MessageId>> {
        self.changed.set(true);
        let now = self.clock.now_ms();
        let redrive = format!(
            "UPDATE queue_message SET dead_at = NULL, dead_reason = NULL, attempts = 0, visible_at = {now}
             WHERE seq IN (SELECT seq FROM queue_message WHERE {DEAD}) RETURNING seq"
        );
        self.dead_and_sorted(&redrive, filter)
    }

    pub(super) fn discard(&self, filter: &DeadLetterFilter) -> rusqlite::Result<Vec<MessageId>> {
        let discard = format!(
            "DELETE FROM queue_message WHERE seq IN (SELECT seq FROM queue_message WHERE {DEAD}) RETURNING seq"
        );
        self.dead_and_sorted(&discard, filter)
    }

    fn dead_and_sorted(&self, statement: &str, filter: &DeadLetterFilter) -> rusqlite::Result<Vec<MessageId>> {
        let mut seqs = self.dead(statement, filter, 0, usize::MAX, |row| row.get::<_, i64>(0))?;
        seqs.sort_unstable();
        Ok(seqs.into_iter().map(id_of).collect())
    }

    fn dead<T>(
        &self,
        statement: &str,
        filter: &DeadLetterFilter,
        after: i64,
        limit: usize,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let ids = filter.ids.as_ref().map(|ids| {
            let seqs: Vec<String> = ids.iter().filter_map(seq_of).map(|seq| seq.to_string()).collect();
            format!("[{}]", seqs.join(","))
        });
        let arguments = named_params! {
            ":queue": self.queue,
            ":after": after,
            ":reason": filter.reason_contains,
            ":before": filter.dead_before_ms,
            ":ids": ids,
            ":limit": count(limit.min(filter.limit.unwrap_or(usize::MAX))),
        };
        // Not cached: rare, and `redrive` holds its time.
        let mut statement = self.connection.prepare(statement)?;
        statement.query_map(arguments, read)?.collect()
    }

    pub(super) fn depth(&self) -> rusqlite::Result<Depth> {
        let now = self.clock.now_ms();
        let depth = "SELECT
                count(*) FILTER (WHERE dead_at IS NULL AND visible_at <= ?2),
                count(*) FILTER (WHERE dead_at IS NULL AND visible_at > ?2 AND leased = 0),
                count(*) FILTER (WHERE dead_at IS NULL AND visible_at > ?2 AND leased = 1),
                count(*) FILTER (WHERE dead_at IS NOT NULL)
            FROM queue_message WHERE queue = ?1";
        let mut depth = self
            .connection
            .prepare_cached(depth)?
            .query_row([self.queue, now], |row| {
                let (ready, delayed, leased, dead) =
                    (number(row, 0)?, number(row, 1)?, number(row, 2)?, number(row, 3)?);
                Ok(Depth {
                    ready,
                    delayed,
                    leased,
                    dead,
                    oldest_age: None,
                })
            })?;
        let next = self.next_due()?.map(|(due, _)| due);
        depth.oldest_age = next.filter(|due| *due <= now).map(|due| until(due, now));
        Ok(depth)
    }
}

fn letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let raw = row.get_ref(1)?.as_bytes()?;
    let message = envelope::decode(raw).unwrap_or_else(|_| Message::new(raw));
    let (body, headers) = message.into_parts();
    Ok(DeadLetter {
        headers,
        attempts: row.get(2)?,
        last_error: row.get(4)?,
        ..DeadLetter::new(id_of(row.get(0)?), body, row.get(6)?, row.get(3)?, row.get(5)?)
    })
}

/// A count, which SQLite keeps signed.
fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

//! The statements of an operator: looking, emptying, pausing.

use rusqlite::params;

use super::store::{Store, count, id_of};
use crate::Peeked;

impl Store {
    pub(super) fn is_paused(&self) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached("SELECT paused FROM queue_name WHERE id = ?1")?
            .query_row([self.queue], |row| row.get(0))
    }

    pub(super) fn set_paused(&self, paused: bool) -> rusqlite::Result<()> {
        self.changed.set(true);
        let set = "UPDATE queue_name SET paused = ?2 WHERE id = ?1";
        self.connection
            .prepare_cached(set)?
            .execute(params![self.queue, paused])?;
        Ok(())
    }

    pub(super) fn purge(&self) -> rusqlite::Result<usize> {
        let purge = "DELETE FROM queue_message WHERE queue = ?1 AND dead_at IS NULL";
        self.connection.prepare_cached(purge)?.execute([self.queue])
    }

    pub(super) fn peek(&self, limit: usize) -> rusqlite::Result<Vec<Peeked>> {
        let peek = "SELECT seq, enqueued_at, envelope, attempts, visible_at FROM queue_message
            WHERE queue = ?1 AND dead_at IS NULL AND (leased = 0 OR visible_at <= ?2)
            ORDER BY visible_at, seq LIMIT ?3";
        let arguments = params![self.queue, self.clock.now_ms(), count(limit)];
        let mut peek = self.connection.prepare_cached(peek)?;
        let rows = peek.query_map(arguments, |row| {
            let raw = row.get_ref(2)?.as_bytes()?;
            Ok(Peeked {
                attempts: Some(row.get(3)?),
                due_ms: Some(row.get(4)?),
                ..Peeked::from_envelope(id_of(row.get(0)?), row.get(1)?, raw)
            })
        })?;
        rows.collect()
    }
}

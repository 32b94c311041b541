//! The statements of an operator: looking, emptying, pausing.

use async_trait::async_trait;

use super::{
    PostgresQueue,
    error::Intent,
    sql::now,
    store::{count, id_of},
};
use crate::{Admin, Peeked, Result, admin::MAX_PEEK};

const PEEK: &str = concat!(
    "SELECT seq, enqueued_at, envelope, attempts, visible_at FROM queue_message
     WHERE queue = $1 AND dead_at IS NULL AND (NOT leased OR visible_at <= ",
    now!(),
    ") ORDER BY visible_at, seq LIMIT $2"
);
const PURGE: &str = "DELETE FROM queue_message WHERE queue = $1 AND dead_at IS NULL RETURNING 1";
const PAUSE: &str = "UPDATE queue_name SET paused = $2 WHERE id = $1 RETURNING pg_notify($3, '')::text";

impl PostgresQueue {
    async fn set_paused(&self, paused: bool) -> Result<()> {
        let inner = &self.0;
        // Done twice it is done once.
        let arguments: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&inner.queue, &paused, &inner.channel];
        inner.query(Intent::Read, PAUSE, &arguments).await.map(|_| ())
    }
}

#[async_trait]
impl Admin for PostgresQueue {
    async fn peek(&self, limit: usize) -> Result<Vec<Peeked>> {
        let limit = count(limit.min(MAX_PEEK));
        let rows = self.0.query(Intent::Read, PEEK, &[&self.0.queue, &limit]).await?;
        let peeked = rows.iter().map(|row| Peeked {
            attempts: u32::try_from(row.get::<_, i32>(3)).ok(),
            due_ms: Some(row.get(4)),
            ..Peeked::from_envelope(id_of(row.get(0)), row.get(1), row.get::<_, &str>(2).as_bytes())
        });
        Ok(peeked.collect())
    }

    async fn purge(&self) -> Result<Option<u64>> {
        let rows = self.0.query(Intent::Write, PURGE, &[&self.0.queue]).await?;
        Ok(Some(rows.len() as u64))
    }

    async fn pause(&self) -> Result<()> {
        self.set_paused(true).await
    }

    async fn resume(&self) -> Result<()> {
        self.set_paused(false).await
    }
}

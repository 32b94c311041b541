//! `SqliteQueue` beside the least that does the same by hand: lease and ack in batches, one file, synced commits.

use std::time::Duration;

use meter::Meter;
use presswork_queue::{Consumer, Message, Outcome, Queue, Settle, Settlement, SqliteQueue};

use crate::{BATCH, body};

struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("presswork-bench-queue-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn raw(n: u64) {
    let folder = Folder::new();
    let connection = rusqlite::Connection::open(folder.0.join("queue.db")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE message (id INTEGER PRIMARY KEY, due INTEGER NOT NULL, lease INTEGER NOT NULL DEFAULT 0,
                 attempts INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL);
             CREATE INDEX message_due ON message (due);",
        )
        .unwrap();
    let meter = Meter::start();
    for batch in 0..n / BATCH {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..BATCH {
            let mut insert = connection
                .prepare_cached("INSERT INTO message (due, body) VALUES (?1, ?2)")
                .unwrap();
            insert.execute((batch as i64, body())).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
        let mut take = connection
            .prepare_cached(
                "UPDATE message SET due = ?1, lease = lease + 1, attempts = attempts + 1 WHERE id IN \
                 (SELECT id FROM message WHERE due <= ?2 ORDER BY due LIMIT ?3) RETURNING id, lease, attempts, body",
            )
            .unwrap();
        let rows = take.query_map((batch as i64 + 30_000_000, batch as i64, BATCH as i64), |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, Vec<u8>>(3)?,
            ))
        });
        let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len() as u64, BATCH);
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        for (id, lease, ..) in &rows {
            let mut ack = connection
                .prepare_cached("DELETE FROM message WHERE id = ?1 AND lease = ?2")
                .unwrap();
            ack.execute((id, lease)).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
    }
    meter.per(n).print();
}

pub async fn own(n: u64) {
    let folder = Folder::new();
    let queue = SqliteQueue::open(folder.0.join("queue.db")).unwrap();
    let meter = Meter::start();
    for _ in 0..n / BATCH {
        let messages: Vec<_> = (0..BATCH).map(|_| Message::new(body())).collect();
        queue.send_batch(&messages).await.unwrap();
        let deliveries = queue.receive(BATCH as usize, Duration::ZERO).await.unwrap();
        assert_eq!(deliveries.len() as u64, BATCH);
        let acks: Vec<_> = deliveries
            .iter()
            .map(|delivery| Settlement::new(delivery.lease().clone(), Outcome::Ack))
            .collect();
        queue.settle(&acks).await.unwrap();
    }
    meter.per(n).print();
}

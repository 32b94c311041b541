//! `PostgresQueue` beside the least that does the same by hand on the same driver: `SKIP LOCKED` in batches, one round
//! trip per step.

use std::time::{Duration, Instant};

use presswork_queue::{Consumer, Message, Outcome, PostgresQueue, Queue, Settle, Settlement};
use tokio_postgres::NoTls;

use crate::{BATCH, body, rates};

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(async move { connection.await.unwrap() });
    client
}

pub async fn raw(url: &str, n: u64) {
    let client = connect(url).await;
    client
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS message (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, due BIGINT NOT NULL,
                 lease BIGINT NOT NULL DEFAULT 0, attempts INT NOT NULL DEFAULT 0, body TEXT NOT NULL) WITH (fillfactor = 70);
             CREATE INDEX IF NOT EXISTS message_due ON message (due);
             TRUNCATE message",
        )
        .await
        .unwrap();
    let text = String::from_utf8(body()).unwrap();
    let insert = client
        .prepare("INSERT INTO message (due, body) SELECT 0, * FROM unnest($1::text[])")
        .await
        .unwrap();
    let take = client
        .prepare(
            "WITH next AS (SELECT id FROM message WHERE due <= 0 ORDER BY due, id LIMIT $1 FOR UPDATE SKIP LOCKED)
             UPDATE message AS m SET due = 30000, lease = lease + 1, attempts = attempts + 1 FROM next
             WHERE m.id = next.id RETURNING m.id, m.lease, m.attempts, m.body",
        )
        .await
        .unwrap();
    let ack = client
        .prepare(
            "DELETE FROM message AS m USING unnest($1::bigint[], $2::bigint[]) AS g (id, lease)
             WHERE m.id = g.id AND m.lease = g.lease",
        )
        .await
        .unwrap();
    let start = Instant::now();
    for _ in 0..n / BATCH {
        let texts = vec![text.clone(); BATCH as usize];
        client.execute(&insert, &[&texts]).await.unwrap();
    }
    let sent = start.elapsed();
    let start = Instant::now();
    for _ in 0..n / BATCH {
        let rows = client.query(&take, &[&(BATCH as i64)]).await.unwrap();
        assert_eq!(rows.len() as u64, BATCH);
        let bodies: Vec<String> = rows.iter().map(|row| row.get(3)).collect();
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        let leases: Vec<i64> = rows.iter().map(|row| row.get(1)).collect();
        std::hint::black_box(bodies);
        assert_eq!(client.execute(&ack, &[&ids, &leases]).await.unwrap(), BATCH);
    }
    rates(n, sent, start.elapsed());
}

pub async fn own(url: &str, n: u64) {
    let queue = PostgresQueue::connect(url).name("bench").build().await.unwrap();
    let start = Instant::now();
    for _ in 0..n / BATCH {
        let messages: Vec<_> = (0..BATCH).map(|_| Message::new(body())).collect();
        queue.send_batch(&messages).await.unwrap();
    }
    let sent = start.elapsed();
    let start = Instant::now();
    for _ in 0..n / BATCH {
        let deliveries = queue.receive(BATCH as usize, Duration::ZERO).await.unwrap();
        assert_eq!(deliveries.len() as u64, BATCH);
        let acks: Vec<_> = deliveries
            .iter()
            .map(|delivery| Settlement::new(delivery.lease().clone(), Outcome::Ack))
            .collect();
        queue.settle(&acks).await.unwrap();
    }
    rates(n, sent, start.elapsed());
}

//! A full disk, played by a bound on the pages of the file.

use std::time::Duration;

use futures_util::future::{join, join_all, join3};

use super::{SqliteQueue, schema};
use crate::{Consumer, Error, Inspect, Message, Outcome, Queue, Settle, Settled, Settlement};

fn bounded_queue(folder: &tempfile::TempDir, pages: u32) -> SqliteQueue {
    let path = folder.path().join("queue.db");
    let (connection, queue) = schema::open(&path, "default", Duration::from_secs(1)).unwrap();
    connection
        .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        .unwrap();
    SqliteQueue::builder(&path).start(connection, queue).unwrap()
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let queue = bounded_queue(&folder, 60);
    let message = Message::new("x".repeat(10_000));
    let mut stored = 0;
    let error = loop {
        match queue.send(&message).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(stored > 3);
    assert!(matches!(error, Error::Full { .. }) && error.is_retryable(), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("queue.db") && text.contains("make room"), "{text}");

    // Those that fit go in, those that do not leave them alone, though they share transactions.
    let small = Message::new("y");
    let mixed: Vec<_> = (0..20).map(|n| if n % 2 == 0 { &message } else { &small }).collect();
    let results = join_all(mixed.iter().map(|message| queue.send(message))).await;
    for (message, result) in mixed.iter().zip(&results) {
        assert!(
            message.body().len() == 1 || matches!(result, Err(Error::Full { .. })),
            "{result:?}"
        );
    }
    stored += results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(
        queue.depth().await.unwrap().ready,
        stored as u64,
        "what was promised is there, and nothing else"
    );

    // A batch that runs full half-way leaves nothing, though a neighbour of its transaction is kept.
    let batch = [
        small.clone(),
        small.clone(),
        message.clone(),
        message.clone(),
        message.clone(),
    ];
    let (half, kept) = join(queue.send_batch(&batch), queue.send(&small)).await;
    assert!(matches!(half, Err(Error::Full { .. })), "{half:?}");
    stored += usize::from(kept.is_ok());
    assert_eq!(queue.depth().await.unwrap().ready, stored as u64);

    // Consuming makes the room.
    let deliveries = queue.receive(100, Duration::ZERO).await.unwrap();
    assert_eq!(deliveries.len(), stored);
    let acks: Vec<_> = deliveries
        .iter()
        .map(|one| Settlement::new(one.lease().clone(), Outcome::Ack))
        .collect();
    assert!(
        queue
            .settle(&acks)
            .await
            .unwrap()
            .iter()
            .all(|settled| *settled == Settled::Done)
    );
    queue.send(&message).await.unwrap();
}

#[tokio::test]
async fn a_failed_job_is_undone_and_its_neighbours_stay() {
    let folder = tempfile::tempdir().unwrap();
    let queue = SqliteQueue::open(folder.path().join("queue.db")).unwrap();
    let message = Message::new("x");
    let failing = queue.write(|store| {
        store.send(&vec![Message::new("half"); 2])?;
        Err::<(), _>(rusqlite::Error::InvalidQuery)
    });
    let (before, failed, after) = join3(queue.send(&message), failing, queue.send(&message)).await;
    assert!(matches!(failed, Err(Error::Storage { .. })), "{failed:?}");
    assert!(before.is_ok() && after.is_ok());
    assert_eq!(queue.depth().await.unwrap().ready, 2);
}

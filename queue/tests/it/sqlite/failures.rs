//! What goes wrong with files, and what the errors say.

use std::{fs, time::Duration};

use futures_util::FutureExt;
use presswork_queue::{
    Consumer, DeadLetterFilter, DeadLetters, Delivery, Error, Inspect, Message, Outcome, Queue, Settle, Settled,
    Settlement, SqliteQueue,
};

use super::{at, connect, file};

fn says(error: &Error, path: &std::path::Path, advice: &str) {
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    assert!(text.contains(advice), "{text}");
    assert!(text.len() <= 600, "{text}");
    assert!(std::error::Error::source(error).is_some(), "{text}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(file(&folder), "garbage ".repeat(1_000)).unwrap();
    let error = at(&folder).build().unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    says(&error, &file(&folder), "not a SQLite database");
    assert!(!error.is_retryable());
    assert_eq!(fs::read_to_string(file(&folder)).unwrap(), "garbage ".repeat(1_000));
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("queue.db");
    let error = SqliteQueue::open(&path).unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error:?}");
    says(&error, &path, "its folder must exist");
}

#[test]
fn settings_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    for builder in [
        at(&folder).lease(Duration::ZERO),
        at(&folder).max_attempts(0),
        at(&folder).idempotency_ttl(Duration::ZERO),
        at(&folder).name(""),
        at(&folder).name("n".repeat(201)),
        at(&folder).busy_timeout(Duration::from_secs(7200)),
        SqliteQueue::builder(":memory:"),
        SqliteQueue::builder(""),
    ] {
        assert!(
            matches!(builder.clone().build(), Err(Error::Config { .. })),
            "{builder:?}"
        );
    }
    assert!(!file(&folder).exists(), "a refused setting makes no file");
}

#[tokio::test]
async fn a_read_only_database_says_so() {
    let folder = tempfile::tempdir().unwrap();
    drop(at(&folder).build().unwrap());
    // A write version above 2 makes SQLite treat the file as read-only, for root as well:
    // https://www.sqlite.org/fileformat.html#file_format_version_numbers
    let mut bytes = fs::read(file(&folder)).unwrap();
    bytes[18] = 3;
    fs::write(file(&folder), bytes).unwrap();
    let queue = at(&folder).build().unwrap();
    let error = queue.send(&Message::new("x")).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    says(&error, &file(&folder), "read-only");
    assert!(
        queue.receive(1, Duration::ZERO).await.unwrap().is_empty(),
        "looking still works"
    );
}

#[tokio::test]
async fn a_locked_database_is_retryable() {
    let folder = tempfile::tempdir().unwrap();
    let queue = at(&folder).busy_timeout(Duration::from_millis(30)).build().unwrap();
    let other = connect(&file(&folder));
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let messages = vec![Message::new("x"); 20];
    let sends = futures_util::future::join_all(messages.iter().map(|message| queue.send(message))).await;
    for error in sends.into_iter().map(Result::unwrap_err) {
        assert!(
            matches!(error, Error::Locked { .. }) && error.is_retryable(),
            "{error:?}"
        );
        says(&error, &file(&folder), "another program holds the database");
    }
    assert!(
        queue.receive(1, Duration::ZERO).await.unwrap().is_empty(),
        "an idle consumer takes no lock"
    );
    other.execute_batch("ROLLBACK").unwrap();
    queue.send(&messages[0]).await.unwrap();
    assert_eq!(
        queue.depth().await.unwrap().ready,
        1,
        "nothing of the refused was stored"
    );
}

#[test]
fn newer_tables_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(at(&folder).build().unwrap());
    connect(&file(&folder))
        .execute("UPDATE queue_schema SET version = 99", [])
        .unwrap();
    let error = at(&folder).build().unwrap_err();
    assert!(
        matches!(&error, Error::Config { message, .. } if message.contains("version 99")),
        "{error:?}"
    );
}

#[test]
fn many_may_open_a_fresh_file_at_once_and_share_it_with_other_tables() {
    let folder = tempfile::tempdir().unwrap();
    connect(&file(&folder))
        .execute_batch("CREATE TABLE mine (x); PRAGMA user_version = 7")
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| at(&folder).build().unwrap());
        }
    });
    let connection = connect(&file(&folder));
    let version: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    let queues: i64 = connection
        .query_row("SELECT count(*) FROM queue_name", [], |row| row.get(0))
        .unwrap();
    assert_eq!((version, queues), (7, 1));
}

#[tokio::test]
async fn damaged_text_stays_one_messages_problem() {
    let folder = tempfile::tempdir().unwrap();
    let queue = at(&folder).build().unwrap();
    queue.send(&Message::new("good")).await.unwrap();
    connect(&file(&folder))
        .execute(
            "INSERT INTO queue_message (queue, envelope, visible_at, enqueued_at) VALUES (1, CAST(x'ff00fe' AS TEXT), 0, 0)",
            [],
        )
        .unwrap();
    let deliveries = queue.receive(10, Duration::ZERO).await.unwrap();
    assert_eq!(deliveries.len(), 2);
    let bad: Vec<&Delivery> = deliveries
        .iter()
        .filter(|delivery| delivery.undecodable().is_some())
        .collect();
    assert_eq!((bad.len(), bad[0].body()), (1, &b"\xff\x00\xfe"[..]));
    queue
        .settle(&[Settlement::new(bad[0].lease().clone(), Outcome::dead_letter("damaged"))])
        .await
        .unwrap();
    let letters = queue.list(&DeadLetterFilter::all(), None, 10).await.unwrap();
    assert_eq!(letters[0].body, b"\xff\x00\xfe");
}

#[tokio::test]
async fn a_dropped_receive_gives_back_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let queue = at(&folder).build().unwrap();
    queue.send_batch(&vec![Message::new("x"); 10]).await.unwrap();
    for _ in 0..20 {
        assert!(
            queue.receive(10, Duration::ZERO).now_or_never().is_none(),
            "polled once and dropped"
        );
    }
    let deliveries = queue.receive(10, Duration::from_secs(5)).await.unwrap();
    assert_eq!(deliveries.len(), 10);
    assert!(
        deliveries.iter().all(|delivery| delivery.attempt() == Some(1)),
        "and counts no attempt"
    );
    let acks: Vec<_> = deliveries
        .iter()
        .map(|delivery| Settlement::new(delivery.lease().clone(), Outcome::Ack))
        .collect();
    assert_eq!(queue.settle(&acks).await.unwrap(), [Settled::Done; 10]);
}

#[tokio::test]
async fn nothing_prints_a_body() {
    let folder = tempfile::tempdir().unwrap();
    let queue = at(&folder).build().unwrap();
    let message = Message::new("s3cret-body").header("h", "s3cret-header");
    queue.send(&message).await.unwrap();
    let delivery = queue.receive(1, Duration::ZERO).await.unwrap().remove(0);
    let parse = delivery.json::<u8>().unwrap_err();
    queue
        .settle(&[Settlement::new(delivery.lease().clone(), Outcome::dead_letter("no"))])
        .await
        .unwrap();
    let letters = queue.list(&DeadLetterFilter::all(), None, 10).await.unwrap();
    let printed = format!("{message:?} {delivery:?} {parse:?} {parse} {letters:?} {queue:?}");
    assert!(!printed.contains("s3cret"), "{printed}");
}

#[tokio::test]
async fn an_idle_consumer_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let queue = at(&folder).build().unwrap();
    queue
        .send(&Message::new("later").delay(Duration::from_secs(3600)))
        .await
        .unwrap();
    let wal = folder.path().join("queue.db-wal");
    let written = || {
        let (file, wal) = (fs::metadata(file(&folder)).unwrap(), fs::metadata(&wal).unwrap());
        (file.modified().unwrap(), file.len(), wal.modified().unwrap(), wal.len())
    };
    let before = written();
    assert!(queue.receive(1, Duration::from_millis(700)).await.unwrap().is_empty());
    assert_eq!(written(), before);
}

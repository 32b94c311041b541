//! Several processes on one file: disjoint, woken, killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use presswork_queue::{
    Consumer, Inspect, Message, Outcome, Queue, Settle, Settlement, SqliteQueue, SqliteQueueBuilder,
};

use super::{at, connect, file};

const FOLDER: &str = "PRESSWORK_QUEUE_TEST_FOLDER";
const LEASE_MS: &str = "PRESSWORK_QUEUE_TEST_LEASE_MS";
const BATCH: usize = 5;
/// Long enough that a slow disk never ends it.
const LONG: Duration = Duration::from_secs(60);
/// Short enough to wait for after a kill.
const SHORT: Duration = Duration::from_millis(400);

fn set_up(builder: SqliteQueueBuilder, lease: Duration) -> SqliteQueue {
    // Enough attempts that no number of kills makes a dead letter.
    builder.lease(lease).max_attempts(1_000).build().unwrap()
}

/// A process that consumes until nothing came for a second; each delivery is a line of its log.
fn spawn(folder: &Path, lease: Duration) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::processes::child", "--nocapture"])
        .env(FOLDER, folder)
        .env(LEASE_MS, lease.as_millis().to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// What `spawn` runs; as a test of its own it does nothing.
#[tokio::test]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let lease = std::env::var(LEASE_MS)
        .unwrap()
        .parse()
        .map(Duration::from_millis)
        .unwrap();
    let queue = set_up(SqliteQueue::builder(folder.join("queue.db")), lease);
    let log = folder.join(format!("log-{}", std::process::id()));
    let mut log = OpenOptions::new().create(true).append(true).open(log).unwrap();
    loop {
        let deliveries = queue.receive(BATCH, Duration::from_secs(1)).await.unwrap();
        if deliveries.is_empty() {
            return;
        }
        for delivery in deliveries {
            // One write per line: a kill leaves whole lines.
            let line = format!("{} {}\n", delivery.json::<u32>().unwrap(), delivery.attempt().unwrap());
            log.write_all(line.as_bytes()).unwrap();
            queue
                .settle(&[Settlement::new(delivery.lease().clone(), Outcome::Ack)])
                .await
                .unwrap();
        }
    }
}

async fn send_numbers(queue: &SqliteQueue, count: u32) {
    let messages: Vec<_> = (0..count).map(|n| Message::json(&n).unwrap()).collect();
    for batch in messages.chunks(100) {
        queue.send_batch(batch).await.unwrap();
    }
}

/// (number, attempt) of each delivery of each process.
fn deliveries(folder: &Path) -> Vec<(u32, u32)> {
    let logs = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let logs = logs.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("log-"));
    let text: String = logs.map(|path| fs::read_to_string(path).unwrap()).collect();
    text.lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(number, attempt)| (number.parse().unwrap(), attempt.parse().unwrap()))
        .collect()
}

#[tokio::test]
async fn two_processes_are_disjoint() {
    let folder = tempfile::tempdir().unwrap();
    let queue = set_up(at(&folder), LONG);
    let mut children = [spawn(folder.path(), LONG), spawn(folder.path(), LONG)];
    send_numbers(&queue, 300).await;
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let delivered = deliveries(folder.path());
    let numbers: BTreeSet<_> = delivered.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers.len(), 300, "every message came");
    assert!(delivered.iter().all(|(_, attempt)| *attempt == 1), "and none twice");
    assert_eq!(delivered.len(), 300);
    assert_eq!(queue.depth().await.unwrap(), presswork_queue::Depth::default());
}

#[tokio::test]
async fn another_process_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (set_up(at(&folder), LONG), set_up(at(&folder), LONG));
    let started = std::time::Instant::now();
    let (received, ()) = futures_util::future::join(here.receive(1, Duration::from_secs(60)), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        there.send(&Message::new("x")).await.unwrap();
    })
    .await;
    assert_eq!(received.unwrap().len(), 1);
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn killed_consumers_lose_nothing() {
    const ROUNDS: usize = 20;
    const MESSAGES: u32 = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let queue = set_up(at(&folder), LONG);
    send_numbers(&queue, MESSAGES).await;
    for round in 0..ROUNDS {
        let before = deliveries(folder.path()).len();
        let mut child = spawn(folder.path(), SHORT);
        // Most are killed at work, every fourth while it starts.
        if round % 4 != 0 {
            let patience = std::time::Instant::now() + Duration::from_secs(30);
            while deliveries(folder.path()).len() <= before {
                assert!(std::time::Instant::now() < patience, "the process does not get to work");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        // The step shares no factor with the batch, so that kills fall on every point of it.
        tokio::time::sleep(Duration::from_micros((round as u64 * 3_700) % 23_000)).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let check: String = connect(&file(&folder))
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    tokio::time::sleep(SHORT + Duration::from_millis(50)).await;
    let mut last = BTreeMap::new();
    for (number, attempt) in deliveries(folder.path()) {
        let highest = last.entry(number).or_insert(attempt);
        *highest = attempt.max(*highest);
    }
    loop {
        let received = queue.receive(100, Duration::from_secs(1)).await.unwrap();
        if received.is_empty() {
            break;
        }
        let ack = |delivery: &presswork_queue::Delivery| Settlement::new(delivery.lease().clone(), Outcome::Ack);
        queue
            .settle(&received.iter().map(ack).collect::<Vec<_>>())
            .await
            .unwrap();
        for delivery in received {
            last.insert(delivery.json().unwrap(), delivery.attempt().unwrap());
        }
    }
    assert_eq!(last.len(), MESSAGES as usize, "every message was delivered");
    assert_eq!(
        queue.depth().await.unwrap(),
        presswork_queue::Depth::default(),
        "and settled"
    );
    let extra: u32 = last.values().map(|attempts| attempts - 1).sum();
    assert!(
        extra as usize <= ROUNDS * BATCH,
        "{extra} extra deliveries; a kill costs one for each message in hand"
    );
}

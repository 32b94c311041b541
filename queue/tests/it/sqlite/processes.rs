//! Several processes on one file: disjoint, woken, killed.

use std::time::Duration;

use presswork_queue::{Consumer, Message, Queue};

use super::{at, connect, file};
use crate::kills;

#[tokio::test]
async fn two_processes_are_disjoint() {
    let folder = tempfile::tempdir().unwrap();
    kills::two_processes_are_disjoint(file(&folder).to_str().unwrap()).await;
}

#[tokio::test]
async fn another_process_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (at(&folder).build().unwrap(), at(&folder).build().unwrap());
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
    let folder = tempfile::tempdir().unwrap();
    kills::killed_consumers_lose_nothing(file(&folder).to_str().unwrap()).await;
    let check: String = connect(&file(&folder))
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn poison_ends_as_a_dead_letter() {
    let folder = tempfile::tempdir().unwrap();
    kills::poison_ends_as_a_dead_letter(file(&folder).to_str().unwrap()).await;
}

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use apalis::prelude::*;
use apalis_redis::{Config, RedisStorage};

use crate::{BATCH, at_rate, body, percentiles, rates, took};

async fn open(url: &str, batch: u64) -> RedisStorage<String> {
    let connection = apalis_redis::connect(url).await.unwrap();
    RedisStorage::new(connection).with_config(Config::default().queue("bench").batch_size(batch as usize))
}

/// Works until `n` were handled; what each took when it carries its time.
async fn work(storage: RedisStorage<String>, n: u64, timed: bool) -> Vec<u64> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (enough, stop) = tokio::sync::oneshot::channel();
    let enough = Arc::new(Mutex::new(Some(enough)));
    let kept = Arc::clone(&seen);
    let handler = move |text: String| {
        let (seen, enough) = (Arc::clone(&kept), Arc::clone(&enough));
        async move {
            let mut seen = seen.lock().unwrap();
            seen.push(if timed { took(text.as_bytes()) } else { 0 });
            if seen.len() as u64 == n {
                enough.lock().unwrap().take().unwrap().send(()).unwrap();
            }
            Ok::<(), BoxDynError>(())
        }
    };
    let worker = WorkerBuilder::new("bench").backend(storage).build(handler);
    tokio::select! {
        ended = worker.run() => panic!("the worker ended: {ended:?}"),
        _ = stop => {}
    }
    std::mem::take(&mut *seen.lock().unwrap())
}

fn text() -> String {
    String::from_utf8(body()).unwrap()
}

pub async fn batch(url: &str, n: u64) {
    let mut storage = open(url, BATCH).await;
    let start = Instant::now();
    for _ in 0..n / BATCH {
        storage.push_bulk((0..BATCH).map(|_| text()).collect()).await.unwrap();
    }
    let sent = start.elapsed();
    let start = Instant::now();
    work(storage, n, false).await;
    rates(n, sent, start.elapsed());
}

pub async fn single(url: &str, n: u64) {
    let mut storage = open(url, 1).await;
    let start = Instant::now();
    for _ in 0..n {
        storage.push(text()).await.unwrap();
    }
    let sent = start.elapsed();
    let start = Instant::now();
    work(storage, n, false).await;
    rates(n, sent, start.elapsed());
}

pub async fn idle(url: &str, n: u64) {
    let storage = open(url, BATCH).await;
    let working = tokio::time::timeout(Duration::from_secs(n), work(storage, 1, false)).await;
    assert!(working.is_err());
    println!("{{}}");
}

pub async fn latency(url: &str, n: u64) {
    let storage = open(url, BATCH).await;
    let mut sender = storage.clone();
    let sending = at_rate(n, async |text| sender.push(text).await.unwrap());
    let (seen, ()) = tokio::join!(work(storage, n, true), sending);
    percentiles(seen);
}

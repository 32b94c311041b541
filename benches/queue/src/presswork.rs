use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use presswork_queue::{Consumer, Delivery, Handler, Message, Outcome, Queue, RedisQueue, Settle, Settlement, process};

use crate::{BATCH, at_rate, body, percentiles, rates, took};

async fn open(url: &str) -> RedisQueue {
    RedisQueue::connect(url).name("bench").build().await.unwrap()
}

fn acks(deliveries: &[Delivery]) -> Vec<Settlement> {
    deliveries
        .iter()
        .map(|delivery| Settlement::new(delivery.lease().clone(), Outcome::Ack))
        .collect()
}

pub async fn batch(url: &str, n: u64) {
    let queue = open(url).await;
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
        queue.settle(&acks(&deliveries)).await.unwrap();
    }
    rates(n, sent, start.elapsed());
}

/// One at a time, as the commands of one message are counted.
pub async fn single(url: &str, n: u64) {
    let queue = open(url).await;
    let start = Instant::now();
    for _ in 0..n {
        queue.send(&Message::new(body())).await.unwrap();
    }
    let sent = start.elapsed();
    let start = Instant::now();
    for _ in 0..n {
        let deliveries = queue.receive(1, Duration::from_secs(1)).await.unwrap();
        assert_eq!(deliveries.len(), 1);
        queue.settle(&acks(&deliveries)).await.unwrap();
    }
    rates(n, sent, start.elapsed());
}

/// A consumer that waits for `n` seconds and gets nothing.
pub async fn idle(url: &str, n: u64) {
    let queue = open(url).await;
    let deliveries = queue.receive(10, Duration::from_secs(n)).await.unwrap();
    assert!(deliveries.is_empty());
    println!("{{}}");
}

#[derive(Default)]
struct Seen(Mutex<Vec<u64>>);

#[async_trait::async_trait]
impl Handler for Seen {
    async fn handle(&self, delivery: &Delivery) -> Outcome {
        self.0.lock().unwrap().push(took(delivery.body()));
        Outcome::Ack
    }
}

pub async fn latency(url: &str, n: u64) {
    let queue = open(url).await;
    let consumer = queue.clone();
    let reader = tokio::spawn(async move {
        let seen = Seen::default();
        while (seen.0.lock().unwrap().len() as u64) < n {
            let deliveries = consumer.receive(10, Duration::from_secs(5)).await.unwrap();
            process(&consumer, deliveries, &seen, 4).await;
        }
        seen.0.into_inner().unwrap()
    });
    at_rate(n, async |text| {
        queue.send(&Message::new(text)).await.unwrap();
    })
    .await;
    percentiles(reader.await.unwrap());
}

//! `MemoryQueue` with leases and acks beside a bounded channel that has neither.

use std::time::Duration;

use meter::Meter;
use presswork_queue::{Consumer, MemoryQueue, Message, Outcome, Queue, Settle, Settlement};

use crate::{BATCH, body};

pub async fn channel(n: u64) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1024);
    let meter = Meter::start();
    let producer = tokio::spawn(async move {
        for _ in 0..n {
            sender.send(body()).await.unwrap();
        }
    });
    let mut seen = 0;
    while let Some(body) = receiver.recv().await {
        std::hint::black_box(body);
        seen += 1;
    }
    producer.await.unwrap();
    assert_eq!(seen, n);
    meter.per(n).print();
}

pub async fn own(n: u64) {
    let queue = MemoryQueue::new();
    let sending = queue.clone();
    let meter = Meter::start();
    let producer = tokio::spawn(async move {
        for at in 0..n {
            sending.send(&Message::new(body())).await.unwrap();
            // The channel's bound makes its sender give way; here nothing does.
            if at % 1024 == 1023 {
                tokio::task::yield_now().await;
            }
        }
    });
    let mut seen = 0;
    while seen < n {
        let deliveries = queue.receive(BATCH as usize, Duration::from_secs(5)).await.unwrap();
        seen += deliveries.len() as u64;
        let acks: Vec<_> = deliveries
            .iter()
            .map(|delivery| Settlement::new(delivery.lease().clone(), Outcome::Ack))
            .collect();
        std::hint::black_box(deliveries);
        queue.settle(&acks).await.unwrap();
    }
    producer.await.unwrap();
    assert_eq!(seen, n);
    meter.per(n).print();
}

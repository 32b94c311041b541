use std::time::{Duration, Instant};

use omniqueue::backends::{
    RedisBackend, RedisConfig,
    redis::{RedisConnectionManager, RedisConsumer, RedisProducer},
};

use crate::{BATCH, at_rate, body, percentiles, rates, took};

async fn open(
    url: &str,
) -> (
    RedisProducer<RedisConnectionManager>,
    RedisConsumer<RedisConnectionManager>,
) {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let made: redis::RedisResult<redis::Value> = redis::cmd("XGROUP")
        .arg(&["CREATE", "omni", "group", "0", "MKSTREAM"])
        .query_async(&mut connection)
        .await;
    let _ = made;
    let config = RedisConfig {
        dsn: url.to_owned(),
        max_connections: 8,
        reinsert_on_nack: true,
        queue_key: "omni".to_owned(),
        delayed_queue_key: "omni-delayed".to_owned(),
        delayed_lock_key: "omni-lock".to_owned(),
        consumer_group: "group".to_owned(),
        consumer_name: "one".to_owned(),
        payload_key: "payload".to_owned(),
        ack_deadline_ms: 30_000,
        dlq_config: None,
        sentinel_config: None,
    };
    RedisBackend::builder(config).build_pair().await.unwrap()
}

/// It has no batch of its own on Redis: the batch is sent and acknowledged concurrently, as far as its pool goes.
pub async fn batch(url: &str, n: u64) {
    let (producer, mut consumer) = open(url).await;
    let start = Instant::now();
    for _ in 0..n / BATCH {
        let body = body();
        let sends = (0..BATCH).map(|_| producer.send_raw(&body));
        futures_util::future::try_join_all(sends).await.unwrap();
    }
    let sent = start.elapsed();
    let start = Instant::now();
    let mut seen = 0;
    while seen < n {
        let deliveries = consumer
            .receive_all(BATCH as usize, Duration::from_secs(5))
            .await
            .unwrap();
        seen += deliveries.len() as u64;
        let acks = futures_util::future::join_all(deliveries.into_iter().map(omniqueue::Delivery::ack)).await;
        assert!(acks.iter().all(Result::is_ok));
    }
    rates(n, sent, start.elapsed());
}

pub async fn single(url: &str, n: u64) {
    let (producer, mut consumer) = open(url).await;
    let start = Instant::now();
    for _ in 0..n {
        producer.send_raw(&body()).await.unwrap();
    }
    let sent = start.elapsed();
    let start = Instant::now();
    for _ in 0..n {
        assert!(consumer.receive().await.unwrap().ack().await.is_ok());
    }
    rates(n, sent, start.elapsed());
}

pub async fn idle(url: &str, n: u64) {
    let (_producer, mut consumer) = open(url).await;
    let waiting = tokio::time::timeout(Duration::from_secs(n), consumer.receive()).await;
    assert!(waiting.is_err());
    println!("{{}}");
}

pub async fn latency(url: &str, n: u64) {
    let (producer, mut consumer) = open(url).await;
    let reader = tokio::spawn(async move {
        let mut seen = Vec::new();
        while (seen.len() as u64) < n {
            let delivery = consumer.receive().await.unwrap();
            seen.push(took(delivery.borrow_payload().unwrap()));
            assert!(delivery.ack().await.is_ok());
        }
        seen
    });
    at_rate(n, async |text| producer.send_raw(&text.into_bytes()).await.unwrap()).await;
    percentiles(reader.await.unwrap());
}

//! The best one writes by hand: a stream, pipelines, a consumer group, a blocking read on its own connection.

use std::time::Instant;

use redis::{
    Client, Value,
    aio::MultiplexedConnection,
    streams::{StreamId, StreamReadReply},
};

use crate::{BATCH, at_rate, body, percentiles, rates, took};

async fn open(url: &str) -> (Client, MultiplexedConnection) {
    let client = Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let group: redis::RedisResult<Value> = redis::cmd("XGROUP")
        .arg(&["CREATE", "raw", "group", "0", "MKSTREAM"])
        .query_async(&mut connection)
        .await;
    let _ = group;
    (client, connection)
}

fn entries(reply: StreamReadReply) -> Vec<StreamId> {
    reply.keys.into_iter().flat_map(|key| key.ids).collect()
}

pub async fn batch(url: &str, n: u64) {
    let (_, mut connection) = open(url).await;
    let start = Instant::now();
    for _ in 0..n / BATCH {
        let mut pipe = redis::pipe();
        for _ in 0..BATCH {
            pipe.cmd("XADD").arg("raw").arg("*").arg("body").arg(body());
        }
        let ids: Vec<String> = pipe.query_async(&mut connection).await.unwrap();
        assert_eq!(ids.len() as u64, BATCH);
    }
    let sent = start.elapsed();
    let start = Instant::now();
    for _ in 0..n / BATCH {
        let mut read = redis::cmd("XREADGROUP");
        read.arg(&["GROUP", "group", "one", "COUNT"])
            .arg(BATCH)
            .arg(&["STREAMS", "raw", ">"]);
        let entries = entries(read.query_async(&mut connection).await.unwrap());
        assert_eq!(entries.len() as u64, BATCH);
        let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_str()).collect();
        let mut pipe = redis::pipe();
        pipe.cmd("XACK").arg("raw").arg("group").arg(&ids);
        pipe.cmd("XDEL").arg("raw").arg(&ids);
        let _: (u64, u64) = pipe.query_async(&mut connection).await.unwrap();
        std::hint::black_box(&entries);
    }
    rates(n, sent, start.elapsed());
}

pub async fn latency(url: &str, n: u64) {
    let (client, mut connection) = open(url).await;
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let mut blocking = client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .unwrap();
    let reader = tokio::spawn(async move {
        let mut seen = Vec::new();
        while (seen.len() as u64) < n {
            let mut read = redis::cmd("XREADGROUP");
            read.arg(&[
                "GROUP", "group", "one", "COUNT", "10", "BLOCK", "5000", "STREAMS", "raw", ">",
            ]);
            for entry in entries(read.query_async(&mut blocking).await.unwrap()) {
                let text: Vec<u8> = entry.get("body").unwrap();
                seen.push(took(&text));
                let mut pipe = redis::pipe();
                pipe.cmd("XACK")
                    .arg(&["raw", "group", &entry.id])
                    .cmd("XDEL")
                    .arg(&["raw", &entry.id]);
                let _: (u64, u64) = pipe.query_async(&mut blocking).await.unwrap();
            }
        }
        seen
    });
    at_rate(n, async |text| {
        let mut add = redis::cmd("XADD");
        let _: String = add
            .arg(&["raw", "*", "body", &text])
            .query_async(&mut connection)
            .await
            .unwrap();
    })
    .await;
    percentiles(reader.await.unwrap());
}

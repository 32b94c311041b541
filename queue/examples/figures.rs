//! Figures of the queues beside hand-written code on the same driver, in alternating rounds of one run.
//!
//! `cargo run --release -p presswork-queue --features redis,sqlite --example figures [messages]`
//!
//! Redis is measured where `redis-server` is installed, on a private one without persistence. Each line is the median of
//! the rounds. `x` compares with the line above it that begins with `raw`.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use presswork_queue::{
    Consumer, Delivery, MemoryQueue, Message, Outcome, Queue, RedisQueue, Settle, Settlement, SqliteQueue,
};

const ROUNDS: usize = 7;
const BATCH: usize = 100;
const BODY: usize = 256;

type Failure = Box<dyn std::error::Error>;

/// An entry of a stream: its id, and its fields one after the other.
type Entry = (String, Vec<Vec<u8>>);

fn acks(deliveries: &[Delivery]) -> Vec<Settlement> {
    let ack = |delivery: &Delivery| Settlement::new(delivery.lease().clone(), Outcome::Ack);
    deliveries.iter().map(ack).collect()
}

/// CPU time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn line(name: &str, count: usize, times: Vec<Duration>, raw: Option<Duration>) -> Duration {
    let time = median(times);
    let rate = count as f64 / time.as_secs_f64();
    let compared = raw
        .map(|raw| format!("  {:.2}x", raw.as_secs_f64() / time.as_secs_f64()))
        .unwrap_or_default();
    println!("{name:<44} {rate:>10.0} msg/s{compared}");
    time
}

async fn send_all(queue: &dyn Queue, count: usize, batch: usize) -> Duration {
    let messages = vec![Message::new("x".repeat(BODY)); batch];
    let start = Instant::now();
    for _ in 0..count / batch {
        match batch {
            1 => drop(queue.send(&messages[0]).await.unwrap()),
            _ => drop(queue.send_batch(&messages).await.unwrap()),
        }
    }
    start.elapsed()
}

async fn drain(consumer: &dyn Consumer, count: usize, batch: usize) -> Duration {
    let start = Instant::now();
    let mut left = count;
    while left > 0 {
        let deliveries = consumer.receive(batch, Duration::ZERO).await.unwrap();
        left -= deliveries.len();
        consumer.settle(&acks(&deliveries)).await.unwrap();
    }
    start.elapsed()
}

async fn memory(count: usize) {
    let body = || Message::new("x".repeat(BODY));
    for batch in [1, BATCH] {
        let (mut raw, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (sender, mut receiver) = tokio::sync::mpsc::channel::<Message>(1_000);
            let before = cpu();
            for _ in 0..count / 1_000 {
                for _ in 0..1_000 {
                    sender.send(body()).await.unwrap();
                }
                for _ in 0..1_000 {
                    drop(receiver.recv().await.unwrap());
                }
            }
            raw.push(cpu() - before);
            let queue = MemoryQueue::new();
            let before = cpu();
            for _ in 0..count / 1_000 {
                for _ in 0..1_000 / batch {
                    match batch {
                        1 => drop(queue.send(&body()).await.unwrap()),
                        _ => drop(
                            queue
                                .send_batch(&(0..batch).map(|_| body()).collect::<Vec<_>>())
                                .await
                                .unwrap(),
                        ),
                    }
                }
                drain(&queue, 1_000, batch).await;
            }
            ours.push(cpu() - before);
        }
        let raw = median(raw);
        let ours = median(ours);
        let each = |time: Duration| time.as_nanos() / count as u128;
        println!(
            "memory, by {batch}: CPU {} ns a message, bounded tokio mpsc {} ns: {:.1} times",
            each(ours),
            each(raw),
            ours.as_secs_f64() / raw.as_secs_f64()
        );
    }
}

struct Server(Child, u16);

impl Server {
    fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let server = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::null())
            .spawn();
        std::thread::sleep(Duration::from_millis(500));
        server.ok().map(|child| Self(child, port))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Hand-written on the same driver: a stream with a group, in pipelines.
async fn raw_redis(connection: &mut redis::aio::MultiplexedConnection, count: usize) -> Result<[Duration; 2], Failure> {
    let () = redis::cmd("FLUSHALL").query_async(connection).await?;
    let () = redis::cmd("XGROUP")
        .arg(&["CREATE", "s", "g", "0", "MKSTREAM"])
        .query_async(connection)
        .await?;
    let body = "x".repeat(BODY);
    let start = Instant::now();
    for _ in 0..count / BATCH {
        let mut pipe = redis::pipe();
        for _ in 0..BATCH {
            pipe.cmd("XADD").arg(&["s", "*", "b", &body]).ignore();
        }
        let () = pipe.query_async(connection).await?;
    }
    let sent = start.elapsed();
    let start = Instant::now();
    for _ in 0..count / BATCH {
        let mut read = redis::cmd("XREADGROUP");
        read.arg(&["GROUP", "g", "c", "COUNT"])
            .arg(BATCH)
            .arg(&["STREAMS", "s", ">"]);
        let read: Vec<(String, Vec<Entry>)> = read.query_async(connection).await?;
        let ids: Vec<&str> = read
            .iter()
            .flat_map(|(_, entries)| entries)
            .map(|(id, _)| id.as_str())
            .collect();
        let mut done = redis::pipe();
        done.cmd("XACK").arg("s").arg("g").arg(&ids).ignore();
        done.cmd("XDEL").arg("s").arg(&ids).ignore();
        let () = done.query_async(connection).await?;
    }
    Ok([sent, start.elapsed()])
}

async fn redis(count: usize) -> Result<(), Failure> {
    let Some(server) = Server::start() else {
        println!("skipped: redis-server is not installed");
        return Ok(());
    };
    let url = format!("redis://127.0.0.1:{}", server.1);
    let mut connection = redis::Client::open(url.as_str())?
        .get_multiplexed_async_connection()
        .await?;
    let queue = RedisQueue::connect(&url).build().await?;
    let [mut raw_send, mut raw_done, mut send, mut done, mut one] = [const { Vec::new() }; 5];
    for _ in 0..ROUNDS {
        let [sent, handled] = raw_redis(&mut connection, count).await?;
        raw_send.push(sent);
        raw_done.push(handled);
        let () = redis::cmd("FLUSHALL").query_async(&mut connection).await?;
        send.push(send_all(&queue, count, BATCH).await);
        done.push(drain(&queue, count, BATCH).await);
        one.push(send_all(&queue, count / 10, 1).await + drain(&queue, count / 10, 1).await);
    }
    let raw = line("raw XADD, pipelines of 100", count, raw_send, None);
    line("redis send_batch of 100", count, send, Some(raw));
    let raw = line("raw XREADGROUP, XACK, XDEL by 100", count, raw_done, None);
    line("redis receive and settle 100", count, done, Some(raw));
    line("redis send, receive, settle one by one", count / 10, one, None);

    let mut waits = Vec::new();
    let mut raws = Vec::new();
    let blocking = redis::Client::open(url.as_str())?
        .get_multiplexed_async_connection_with_config(&redis::AsyncConnectionConfig::new().set_response_timeout(None))
        .await?;
    for _ in 0..300 {
        let consumer = queue.clone();
        let receiving = tokio::spawn(async move {
            let deliveries = consumer.receive(1, Duration::from_secs(5)).await.unwrap();
            (Instant::now(), deliveries)
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        let start = Instant::now();
        queue.send(&Message::new("x".repeat(BODY))).await?;
        let (end, deliveries) = receiving.await?;
        waits.push(end - start);
        queue.settle(&acks(&deliveries)).await?;

        let mut reader = blocking.clone();
        let receiving = tokio::spawn(async move {
            let mut pop = redis::cmd("BLPOP");
            let _: redis::Value = pop.arg("raw").arg(5).query_async(&mut reader).await.unwrap();
            Instant::now()
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        let start = Instant::now();
        let () = redis::cmd("LPUSH")
            .arg("raw")
            .arg("x".repeat(BODY))
            .query_async(&mut connection)
            .await?;
        raws.push(receiving.await? - start);
    }
    let (raw, ours) = (median(raws), median(waits));
    println!(
        "redis send to a waiting receive, p50: {ours:?}, raw LPUSH to BLPOP {raw:?}: {:.2} times",
        ours.as_secs_f64() / raw.as_secs_f64()
    );
    Ok(())
}

async fn sqlite(count: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let queue = SqliteQueue::open(folder.path().join("queue.db"))?;
    let [mut send, mut done] = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        send.push(send_all(&queue, count, BATCH).await);
        done.push(drain(&queue, count, BATCH).await);
    }
    line("sqlite send_batch of 100", count, send, None);
    line("sqlite receive and settle 100", count, done, None);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let count = std::env::args()
        .nth(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or(20_000);
    memory(count * 5).await;
    redis(count).await?;
    sqlite(count / 4).await
}

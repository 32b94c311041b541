//! `queue <scenario> <n> [url of the server]`: n messages of 256 bytes. What stands against each other runs in one binary, peers
//! in their own.

#[cfg(feature = "apalis")]
mod apalis;
mod memory;
#[cfg(feature = "omniqueue")]
mod omniqueue;
mod postgres;
mod presswork;
mod raw_redis;
mod sqlite;

use std::time::{Duration, Instant};

use meter::{Args, Report};

/// Messages per batch.
pub const BATCH: u64 = 100;
/// Messages per second when latency is measured.
pub const RATE: u64 = 100;

pub fn body() -> Vec<u8> {
    vec![b'x'; 256]
}

fn main() {
    let args = Args::read();
    let url = args.rest.first().map_or("", String::as_str).to_owned();
    let threads = if args.scenario.starts_with("memory") || args.scenario.starts_with("sqlite") {
        1
    } else {
        2
    };
    let runtime = if threads == 1 {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    } else {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()
            .unwrap()
    };
    runtime.block_on(async {
        let n = args.n;
        match args.scenario.as_str() {
            "memory-raw" => memory::channel(n).await,
            "memory-own" => memory::own(n).await,
            "sqlite-raw" => sqlite::raw(n),
            "sqlite-own" => sqlite::own(n).await,
            "postgres-batch-raw" => postgres::raw(&url, n).await,
            "postgres-batch-own" => postgres::own(&url, n).await,
            "redis-batch-raw" => raw_redis::batch(&url, n).await,
            "redis-batch-own" => presswork::batch(&url, n).await,
            "redis-single-own" => presswork::single(&url, n).await,
            "redis-idle-own" => presswork::idle(&url, n).await,
            "redis-latency-raw" => raw_redis::latency(&url, n).await,
            "redis-latency-own" => presswork::latency(&url, n).await,
            #[cfg(feature = "omniqueue")]
            "redis-batch-omniqueue" => omniqueue::batch(&url, n).await,
            #[cfg(feature = "omniqueue")]
            "redis-single-omniqueue" => omniqueue::single(&url, n).await,
            #[cfg(feature = "omniqueue")]
            "redis-idle-omniqueue" => omniqueue::idle(&url, n).await,
            #[cfg(feature = "omniqueue")]
            "redis-latency-omniqueue" => omniqueue::latency(&url, n).await,
            #[cfg(feature = "apalis")]
            "redis-batch-apalis" => apalis::batch(&url, n).await,
            #[cfg(feature = "apalis")]
            "redis-single-apalis" => apalis::single(&url, n).await,
            #[cfg(feature = "apalis")]
            "redis-idle-apalis" => apalis::idle(&url, n).await,
            #[cfg(feature = "apalis")]
            "redis-latency-apalis" => apalis::latency(&url, n).await,
            other => panic!("no scenario `{other}`"),
        }
    });
    // Peers keep background tasks that nobody ends.
    std::process::exit(0);
}

/// Two stages of one run, each in messages per second.
pub fn rates(n: u64, send: Duration, process: Duration) {
    let per_second = |took: Duration| n as f64 / took.as_secs_f64();
    Report::default()
        .set("send", per_second(send))
        .set("process", per_second(process))
        .print();
}

/// Sends `n` messages at the fixed rate, whatever the receiver does. Each carries its time as its text.
pub async fn at_rate(n: u64, mut send: impl AsyncFnMut(String)) {
    let mut tick = tokio::time::interval(Duration::from_nanos(1_000_000_000 / RATE));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for _ in 0..n {
        tick.tick().await;
        send(now().to_string()).await;
    }
}

/// Nanoseconds since the program began to measure.
pub fn now() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// How long a message took whose text is its sender's time.
pub fn took(text: &[u8]) -> u64 {
    now() - std::str::from_utf8(text).unwrap().parse::<u64>().unwrap()
}

pub fn percentiles(mut nanos: Vec<u64>) {
    nanos.sort_unstable();
    let at = |part: f64| nanos[(nanos.len() as f64 * part) as usize] as f64 / 1e3;
    Report::default().set("p50_us", at(0.5)).set("p99_us", at(0.99)).print();
}

//! `llm call|chunk|inflight <n> <base url> <control address>`: a contender against `llm-server`.

#[cfg_attr(feature = "base", path = "base.rs")]
#[cfg_attr(feature = "presswork", path = "presswork.rs")]
#[cfg_attr(feature = "async-openai", path = "async_openai.rs")]
#[cfg_attr(feature = "genai", path = "genai.rs")]
#[cfg_attr(feature = "rig", path = "rig.rs")]
#[cfg_attr(feature = "graniet-llm", path = "graniet_llm.rs")]
mod contender;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use contender::Contender;
use meter::{Args, Meter, Report};

pub const SYSTEM: &str = "You write short, factual texts about time zones. Plain words. No hashtags.";
pub const USER: &str = "Write one paragraph about the time in Rome: its offset in winter and in summer, when the clocks \
                        change, and what a caller from New York should know before picking up the phone.";
pub const KEY: &str = "sk-test-0123456789abcdef0123456789abcdef";
pub const MAX_TOKENS: u32 = 400;
pub const TEMPERATURE: f64 = 0.5;
const WARM_UP: u64 = 20;

fn main() {
    let args = Args::read();
    let [url, control] = args.rest.as_slice() else {
        panic!("usage: llm <scenario> <n> <base url> <control address>");
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        match args.scenario.as_str() {
            "call" => call(url, args.n).await,
            "chunk" => chunk(url, control, args.n).await,
            "inflight" => inflight(url, control, args.n).await,
            other => panic!("no scenario `{other}`"),
        }
    });
}

async fn call(url: &str, n: u64) {
    let contender = Contender::new(url, "gpt-5.4-mini");
    for _ in 0..WARM_UP {
        assert!(contender.call().await.starts_with("Rome keeps"));
    }
    let meter = Meter::start();
    for _ in 0..n {
        std::hint::black_box(contender.call().await);
    }
    meter.per(n).print();
}

/// The server sends the next chunk when this side has yielded the last: reads never run together, so counts repeat.
async fn chunk(url: &str, control: &str, n: u64) {
    let mut pace = TcpStream::connect(control).unwrap();
    pace.set_nodelay(true).unwrap();
    let contender = Contender::new(url, &format!("paced-{}", n + WARM_UP));
    let (mut seen, mut meter) = (0, None);
    contender
        .stream(&mut || {
            seen += 1;
            if seen == WARM_UP {
                meter = Some(Meter::start());
            }
            if seen == n + WARM_UP {
                meter.take().unwrap().per(n).print();
            }
            pace.write_all(b".").unwrap();
        })
        .await;
    assert_eq!(seen, n + WARM_UP);
}

/// Live bytes per call while `n` calls wait for their answer, their connections included.
async fn inflight(url: &str, control: &str, n: u64) {
    let contender: &'static Contender = Box::leak(Box::new(Contender::new(url, "gpt-5.4-mini")));
    contender.call().await;
    let held: &'static Contender = Box::leak(Box::new(Contender::new(url, "held")));
    let mut arrived = TcpStream::connect(control).unwrap();
    arrived.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let before = meter::live();
    for _ in 0..n {
        tokio::spawn(held.call());
    }
    let (mut count, mut buffer) = (0, [0; 256]);
    while count < n {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if let Ok(read) = arrived.read(&mut buffer) {
            count += read as u64;
        }
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    let bytes = (meter::live() - before) as f64 / n as f64;
    Report::default().set("bytes", bytes).print();
    std::process::exit(0);
}

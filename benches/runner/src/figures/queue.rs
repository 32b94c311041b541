//! The queues: in memory, on SQLite, on Postgres and on Redis.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    measure, program,
    server::{Postgres, Redis},
    table::{Metric, Reach, Role, Row, Table},
};

/// Feature, the end of its scenarios' names, name, role.
const ON_REDIS: &[(&str, &str, &str, Role)] = &[
    ("presswork", "raw", "stream and group by hand", Role::Base),
    ("presswork", "own", "presswork", Role::Own),
    ("omniqueue", "omniqueue", "omniqueue 0.3", Role::Peer),
    ("apalis", "apalis", "apalis-redis 1.0", Role::Peer),
];

fn build(feature: &str) -> Result<PathBuf> {
    program::build("queue-bench", "queue", feature)
}

/// Instructions and allocations of one message through both sides of a pair of scenarios.
fn pair(raw: (&str, &str), own: (&str, &str), counts: (u64, u64)) -> Result<Vec<Row>> {
    let program = build("presswork")?;
    let row = |(scenario, name): (&str, &str), role| -> Result<Row> {
        let instructions = measure::instructions(&program, scenario, counts, &[])?;
        let counted = measure::run(&program, scenario, counts.1, &[])?;
        Ok(Row::new(name, role, vec![instructions, counted["allocations"]]))
    };
    Ok(vec![row(raw, Role::Base)?, row(own, Role::Own)?])
}

pub fn memory() -> Result<Vec<Table>> {
    Ok(vec![Table {
        title: "One message of 256 bytes through a queue in memory".to_owned(),
        metrics: vec![
            Metric {
                name: "instructions",
                reach: Reach::Times(3.0),
            },
            Metric {
                name: "allocations",
                reach: Reach::Nothing,
            },
        ],
        rows: pair(
            ("memory-raw", "tokio mpsc, bounded"),
            ("memory-own", "presswork, leased and acked"),
            (2_000, 22_000),
        )?,
        notes: vec![
            "The channel neither leases nor acknowledges, nor redelivers what a dead consumer held.".to_owned(),
        ],
    }])
}

pub fn sqlite() -> Result<Vec<Table>> {
    Ok(vec![Table {
        title: "One message of 256 bytes through SQLite: sent, leased and acknowledged in batches of 100".to_owned(),
        metrics: vec![
            Metric {
                name: "instructions",
                reach: Reach::Nothing,
            },
            Metric {
                name: "allocations",
                reach: Reach::Nothing,
            },
        ],
        rows: pair(
            ("sqlite-raw", "rusqlite by hand"),
            ("sqlite-own", "presswork"),
            (1_000, 6_000),
        )?,
        notes: vec!["By hand there are no ids, headers, idempotency keys, delays or dead letters.".to_owned()],
    }])
}

pub fn postgres() -> Result<Vec<Table>> {
    const N: u64 = 4_000;
    const ON_POSTGRES: [(&str, &str, Role); 2] = [
        ("postgres-batch-raw", "SKIP LOCKED by hand", Role::Base),
        ("postgres-batch-own", "presswork", Role::Own),
    ];
    let program = build("presswork")?;
    let postgres = Postgres::start()?;
    let url = postgres.url();
    let run = |at: usize| measure::run(&program, ON_POSTGRES[at].0, N, &[&url]);
    let medians = measure::medians(5, run, ON_POSTGRES.len())?;
    let mut rows = Vec::new();
    for ((scenario, name, role), found) in ON_POSTGRES.iter().zip(&medians) {
        let instructions = measure::instructions(&program, scenario, (1_000, 4_000), &[&url])?;
        rows.push(Row::new(
            name,
            *role,
            vec![instructions, found["send"], found["process"]],
        ));
    }
    Ok(vec![Table {
        title: "Messages of 256 bytes per second on Postgres, in batches of 100 (rates are medians of 5 alternating rounds)"
            .to_owned(),
        metrics: vec![
            Metric {
                name: "instructions",
                reach: Reach::Nothing,
            },
            Metric {
                name: "enqueue /s",
                reach: Reach::Nothing,
            },
            Metric {
                name: "process + ack /s",
                reach: Reach::Nothing,
            },
        ],
        rows,
        notes: vec![
            "By hand: one INSERT of a hundred, one UPDATE .. SKIP LOCKED, one DELETE; no ids before the insert, no headers, keys, \
             delays, dead letters or NOTIFY. The server syncs each commit."
                .to_owned(),
        ],
    }])
}

pub fn commands() -> Result<Vec<Table>> {
    const N: u64 = 200;
    const IDLE_SECONDS: u64 = 20;
    let redis = Redis::start()?;
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for (feature, end, name, role) in ON_REDIS.iter().filter(|(_, _, _, role)| *role != Role::Base) {
        let program = build(feature)?;
        let url = redis.url();
        redis.flush()?;
        let single = format!("redis-single-{end}");
        let counts = redis.commands(|| measure::run(&program, &single, N, &[&url]).map(drop))?;
        redis.flush()?;
        let idle = format!("redis-idle-{end}");
        let idles = redis.commands(|| measure::run(&program, &idle, IDLE_SECONDS, &[&url]).map(drop))?;
        let per = |counts: &std::collections::BTreeMap<String, u64>, n: f64| counts.values().sum::<u64>() as f64 / n;
        // A whole life is one enqueue and one process with its ack; connecting is told apart by being rare.
        let life = (per(&counts, N as f64) * 10.0).round() / 10.0;
        let minute = (per(&idles, IDLE_SECONDS as f64) * 60.0).round();
        notes.push(format!("{name}, for {N} messages: {}", list(&counts)));
        notes.push(format!(
            "{name}, in {IDLE_SECONDS} idle seconds with connecting: {}",
            list(&idles)
        ));
        rows.push(Row::new(name, *role, vec![life, minute]));
    }
    Ok(vec![Table {
        title: "Commands on Redis: enqueue, receive and acknowledge one message; an idle consumer".to_owned(),
        metrics: vec![
            Metric {
                name: "per message",
                reach: Reach::Most(3.1),
            },
            Metric {
                name: "per idle minute",
                reach: Reach::Nothing,
            },
        ],
        rows,
        notes,
    }])
}

fn list(counts: &std::collections::BTreeMap<String, u64>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Medians of alternating rounds of `redis-<what>-<contender>`.
fn rounds(what: &str, rounds: usize, n: u64, values: &[&str]) -> Result<Vec<Row>> {
    let programs = ON_REDIS
        .iter()
        .map(|(feature, ..)| build(feature))
        .collect::<Result<Vec<_>>>()?;
    let redis = Redis::start()?;
    let run = |at: usize| {
        redis.flush()?;
        let scenario = format!("redis-{what}-{}", ON_REDIS[at].1);
        // What has no batch of its own is slow enough to be measured with fewer.
        let n = if ON_REDIS[at].3 == Role::Peer && what == "batch" {
            n / 10
        } else {
            n
        };
        measure::run(&programs[at], &scenario, n, &[&redis.url()])
    };
    let medians = measure::medians(rounds, run, ON_REDIS.len())?;
    let row = |((_, _, name, role), found): (&(&str, &str, &str, Role), &measure::Values)| {
        Row::new(name, *role, values.iter().map(|value| found[*value]).collect())
    };
    Ok(ON_REDIS.iter().zip(&medians).map(row).collect())
}

pub fn batch() -> Result<Vec<Table>> {
    Ok(vec![Table {
        title: "Messages of 256 bytes per second on Redis, in batches of 100 (medians of 7 alternating rounds)"
            .to_owned(),
        metrics: vec![
            Metric {
                name: "enqueue /s",
                reach: Reach::AtLeast(0.85),
            },
            Metric {
                name: "process + ack /s",
                reach: Reach::AtLeast(0.85),
            },
        ],
        rows: rounds("batch", 7, 20_000, &["send", "process"])?,
        notes: vec![
            "By hand: 100 XADD in a pipeline; XREADGROUP COUNT 100, then XACK and XDEL of the hundred.".to_owned(),
        ],
    }])
}

pub fn latency() -> Result<Vec<Table>> {
    Ok(vec![Table {
        title: "Microseconds from enqueue to handler on Redis at 100 messages/s (medians of 5 alternating rounds)"
            .to_owned(),
        metrics: vec![
            Metric {
                name: "p50 us",
                reach: Reach::Times(1.2),
            },
            Metric {
                name: "p99 us",
                reach: Reach::Nothing,
            },
        ],
        rows: rounds("latency", 5, 300, &["p50_us", "p99_us"])?,
        notes: vec!["By hand: XADD, and XREADGROUP BLOCK on a connection of its own.".to_owned()],
    }])
}

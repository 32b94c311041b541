//! ai-adapter's OpenAI provider beside reqwest by hand and four libraries.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    measure, program, server,
    table::{Metric, Reach, Role, Row, Table},
};

/// Feature, name, role.
const CONTENDERS: &[(&str, &str, Role)] = &[
    ("base", "reqwest + serde_json", Role::Base),
    ("presswork", "presswork", Role::Own),
    ("async-openai", "async-openai 0.43", Role::Peer),
    ("genai", "genai 0.7", Role::Peer),
    ("graniet-llm", "llm 1.3", Role::Peer),
    ("rig", "rig 0.44", Role::Peer),
];

fn build(feature: &str) -> Result<PathBuf> {
    program::build("llm-bench", "llm", feature)
}

/// The programs, and a server for them.
fn rows(values: impl Fn(&PathBuf, &[&str]) -> Result<Vec<f64>>) -> Result<Vec<Row>> {
    let programs = CONTENDERS
        .iter()
        .map(|(feature, ..)| build(feature))
        .collect::<Result<Vec<_>>>()?;
    let binary = program::build("llm-bench", "llm-server", "server")?;
    let mut rows = Vec::new();
    for (program, (_, name, role)) in programs.iter().zip(CONTENDERS) {
        let (_server, addresses) = server::start(&binary)?;
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        rows.push(Row::new(name, *role, values(program, &addresses)?));
    }
    Ok(rows)
}

pub fn call() -> Result<Vec<Table>> {
    let rows = rows(|program, addresses| {
        let instructions = measure::instructions(program, "call", (50, 550), addresses)?;
        let counted = measure::run(program, "call", 1000, addresses)?;
        Ok(vec![instructions, counted["allocations"].round()])
    })?;
    Ok(vec![Table {
        title: "One call: 400 characters asked and answered on a kept-alive loopback connection".to_owned(),
        metrics: vec![
            Metric {
                name: "instructions",
                reach: Reach::Times(1.0),
            },
            Metric {
                name: "allocations",
                reach: Reach::Most(62.0),
            },
        ],
        rows,
        notes: Vec::new(),
    }])
}

pub fn chunk() -> Result<Vec<Table>> {
    let rows = rows(|program, addresses| {
        let instructions = measure::instructions(program, "chunk", (50, 550), addresses)?;
        let counted = measure::run(program, "chunk", 1000, addresses)?;
        Ok(vec![instructions, (counted["allocations"] * 10.0).round() / 10.0])
    })?;
    Ok(vec![Table {
        title: "One streamed chunk, sent when the last was yielded".to_owned(),
        metrics: vec![
            Metric {
                name: "instructions",
                reach: Reach::Times(1.1),
            },
            Metric {
                name: "allocations",
                reach: Reach::Most(3.0),
            },
        ],
        rows,
        notes: Vec::new(),
    }])
}

pub fn memory() -> Result<Vec<Table>> {
    let rows = rows(|program, addresses| Ok(vec![measure::run(program, "inflight", 500, addresses)?["bytes"]]))?;
    Ok(vec![Table {
        title: "500 calls in flight: live heap bytes per call, its connection included".to_owned(),
        metrics: vec![Metric {
            name: "bytes",
            reach: Reach::Times(1.05),
        }],
        rows,
        notes: Vec::new(),
    }])
}

pub fn weight() -> Result<Vec<Table>> {
    let mut rows = Vec::new();
    for (feature, name, role) in CONTENDERS {
        let size = std::fs::metadata(build(feature)?)?.len() as f64 / 1e6;
        rows.push(Row::new(
            name,
            *role,
            vec![program::crates("llm-bench", feature)?, size],
        ));
    }
    Ok(vec![Table {
        title: "A program that makes one call and streams one: crates compiled in, and MB stripped".to_owned(),
        metrics: vec![
            Metric {
                name: "crates",
                reach: Reach::Plus(15.0),
            },
            Metric {
                name: "MB",
                reach: Reach::Plus(0.3),
            },
        ],
        rows,
        notes: Vec::new(),
    }])
}

//! The whole pipeline with a model that takes its time.

use anyhow::Result;

use crate::{
    measure, program,
    table::{Metric, Reach, Role, Row, Table},
};

const CONCURRENCY: u64 = 16;
const LATENCY_MS: u64 = 200;

pub fn run() -> Result<Vec<Table>> {
    let program = program::build("pipeline-bench", "pipeline", "presswork")?;
    let more = [CONCURRENCY.to_string(), LATENCY_MS.to_string()];
    let more: Vec<_> = more.iter().map(String::as_str).collect();
    let mut rows = Vec::new();
    let mut memory = Vec::new();
    for backend in ["sqlite", "memory"] {
        for pages in [160, 800] {
            let ideal = (pages * LATENCY_MS) as f64 / CONCURRENCY as f64;
            let medians = measure::medians(3, |_| measure::run(&program, backend, pages, &more), 1)?;
            let wall = medians[0]["wall_ns"] * pages as f64 / 1e6;
            let (cpu, peak) = (medians[0]["cpu_ns"] / 1e3, medians[0]["peak_bytes"] / 1e3);
            rows.push(Row::new(
                &format!("{backend}, {pages} pages"),
                Role::Peer,
                vec![wall, ideal, wall / ideal, cpu],
            ));
            if backend == "sqlite" {
                let role = if pages == 160 { Role::Base } else { Role::Own };
                memory.push(Row::new(&format!("{pages} pages"), role, vec![peak]));
            }
        }
    }
    let worst = rows
        .iter()
        .filter(|row| row.name.starts_with("sqlite"))
        .map(|row| row.values[2])
        .fold(0.0, f64::max);
    let verdict = if worst <= 1.05 { "met" } else { "MISSED" };
    Ok(vec![
        Table {
            title: format!(
                "The Generator with {CONCURRENCY} calls at once of a model that takes {LATENCY_MS} ms (medians of 3 rounds)"
            ),
            metrics: ["wall ms", "N*L/C ms", "ratio", "CPU us per page"]
                .map(|name| Metric {
                    name,
                    reach: Reach::Nothing,
                })
                .into(),
            rows,
            notes: vec![format!(
                "wall: {worst:.3}x N*L/C on SQLite at worst. Reach: at most 1.05x: {verdict}."
            )],
        },
        Table {
            title: "The most that was live during a run on SQLite".to_owned(),
            metrics: vec![Metric {
                name: "peak kB",
                reach: Reach::Times(1.1),
            }],
            rows: memory,
            notes: vec!["Flat: five times the pages take the same memory.".to_owned()],
        },
    ])
}

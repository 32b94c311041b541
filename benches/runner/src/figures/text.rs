//! The weighted length of X.

use anyhow::Result;

use crate::{
    measure, program,
    table::{Metric, Reach, Role, Row, Table},
};

pub fn weighted() -> Result<Vec<Table>> {
    let own = program::build("text-bench", "text", "presswork")?;
    let peer = program::build("text-bench", "text", "twitter-text")?;
    let programs = [(&peer, "twitter-text 0.3", Role::Base), (&own, "presswork", Role::Own)];
    let mut tables = Vec::new();
    for text in ["mixed", "ascii", "japanese"] {
        let medians = measure::medians(21, |at| measure::run(programs[at].0, text, 200, &[]), programs.len())?;
        let mut rows = Vec::new();
        for ((program, name, role), found) in programs.iter().zip(&medians) {
            let instructions = measure::instructions(program, text, (100, 1_100), &[])?;
            let values = vec![
                found["wall_ns"] / 1e3,
                instructions,
                found["allocations"],
                found["length"],
            ];
            rows.push(Row::new(name, *role, values));
        }
        tables.push(Table {
            title: format!(
                "The weighted length of a full post of X: {text} (times are medians of 21 alternating rounds)"
            ),
            metrics: vec![
                Metric {
                    name: "us",
                    reach: Reach::Times(0.2),
                },
                Metric {
                    name: "instructions",
                    reach: Reach::Nothing,
                },
                Metric {
                    name: "allocations",
                    reach: Reach::Most(0.0),
                },
                Metric {
                    name: "length",
                    reach: Reach::Nothing,
                },
            ],
            rows,
            notes: Vec::new(),
        });
    }
    Ok(tables)
}

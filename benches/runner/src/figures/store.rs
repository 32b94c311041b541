//! The content store on SQLite.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{
    measure, program,
    server::Postgres,
    table::{Metric, Reach, Role, Row, Table},
};

/// A folder that goes away with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("presswork-bench-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Makes it a copy of `from`: every run starts from the same file.
    fn copy(&self, from: &Path) -> Result<()> {
        for old in std::fs::read_dir(&self.0)? {
            std::fs::remove_file(old?.path())?;
        }
        for file in std::fs::read_dir(from)? {
            let file = file?;
            std::fs::copy(file.path(), self.0.join(file.file_name()))?;
        }
        Ok(())
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn build() -> Result<PathBuf> {
    program::build("store-bench", "store", "presswork")
}

pub fn sqlite() -> Result<Vec<Table>> {
    let program = build()?;
    let (ready, work) = (Folder::new("ready")?, Folder::new("work")?);
    measure::run(&program, "prepare", 1_000, &[ready.path()])?;
    let costs = |scenario: &str| -> Result<Vec<f64>> {
        let (few, many) = (100, 600);
        let mut totals = Vec::new();
        for n in [few, many] {
            work.copy(&ready.0)?;
            totals.push(measure::collected(&program, scenario, n, &[work.path()])?);
        }
        work.copy(&ready.0)?;
        let counted = measure::run(&program, scenario, many, &[work.path()])?;
        Ok(vec![
            (totals[1] - totals[0]) / (many - few) as f64,
            counted["allocations"].round(),
        ])
    };
    let table = |title: &str, what: &str, most: f64, note: &str| -> Result<Table> {
        let mut rows = vec![Row::new("rusqlite by hand", Role::Base, costs(&format!("{what}-raw"))?)];
        if what == "save" {
            rows.push(Row::new(
                "by hand, with repeats and the page given back",
                Role::Peer,
                costs("save-alike")?,
            ));
        }
        rows.push(Row::new("presswork", Role::Own, costs(&format!("{what}-own"))?));
        Ok(Table {
            title: title.to_owned(),
            metrics: vec![
                Metric {
                    name: "instructions",
                    reach: Reach::Plus(most),
                },
                Metric {
                    name: "allocations",
                    reach: Reach::Nothing,
                },
            ],
            rows,
            notes: vec![note.to_owned()],
        })
    };
    Ok(vec![
        table(
            "A page of 6 kB saved on SQLite, with its revision, outbox row and op",
            "save",
            6_000.0,
            "By hand: the same five rows in one transaction on the caller's thread; a repeat is an error, and the page is not read back. The second row looks for the op first, and gives the page back.",
        )?,
        table(
            "A page of 6 kB read on SQLite",
            "get",
            5_000.0,
            "By hand: the same row into the same type, on the caller's thread.",
        )?,
    ])
}

pub fn writers() -> Result<Vec<Table>> {
    const PAGES: u64 = 800;
    let program = build()?;
    let (ready, work) = (Folder::new("ready")?, Folder::new("work")?);
    measure::run(&program, "prepare", PAGES, &[ready.path()])?;
    let scenarios = [
        ("save-raw", "rusqlite by hand, one writer", Role::Peer),
        ("save-own", "one writer", Role::Base),
        ("save-own-16", "presswork, 16 writers", Role::Own),
    ];
    let run = |at: usize| {
        work.copy(&ready.0)?;
        measure::run(&program, scenarios[at].0, PAGES, &[work.path()])
    };
    let medians = measure::medians(5, run, scenarios.len())?;
    let rows = scenarios.iter().zip(&medians);
    Ok(vec![Table {
        title: "Pages of 6 kB saved per second on SQLite, each synced before it is answered (medians of 5 alternating rounds)".to_owned(),
        metrics: vec![Metric { name: "saves /s", reach: Reach::AtLeast(2.5) }],
        rows: rows.map(|((_, name, role), found)| Row::new(name, *role, vec![1e9 / found["wall_ns"]])).collect(),
        notes: vec!["How much a shared commit saves depends on what the disk takes for one.".to_owned()],
    }])
}

pub fn postgres() -> Result<Vec<Table>> {
    let program = program::build("store-bench", "store", "postgres")?;
    let server = Postgres::start()?;
    let url = server.url();
    let mut tables = Vec::new();
    for (what, title) in [("get", "read"), ("save", "saved")] {
        let contenders = [
            ("raw", "tokio-postgres by hand", Role::Base),
            ("deadpool", "deadpool by hand", Role::Peer),
            ("own", "presswork", Role::Own),
        ];
        let scenario = |at: usize| format!("pg-{what}-{}", contenders[at].0);
        let medians = measure::medians(
            5,
            |at| measure::run(&program, &scenario(at), 960, &[&url]),
            contenders.len(),
        )?;
        let mut rows = Vec::new();
        for (at, (_, name, role)) in contenders.iter().enumerate() {
            let instructions = measure::instructions(&program, &scenario(at), (160, 960), &[&url])?;
            let found = &medians[at];
            rows.push(Row::new(
                name,
                *role,
                vec![instructions, found["allocations"].round(), 1e9 / found["wall_ns"]],
            ));
        }
        let rates: Vec<_> = rows.iter().map(|row| row.values[2]).collect();
        let ratio = rates[2] / rates[1];
        let verdict = if ratio >= 0.95 { "met" } else { "MISSED" };
        tables.push(Table {
            title: format!(
                "A page of 6 kB {title} on Postgres, 16 at once (rates are medians of 5 alternating rounds)"
            ),
            metrics: vec![
                Metric {
                    name: "instructions",
                    reach: if what == "get" {
                        Reach::Times(1.15)
                    } else {
                        Reach::Nothing
                    },
                },
                Metric {
                    name: "allocations",
                    reach: Reach::Nothing,
                },
                Metric {
                    name: "/s",
                    reach: Reach::Nothing,
                },
            ],
            rows,
            notes: vec![format!("rate: {ratio:.2}x deadpool. Reach: at least 0.95x: {verdict}.")],
        });
    }
    Ok(tables)
}

pub fn keyset() -> Result<Vec<Table>> {
    let program = build()?;
    let folder = Folder::new("keyset")?;
    measure::run(&program, "prepare-keyset", 1_000_000, &[folder.path()])?;
    let mut rows = Vec::new();
    for (scenario, name, role) in [
        ("keyset-first", "piece 1", Role::Base),
        ("keyset-late", "piece 1,000", Role::Own),
    ] {
        let instructions = measure::instructions(&program, scenario, (20, 120), &[folder.path()])?;
        let counted = measure::run(&program, scenario, 1_000, &[folder.path()])?;
        rows.push(Row::new(name, role, vec![instructions, counted["wall_ns"] / 1e3]));
    }
    Ok(vec![Table {
        title: "One piece of 100 of a list of 1,000,000 pages".to_owned(),
        metrics: vec![
            Metric {
                name: "instructions",
                reach: Reach::Times(1.02),
            },
            Metric {
                name: "us",
                reach: Reach::Nothing,
            },
        ],
        rows,
        notes: Vec::new(),
    }])
}

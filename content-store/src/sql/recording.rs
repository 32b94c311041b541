//! What this release asks of a database, written down, so that a later one can prove that it still gets its answers.

use std::sync::Mutex;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Value as Json, json};

use super::{Answers, Batch, Origin, Row, Statement, Value as Cell};
use crate::migrations;
use crate::providers::postgres::translate;

struct Recorder {
    origin: Origin,
    connection: Mutex<Connection>,
    /// One line per call.
    lines: Mutex<Vec<String>>,
}

crate::sql::ledgers!(Recorder, landed_by: read);

impl Recorder {
    async fn write<T>(&self, batch: Batch<T>) -> Result<T> {
        let Batch { statements, finish } = batch;
        let connection = self.connection.lock().unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        let answers: Vec<Vec<Row>> = statements.iter().map(|statement| run(&connection, statement)).collect();
        connection.execute_batch("COMMIT").unwrap();
        drop(connection);
        let asked: Vec<Json> = statements.iter().zip(&answers).map(told).collect();
        self.lines.lock().unwrap().push(Json::Array(asked).to_string());
        finish(Answers::new(answers))
    }

    async fn read<T>(&self, batch: Batch<T>) -> Result<T> {
        self.write(batch).await
    }
}

fn told((statement, answer): (&Statement, &Vec<Row>)) -> Json {
    json!({
        "sqlite": statement.sql,
        "postgres": translate::statement(&statement.sql),
        "args": statement.args.iter().map(cell).collect::<Vec<_>>(),
        "rows": answer.iter().map(|row| cells(row).iter().map(cell).collect()).collect::<Vec<Vec<_>>>(),
    })
}

fn cells(row: &Row) -> &[Cell] {
    match row {
        Row::Cells(cells) => cells,
        Row::Packed(_) | Row::Postgres(_) => unreachable!(),
    }
}

fn cell(cell: &Cell) -> Json {
    match cell {
        Cell::Null => Json::Null,
        Cell::Int(number) => json!(number),
        Cell::Text(text) => json!(text),
        Cell::Id(id) => json!(id.to_string()),
    }
}

pub(super) fn run(connection: &Connection, statement: &Statement) -> Vec<Row> {
    let mut prepared = connection.prepare(&statement.sql).unwrap();
    let columns = prepared.column_count();
    let mut rows = prepared.query(params_from_iter(&statement.args)).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cells = (0..columns).map(|at| match row.get_ref(at).unwrap() {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Int(number),
            ValueRef::Text(text) => Cell::Text(std::str::from_utf8(text).unwrap().to_owned()),
            ValueRef::Real(_) | ValueRef::Blob(_) => unreachable!(),
        });
        found.push(cells.collect());
    }
    found
}

/// `CONTENT_STORE_RECORD=tests/it/earlier/<newest migration>.jsonl cargo test --all-features --lib record -- --ignored`
#[tokio::test]
#[ignore = "writes a fixture, once for each release that brings a migration"]
async fn record() {
    let connection = Connection::open_in_memory().unwrap();
    for (_, file) in migrations::export() {
        connection.execute_batch(&file).unwrap();
    }
    let recorder = Recorder {
        origin: Origin {
            store: "recorder",
            place: "memory".into(),
        },
        connection: Mutex::new(connection),
        lines: Mutex::default(),
    };
    crate::conformance::a_life(&recorder).await;
    let lines = recorder.lines.into_inner().unwrap();
    let file = std::env::var("CONTENT_STORE_RECORD").expect("the name of a file");
    std::fs::write(file, lines.join("\n") + "\n").unwrap();
}

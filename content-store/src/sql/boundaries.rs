//! The suite on SQLite where every write is cut off at each boundary between its statements, then made with its answer lost,
//! and then repeated as a new attempt: nothing is half there, and nothing is there twice.

use std::sync::{Arc, Mutex};

use rusqlite::Connection;

use super::{Answers, Batch, Origin, Row, Statement, Value as Cell};
use crate::conformance::Harness;
use crate::{FullStore, migrations};

struct Cut {
    origin: Origin,
    connection: Mutex<Connection>,
}

crate::sql::ledgers!(Cut, landed_by: read);
crate::sql::managed!(Cut, newest_by: read);

impl Cut {
    fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        for (_, file) in migrations::export() {
            connection.execute_batch(&file).unwrap();
        }
        Self {
            origin: Origin {
                store: "cut",
                place: "memory".into(),
            },
            connection: Mutex::new(connection),
        }
    }

    async fn write<T>(&self, batch: Batch<T>) -> Result<T> {
        let Batch { mut statements, finish } = batch;
        let connection = self.connection.lock().unwrap();
        let before = everything(&connection);
        for boundary in 0..=statements.len() {
            run(&connection, &statements[..boundary], "ROLLBACK");
            assert!(everything(&connection) == before, "cut after {boundary} statements");
        }
        let rows = run(&connection, &statements, "COMMIT");
        // Pruning and importing have no op: their repeats find nothing left to do, or go on.
        let has_op = statements[0]
            .sql
            .starts_with("INSERT OR FAIL INTO content_op (op_id, nonce,");
        if !has_op {
            return finish(Answers::new(rows));
        }
        let after = everything(&connection);
        again(&mut statements);
        let rows = run(&connection, &statements, "COMMIT");
        assert!(everything(&connection) == after, "made twice: {statements:?}");
        drop(connection);
        finish(Answers::new(rows))
    }

    async fn read<T>(&self, batch: Batch<T>) -> Result<T> {
        let Batch { statements, finish } = batch;
        let rows = run(&self.connection.lock().unwrap(), &statements, "ROLLBACK");
        finish(Answers::new(rows))
    }
}

/// Another attempt at the same change has another nonce.
fn again(statements: &mut [Statement]) {
    let nonce = statements[0].args[1].clone();
    let other = Cell::from(crate::OpId::new());
    for arg in statements.iter_mut().flat_map(|statement| &mut statement.args) {
        if *arg == nonce {
            *arg = other.clone();
        }
    }
}

fn run(connection: &Connection, statements: &[Statement], end: &str) -> Vec<Vec<Row>> {
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let rows = statements
        .iter()
        .map(|statement| super::recording::run(connection, statement))
        .collect();
    connection.execute_batch(end).unwrap();
    rows
}

/// Every row of every table.
fn everything(connection: &Connection) -> Vec<String> {
    let mut lines = Vec::new();
    for table in migrations::TABLES {
        let ask = super::statement(format!("SELECT * FROM {table}"), []);
        let rows = super::recording::run(connection, &ask);
        lines.extend(rows.iter().map(|row| format!("{table} {row:?}")));
    }
    lines.sort();
    lines
}

struct Boundaries(Arc<Cut>);

#[async_trait]
impl Harness for Boundaries {
    const DURABLE: bool = true;

    async fn fresh() -> Self {
        Self(Arc::new(Cut::new()))
    }

    fn store(&self) -> Arc<dyn FullStore> {
        self.0.clone()
    }

    async fn reopen(&self) -> Arc<dyn FullStore> {
        self.0.clone()
    }
}

crate::content_store_conformance!(Boundaries);

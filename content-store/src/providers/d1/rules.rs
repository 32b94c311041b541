//! The suite on SQLite by D1's rules: one batch is one transaction, every number is bound as REAL, rows come as
//! objects, statements have limits. What passes here is SQL that D1 runs; the binding itself is not under test.

use std::sync::{Arc, Mutex};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement as Prepared, params_from_iter};

use super::STORE;
use super::rows::Columns;
use crate::conformance::Harness;
use crate::providers::d1_rules::check as within_limits;
use crate::sql::{Answers, Batch, Origin, Row, Statement, Value as Cell};
use crate::{FullStore, migrations};

struct ByRules {
    origin: Origin,
    connection: Mutex<Connection>,
}

crate::sql::ledgers!(ByRules, landed_by: read);
crate::sql::managed!(ByRules, newest_by: read);

impl ByRules {
    fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        for (_, file) in migrations::export() {
            connection.execute_batch(&file).unwrap();
        }
        Self {
            origin: Origin {
                store: STORE,
                place: "the database".into(),
            },
            connection: Mutex::new(connection),
        }
    }

    async fn write<T>(&self, batch: Batch<T>) -> Result<T> {
        let Batch { statements, finish } = batch;
        within_limits(&statements)?;
        let rows = {
            let connection = self.connection.lock().unwrap();
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            let rows = statements.iter().map(|statement| run(&connection, statement)).collect();
            connection.execute_batch("COMMIT").unwrap();
            rows
        };
        finish(Answers::new(rows))
    }

    async fn read<T>(&self, batch: Batch<T>) -> Result<T> {
        self.write(batch).await
    }
}

/// Runs a statement within D1's limits: <https://developers.cloudflare.com/d1/platform/limits/>
fn run(connection: &Connection, statement: &Statement) -> Vec<Row> {
    assert!(statement.sql.len() < 100_000 && statement.args.len() <= 100);
    let mut prepared = connection.prepare(&statement.sql).unwrap();
    assert_eq!(prepared.parameter_count(), statement.args.len(), "{}", statement.sql);
    let names = names(&prepared);
    #[allow(clippy::cast_precision_loss)]
    let bound = statement.args.iter().map(|arg| match arg {
        Cell::Null => rusqlite::types::Value::Null,
        Cell::Int(number) => rusqlite::types::Value::Real(*number as f64),
        Cell::Text(text) => rusqlite::types::Value::Text(text.clone()),
        Cell::Id(id) => rusqlite::types::Value::Text(id.to_string()),
    });
    let mut rows = prepared.query(params_from_iter(bound)).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cells = names.iter().enumerate().map(|(at, name)| {
            let cell = json(row.get_ref(at).unwrap());
            format!("{}:{cell}", serde_json::json!(name))
        });
        let object = format!("{{{}}}", cells.collect::<Vec<_>>().join(","));
        found.push(serde_json::from_str::<Columns>(&object).unwrap().0);
    }
    found
}

/// An object keeps its keys in order only when they differ and none looks like an index.
fn names(prepared: &Prepared<'_>) -> Vec<String> {
    let names: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    for (at, name) in names.iter().enumerate() {
        assert!(!names[..at].contains(name), "two columns are called {name}");
        assert!(
            names.len() == 1 || name.parse::<u32>().is_err(),
            "a column is called {name}"
        );
    }
    names
}

/// As JavaScript has it: a whole number is a whole number.
fn json(cell: ValueRef<'_>) -> String {
    match cell {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => serde_json::json!(std::str::from_utf8(text).unwrap()).to_string(),
        ValueRef::Blob(_) => panic!("no column is a blob"),
    }
}

struct Rules(Arc<ByRules>);

#[async_trait]
impl Harness for Rules {
    const DURABLE: bool = true;

    async fn fresh() -> Self {
        Self(Arc::new(ByRules::new()))
    }

    fn store(&self) -> Arc<dyn FullStore> {
        self.0.clone()
    }

    async fn reopen(&self) -> Arc<dyn FullStore> {
        self.0.clone()
    }
}

crate::content_store_conformance!(Rules);

//! What goes over the wire: <https://developers.cloudflare.com/api/resources/d1/subresources/database/methods/raw/>

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::sql::{Row, Statement, Value};

/// Several statements, run as one batch.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    batch: Vec<Query<'a>>,
}

#[derive(Debug, Serialize)]
struct Query<'a> {
    sql: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<Option<String>>,
}

impl<'a> Request<'a> {
    pub(super) fn new(statements: &'a [Statement]) -> Self {
        let query = |statement: &'a Statement| Query {
            sql: &statement.sql,
            params: statement.args.iter().map(param).collect(),
        };
        Self {
            batch: statements.iter().map(query).collect(),
        }
    }
}

/// Parameters are documented as strings. Every statement casts its numbers, so a string does.
fn param(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Int(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
        Value::Id(id) => Some(id.to_string()),
    }
}

/// What every answer is wrapped in.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de> + Default"))]
pub(super) struct Envelope<T> {
    #[serde(default)]
    pub(super) success: bool,
    #[serde(default)]
    pub(super) errors: Vec<Message>,
    #[serde(default)]
    pub(super) result: T,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    pub(super) code: i64,
    #[serde(default)]
    pub(super) message: String,
}

/// One statement's answer of `/raw`.
#[derive(Debug, Deserialize)]
pub(super) struct Raw {
    pub(super) results: Table,
}

#[derive(Debug, Deserialize)]
pub(super) struct Table {
    #[serde(default)]
    pub(super) rows: Vec<Vec<Json>>,
}

/// One statement's answer of `/query`, as far as a migration looks at it.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) results: Vec<Name>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Name {
    #[serde(default)]
    pub(super) name: Option<String>,
}

/// The rows of a statement, or what no column of this schema holds.
pub(super) fn rows(table: Table) -> Result<Vec<Row>, String> {
    let cell = |cell: Json| match cell {
        Json::Null => Ok(Value::Null),
        Json::String(text) => Ok(Value::Text(text)),
        Json::Number(number) => number.as_i64().map(Value::Int).ok_or_else(|| number.to_string()),
        other => Err(other.to_string()),
    };
    let row = |row: Vec<Json>| row.into_iter().map(cell).collect::<Result<Row, String>>();
    table.rows.into_iter().map(row).collect()
}

//! Rows out and in, for any table.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::{Batch, Cells, Origin, Row, Statement, Value};
use crate::Result;
use crate::transfer::{Exported, Imported, Mark, Record, Shape};

fn json(cell: Value) -> Json {
    match cell {
        Value::Null => Json::Null,
        Value::Int(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Id(id) => id.to_string().into(),
    }
}

fn cell(json: &Json) -> Value {
    match json {
        Json::Number(number) => number.as_i64().map_or(Value::Null, Value::Int),
        Json::String(text) => text.into(),
        _ => Value::Null,
    }
}

fn columns(shape: &Shape) -> String {
    let names: Vec<_> = shape.columns.iter().map(|column| column.name).collect();
    names.join(", ")
}

/// `?n` for that column.
fn place(shape: &Shape, column: usize, n: usize) -> String {
    if shape.columns[column].number {
        format!("CAST(?{n} AS BIGINT)")
    } else {
        format!("?{n}")
    }
}

pub(crate) fn export(origin: &Origin, after: Option<&Mark>, limit: usize) -> Result<Batch<Exported>> {
    let (shape, key) = Mark::position(after)?;
    let mut args: Vec<Value> = vec![i64::try_from(limit).unwrap_or(i64::MAX).into()];
    let keys: Vec<_> = shape.key.iter().map(|at| shape.columns[*at].name).collect();
    let keys = keys.join(", ");
    let mut sql = format!("SELECT {} FROM {}", columns(shape), shape.name);
    if let Some(key) = key {
        let places: Vec<_> = shape
            .key
            .iter()
            .enumerate()
            .map(|(n, at)| place(shape, *at, n + 2))
            .collect();
        args.extend(key.iter().map(cell));
        let _ = write!(sql, " WHERE ({keys}) > ({})", places.join(", "));
    }
    let _ = write!(sql, " ORDER BY {keys} LIMIT CAST(?1 AS BIGINT)");
    let origin = origin.clone();
    Ok(Batch::new(
        vec![Statement { sql: sql.into(), args }],
        move |mut answers| {
            let records = answers.last(0).into_iter().map(|row| record(&origin, shape, row));
            let records = records.collect::<Result<Vec<_>>>()?;
            let next = Mark::after(shape, &records, limit);
            Ok(Exported { records, next })
        },
    ))
}

fn record(origin: &Origin, shape: &'static Shape, row: Row) -> Result<Record> {
    let cells = Cells::new(origin, row).values()?;
    Ok(Record::new(shape, cells.into_iter().map(json).collect()))
}

/// One insert and one look at the row for each: what is there is left, and compared.
pub(crate) fn import(origin: &Origin, records: &[Record]) -> Batch<Imported> {
    let statements = records
        .iter()
        .flat_map(|record| [insert(record), look(record)])
        .collect();
    let (origin, records) = (origin.clone(), records.to_vec());
    Batch::new(statements, move |mut answers| {
        let mut imported = Imported::default();
        for (n, wanted) in records.iter().rev().enumerate() {
            let found = answers.last(n * 2).into_iter().next();
            let found = found.map(|row| record(&origin, wanted.shape(), row)).transpose()?;
            if found.as_ref() != Some(wanted) {
                return Err(wanted.differs(origin.store));
            }
            if answers.last(n * 2 + 1).is_empty() {
                imported.known += 1;
            } else {
                imported.written += 1;
            }
        }
        Ok(imported)
    })
}

fn insert(record: &Record) -> Statement {
    let shape = record.shape();
    let places: Vec<_> = (0..shape.columns.len()).map(|at| place(shape, at, at + 1)).collect();
    let (mut names, mut places) = (columns(shape), places.join(", "));
    if shape.name == "content_op" {
        names += ", nonce";
        places += ", ''";
    }
    let key = shape.columns[shape.key[0]].name;
    let sql = format!(
        "INSERT INTO {} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING RETURNING {key}",
        shape.name
    );
    Statement {
        sql: sql.into(),
        args: record.cells().iter().map(cell).collect(),
    }
}

fn look(record: &Record) -> Statement {
    let shape = record.shape();
    let same = |(n, at): (usize, &usize)| format!("{} = {}", shape.columns[*at].name, place(shape, *at, n + 1));
    let key: Vec<_> = shape.key.iter().enumerate().map(same).collect();
    let sql = format!(
        "SELECT {} FROM {} WHERE {}",
        columns(shape),
        shape.name,
        key.join(" AND ")
    );
    Statement {
        sql: sql.into(),
        args: record.key().iter().map(cell).collect(),
    }
}

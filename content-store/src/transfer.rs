//! [`Transfer`]: a store's rows, out of one and into another of any kind.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::migrations::MIGRATIONS;
use crate::{Error, Result, text};

/// Rows by table and key, for moving house and for comparing. No part of [`ContentStore`](crate::ContentStore).
///
/// Rows are what the tables of [`migrations`](crate::migrations) hold, so they are the same from every store. Nobody may
/// write while they are taken: a row changed in between would be taken as it was or as it is.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Transfer: Send + Sync {
    /// Rows after a mark, from the beginning without one, at most `limit` (1..=[`limits::MAX_ROWS`](crate::limits::MAX_ROWS))
    /// and all of one table. A row is smaller than 2 MB.
    ///
    /// - Followed to its end it gives every row of every table once, by table and key (`export_gives_every_row_once`).
    /// - A mark that is malformed is [`InvalidCursor`](crate::Error::InvalidCursor) (`export_refuses_malformed_marks`).
    async fn export<'a>(&self, after: Option<&'a Mark>, limit: u32) -> Result<Exported>;

    /// Writes rows, at most [`limits::MAX_ROWS`](crate::limits::MAX_ROWS), in one transaction, and reads each back to compare.
    ///
    /// - A store into which another was copied has the same rows and goes on as that one would: ops are known, leases
    ///   and claims hold (`import_makes_the_same_store`).
    /// - A row that is there already is counted and left: a copy that broke off is begun again, or goes on from its mark
    ///   (`import_repeats`).
    /// - A row that is there and says something else is [`RowDiffers`](crate::Error::RowDiffers) and is left as it is;
    ///   others of the call may be written (`import_never_overwrites`).
    async fn import(&self, records: &[Record]) -> Result<Imported>;
}

const _: fn(&dyn Transfer) = |_| {};

/// Copies every row of a store into another, `limit` at a time, and goes on after `mark` where an earlier copy broke off.
/// `done` is told each mark that is reached.
///
/// # Errors
/// As [`Transfer::export`] and [`Transfer::import`].
pub async fn copy<F: Fn(&Mark) + Sync>(
    from: &dyn Transfer,
    to: &dyn Transfer,
    limit: u32,
    mut mark: Option<Mark>,
    done: &F,
) -> Result<Imported> {
    let mut sum = Imported::default();
    loop {
        let piece = from.export(mark.as_ref(), limit).await?;
        if !piece.records.is_empty() {
            let imported = to.import(&piece.records).await?;
            sum.written += imported.written;
            sum.known += imported.known;
        }
        match piece.next {
            None => return Ok(sum),
            Some(next) => {
                done(&next);
                mark = Some(next);
            }
        }
    }
}

/// Rows and a hash over them, by table: two stores with equal digests hold the same.
///
/// # Errors
/// As [`Transfer::export`].
pub async fn digest(store: &dyn Transfer) -> Result<Digest> {
    let (mut digest, mut mark) = (Digest::default(), None);
    loop {
        let piece = store.export(mark.as_ref(), 100).await?;
        piece.records.iter().for_each(|record| digest.add(record));
        match piece.next {
            None => return Ok(digest),
            next => mark = next,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    shape: &'static Shape,
    cells: Vec<Value>,
}

impl Record {
    /// As one line of JSON: `{"content_lock":{"content_id":"…","fields_json":"[]"}}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let named = self.shape.columns.iter().map(|column| column.name.to_owned());
        let row: Map<String, Value> = named.zip(self.cells.iter().cloned()).collect();
        let table = std::iter::once((self.shape.name.to_owned(), Value::Object(row)));
        Value::Object(table.collect()).to_string()
    }

    /// Reads a line of JSON.
    ///
    /// # Errors
    /// [`InvalidInput`](Error::InvalidInput): no JSON, a table or column that this program does not know or that is
    /// missing, a value of another type.
    pub fn from_json(line: &str) -> Result<Self> {
        let malformed = |reason: String| text::invalid("record", reason);
        let tables: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| malformed(format!("is no JSON object: {error}")))?;
        let mut tables = tables.into_iter();
        let (Some((table, Value::Object(row))), None) = (tables.next(), tables.next()) else {
            return Err(malformed("is not one row of one table".to_owned()));
        };
        let shape = shapes().iter().find(|shape| shape.name == table);
        let shape = shape.ok_or_else(|| malformed(format!("is of the table `{}`", crate::error::shortened(&table))))?;
        Self::named(shape, row)
    }

    pub(crate) fn named(shape: &'static Shape, mut row: Map<String, Value>) -> Result<Self> {
        let mut cells = Vec::with_capacity(shape.columns.len());
        for column in &shape.columns {
            match (row.remove(column.name), column.number) {
                (Some(Value::Null), _) => cells.push(Value::Null),
                (Some(Value::String(text)), false) if !text.contains('\0') => cells.push(text.into()),
                (Some(Value::Number(number)), true) if number.is_i64() => cells.push(number.into()),
                _ => {
                    let reason = format!("has no good `{}` of `{}`", column.name, shape.name);
                    return Err(text::invalid("record", reason));
                }
            }
        }
        match row.keys().next() {
            None => Ok(Self::new(shape, cells)),
            Some(name) => {
                let name = crate::error::shortened(name);
                Err(text::invalid("record", format!("has a column `{name}` too many")))
            }
        }
    }

    /// A row in the order of its columns.
    pub(crate) fn new(shape: &'static Shape, mut cells: Vec<Value>) -> Self {
        // Postgres writes lists with spaces, and none where others write an empty one.
        if let [_, Value::String(request), result, _] = cells.as_mut_slice()
            && shape.name == "content_op"
        {
            let lists =
                (request.starts_with("claim ") && !request.starts_with("claim post ")) || request.starts_with("take ");
            match result {
                Value::Null if lists => *result = "[]".into(),
                Value::String(text) if text.starts_with('[') => text.retain(|c| c != ' '),
                _ => {}
            }
        }
        Self { shape, cells }
    }

    /// The text of that column, in a row of a table that has it.
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        let at = self.shape.columns.iter().position(|one| one.name == column)?;
        self.cells.get(at)?.as_str()
    }

    pub(crate) fn shape(&self) -> &'static Shape {
        self.shape
    }

    /// Its cells, the key first where the table has it first.
    pub(crate) fn cells(&self) -> &[Value] {
        &self.cells
    }

    pub(crate) fn key(&self) -> Vec<Value> {
        self.shape
            .key
            .iter()
            .filter_map(|at| self.cells.get(*at).cloned())
            .collect()
    }

    pub(crate) fn differs(&self, store: &'static str) -> Error {
        Error::RowDiffers {
            store,
            table: self.shape.name,
            key: Value::Array(self.key()).to_string(),
        }
    }

    /// SHA-256 in hex over its line.
    #[must_use]
    pub fn hash(&self) -> String {
        text::sha256_hex([self.to_json().as_str()])
    }
}

/// A piece of an export.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The rows.
    pub records: Vec<Record>,
    /// Where the next piece starts. `None` at the end.
    pub next: Option<Mark>,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Rows written.
    pub written: u64,
    /// Rows that were there already, the same.
    pub known: u64,
}

/// How far an export has come. Good for every store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(String);

impl Mark {
    /// The mark of that text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The mark as text: JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The table to read, and the key to read after; from its first row without one.
    pub(crate) fn position(mark: Option<&Self>) -> Result<(&'static Shape, Option<Vec<Value>>)> {
        let malformed = || Error::InvalidCursor { reason: "is malformed" };
        let Some(mark) = mark else {
            return shapes().first().map(|shape| (shape, None)).ok_or_else(malformed);
        };
        let (table, key): (String, Option<Vec<Value>>) = serde_json::from_str(&mark.0).map_err(|_| malformed())?;
        let shape = shapes()
            .iter()
            .find(|shape| shape.name == table)
            .ok_or_else(malformed)?;
        let fits = |key: &Vec<Value>| {
            let kinds = shape.key.iter().map(|at| shape.columns[*at].number);
            key.len() == shape.key.len()
                && key
                    .iter()
                    .zip(kinds)
                    .all(|(part, number)| part.is_i64() == number && (number || part.is_string()))
        };
        if key.as_ref().is_some_and(|key| !fits(key)) {
            return Err(malformed());
        }
        Ok((shape, key))
    }

    /// The mark after rows of a table of which `limit` were asked for.
    pub(crate) fn after(shape: &Shape, records: &[Record], limit: usize) -> Option<Self> {
        let (table, key) = match records.last().filter(|_| records.len() == limit) {
            Some(last) => (shape.name, Some(last.key())),
            None => (
                shapes().iter().skip_while(|one| one.name != shape.name).nth(1)?.name,
                None,
            ),
        };
        Some(Self(serde_json::json!((table, key)).to_string()))
    }
}

/// Rows and the hash over them, by table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest(BTreeMap<String, (u64, String)>);

impl Digest {
    /// Adds the next row. Digests are equal only for rows in the same order.
    pub fn add(&mut self, record: &Record) {
        let (rows, hash) = self.0.entry(record.shape.name.to_owned()).or_default();
        *rows += 1;
        *hash = text::sha256_hex([hash.as_str(), record.to_json().as_str()]);
    }

    /// Table, rows, hash.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64, &str)> {
        self.0
            .iter()
            .map(|(table, (rows, hash))| (table.as_str(), *rows, hash.as_str()))
    }
}

/// A table as the migrations make it, but for the nonce of ops: it tells two attempts of one moment apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<Column>,
    /// Places of the key's columns.
    pub(crate) key: Vec<usize>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) number: bool,
}

/// Every table, in the order of [`TABLES`](crate::migrations::TABLES).
pub(crate) fn shapes() -> &'static [Shape] {
    static SHAPES: OnceLock<Vec<Shape>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let statements = MIGRATIONS.iter().flat_map(|migration| migration.statements);
        statements.filter_map(|statement| shape(statement)).collect()
    })
}

fn shape(statement: &'static str) -> Option<Shape> {
    let mut lines = statement.lines();
    let name = lines
        .next()?
        .strip_prefix("CREATE TABLE IF NOT EXISTS ")?
        .strip_suffix(" (")?;
    let (mut columns, mut keys) = (Vec::new(), Vec::new());
    for line in lines {
        let mut words = line.split_whitespace();
        match (words.next(), words.next().map(|kind| kind.trim_end_matches(','))) {
            (Some("nonce"), _) => {}
            (Some(column), Some(kind @ ("TEXT" | "INTEGER"))) => {
                if line.contains("PRIMARY KEY") {
                    keys.push(column);
                }
                let number = kind == "INTEGER";
                columns.push(Column { name: column, number });
            }
            (Some("PRIMARY"), _) => {
                let list = line.split(['(', ')']).nth(1)?;
                keys.extend(list.split(", "));
            }
            _ => {}
        }
    }
    let place = |key: &str| columns.iter().position(|column: &Column| column.name == key);
    let key = keys.into_iter().filter_map(place).collect();
    Some(Shape { name, columns, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_those_of_the_migrations() {
        let names: Vec<_> = shapes().iter().map(|shape| shape.name).collect();
        assert_eq!(names, crate::migrations::TABLES);
        assert!(shapes().iter().all(|shape| !shape.key.is_empty()), "{:?}", shapes());
        let columns: usize = shapes().iter().map(|shape| shape.columns.len()).sum();
        let made: usize = MIGRATIONS
            .iter()
            .flat_map(|migration| migration.statements)
            .filter(|statement| statement.starts_with("CREATE TABLE"))
            .flat_map(|statement| statement.lines())
            .filter(|line| line.starts_with("  ") && line.contains(" TEXT") | line.contains(" INTEGER"))
            .count();
        assert_eq!(columns + 1, made, "all but the nonce");
    }

    #[test]
    fn lines_are_read_as_they_were_written() {
        let line = r#"{"content_redirect":{"at_ms":7,"locale":"en","page_id":null,"site":"s","slug":"ä\""}}"#;
        let record = Record::from_json(line).unwrap();
        assert_eq!(record.to_json(), line);
        assert_eq!(record.key(), ["s", "en", "ä\""]);
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"sqlite_schema":{}}"#,
            r#"{"content_lock":{}}"#,
            r#"{"content_lock":{"content_id":1,"fields_json":"[]"}}"#,
            r#"{"content_lock":{"content_id":"\u0000","fields_json":"[]"}}"#,
            r#"{"content_lock":{"content_id":"a","fields_json":"[]","x; DROP TABLE outbox":1}}"#,
            r#"{"content_redirect":{"at_ms":7.5,"locale":"en","page_id":null,"site":"s","slug":"a"}}"#,
        ] {
            let answer = Record::from_json(wrong);
            assert!(
                matches!(answer, Err(Error::InvalidInput { field: "record", .. })),
                "{wrong}: {answer:?}"
            );
        }
    }
}

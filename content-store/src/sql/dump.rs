//! Rows as one text of SQL, for D1's import: <https://developers.cloudflare.com/d1/best-practices/import-export-data/>

use std::fmt::Write as _;

use serde_json::Value;

use crate::text;
use crate::transfer::{Record, Shape};

/// Text past this many bytes is put together beside the row first: D1 takes statements of 100,000 bytes, in a file too
/// (<https://developers.cloudflare.com/d1/platform/limits/>). A row has up to ten such cells, and quotes may double them.
const CELL: usize = 4_000;

/// Bytes added by one statement.
const PART: usize = 40_000;

/// Long cells by the hash over them, so that a repeat finds them as far as they are, and never another's.
const TABLE: &str = "content_import";

/// Statements that write the rows and leave those that are there. Any of them may run twice.
pub(crate) fn dump(records: &[Record]) -> String {
    let mut sql =
        format!("CREATE TABLE IF NOT EXISTS {TABLE} (cell TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;\n");
    for record in records {
        row(&mut sql, record);
    }
    let _ = writeln!(sql, "DROP TABLE IF EXISTS {TABLE};");
    sql
}

fn row(sql: &mut String, record: &Record) {
    let shape: &Shape = record.shape();
    let mut names: Vec<&str> = shape.columns.iter().map(|column| column.name).collect();
    let mut cells: Vec<String> = record.cells().iter().map(|cell| literal(sql, cell)).collect();
    if shape.name == "content_op" {
        names.push("nonce");
        cells.push("''".to_owned());
    }
    let (names, cells) = (names.join(", "), cells.join(", "));
    let _ = writeln!(
        sql,
        "INSERT INTO {} ({names}) VALUES ({cells}) ON CONFLICT DO NOTHING;",
        shape.name
    );
}

/// A cell in a statement; what is too long for one is put together by statements before it.
fn literal(sql: &mut String, cell: &Value) -> String {
    match cell {
        Value::String(long) if long.len() > CELL => {
            let cell = text::sha256_hex([long.as_str()]);
            let _ = writeln!(
                sql,
                "INSERT INTO {TABLE} (cell, value) VALUES ('{cell}', '') ON CONFLICT DO NOTHING;"
            );
            let (mut done, mut rest) = (0, long.as_str());
            while !rest.is_empty() {
                let (part, after) = rest.split_at(rest.floor_char_boundary(PART));
                let _ = writeln!(
                    sql,
                    "UPDATE {TABLE} SET value = value || {} WHERE cell = '{cell}' AND length(CAST(value AS BLOB)) = {done};",
                    quoted(part)
                );
                done += part.len();
                rest = after;
            }
            format!("(SELECT value FROM {TABLE} WHERE cell = '{cell}')")
        }
        Value::String(short) => quoted(short),
        Value::Number(number) => number.to_string(),
        _ => "NULL".to_owned(),
    }
}

/// No record holds a NUL, so doubled quotes are all that a literal needs.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

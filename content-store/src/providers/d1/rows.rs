//! Rows as D1 gives them: objects, one key per column, in the order of the columns.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use worker::D1Result;

use super::classify;
use crate::sql::{Origin, Row, Value};
use crate::{Error, Result};

/// The rows of each statement.
pub(super) fn read(origin: &Origin, results: &[D1Result]) -> Result<Vec<Vec<Row>>> {
    let rows = |result: &D1Result| -> worker::Result<Vec<Row>> {
        Ok(result.results::<Columns>()?.into_iter().map(|row| row.0).collect())
    };
    let unreadable = |error| -> Error { origin.corrupt(classify::words(&error)) };
    results.iter().map(|result| rows(result).map_err(unreadable)).collect()
}

/// The cells of a row by position. No statement gives two columns one name.
pub(super) struct Columns(pub(super) Row);

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cells;

        impl<'de> Visitor<'de> for Cells {
            type Value = Columns;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Columns, A::Error> {
                let mut row = Vec::new();
                while let Some((IgnoredAny, Cell(value))) = map.next_entry()? {
                    row.push(value);
                }
                Ok(Columns(Row::Cells(row)))
            }
        }

        deserializer.deserialize_map(Cells)
    }
}

struct Cell(Value);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;

        impl Visitor<'_> for One {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("NULL, a whole number or text")
            }

            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell(Value::Null))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
                Ok(Cell(Value::Int(number)))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Cell, E> {
                let number = i64::try_from(number).map_err(|_| E::custom("a number is beyond 2^63"))?;
                Ok(Cell(Value::Int(number)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell(Value::Text(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Cell, E> {
                Ok(Cell(Value::Text(text)))
            }
        }

        deserializer.deserialize_any(One)
    }
}

//! Cells of a row, read in the order of its columns.

use std::vec::IntoIter;

use serde_json::Value as Json;
use uuid::Uuid;

use super::Origin;
use crate::{OpId, PageId, PostId, Result, Status};

/// What SQL takes and gives here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    /// An id, which SQL is given as text. Rows have none.
    Id(Uuid),
}

impl From<OpId> for Value {
    fn from(id: OpId) -> Self {
        Self::Id(id.0)
    }
}

impl From<PageId> for Value {
    fn from(id: PageId) -> Self {
        Self::Id(id.0)
    }
}

impl From<PostId> for Value {
    fn from(id: PostId) -> Self {
        Self::Id(id.0)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row, as it came.
#[derive(Debug)]
pub(crate) enum Row {
    Cells(Vec<Value>),
    #[cfg(feature = "sqlite")]
    Packed(Packed),
    #[cfg(feature = "postgres")]
    Postgres(tokio_postgres::Row),
}

/// A row for another thread. All of its text is one piece, because memory that one thread takes and another gives back
/// is dear: the reader takes its own.
#[cfg(feature = "sqlite")]
#[derive(Debug)]
pub(crate) struct Packed {
    text: String,
    cells: Vec<Cell>,
}

#[cfg(feature = "sqlite")]
#[derive(Clone, Copy, Debug)]
enum Cell {
    Null,
    Number(i64),
    /// From where to where.
    Text(usize, usize),
}

#[cfg(feature = "sqlite")]
impl Packed {
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            text: String::with_capacity(1_024),
            cells: Vec::with_capacity(columns),
        }
    }

    pub(crate) fn null(&mut self) {
        self.cells.push(Cell::Null);
    }

    pub(crate) fn number(&mut self, number: i64) {
        self.cells.push(Cell::Number(number));
    }

    pub(crate) fn text(&mut self, text: &str) {
        let from = self.text.len();
        self.text.push_str(text);
        self.cells.push(Cell::Text(from, self.text.len()));
    }

    fn value(&self, at: usize) -> Value {
        match self.cells.get(at) {
            Some(Cell::Number(number)) => Value::Int(*number),
            Some(Cell::Text(from, to)) => self.text.get(*from..*to).into(),
            Some(Cell::Null) | None => Value::Null,
        }
    }

    /// Text or NULL.
    fn said(&self, at: usize) -> std::result::Result<Option<&str>, Option<Value>> {
        match self.cells.get(at) {
            Some(Cell::Text(from, to)) => Ok(self.text.get(*from..*to)),
            Some(Cell::Null) => Ok(None),
            Some(Cell::Number(number)) => Err(Some(Value::Int(*number))),
            None => Err(None),
        }
    }
}

impl Default for Row {
    fn default() -> Self {
        Self::Cells(Vec::new())
    }
}

impl FromIterator<Value> for Row {
    fn from_iter<I: IntoIterator<Item = Value>>(cells: I) -> Self {
        Self::Cells(cells.into_iter().collect())
    }
}

enum Source {
    Cells(IntoIter<Value>),
    #[cfg(feature = "sqlite")]
    Packed(Packed, usize),
    /// The row and how far it is read.
    #[cfg(feature = "postgres")]
    Postgres(tokio_postgres::Row, usize),
}

pub(crate) struct Cells<'a> {
    origin: &'a Origin,
    source: Source,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(origin: &'a Origin, row: Row) -> Self {
        let source = match row {
            Row::Cells(cells) => Source::Cells(cells.into_iter()),
            #[cfg(feature = "sqlite")]
            Row::Packed(row) => Source::Packed(row, 0),
            #[cfg(feature = "postgres")]
            Row::Postgres(row) => Source::Postgres(row, 0),
        };
        Self { origin, source }
    }

    /// The rest of the row.
    pub(crate) fn values(self) -> Result<Vec<Value>> {
        match self.source {
            Source::Cells(cells) => Ok(cells.collect()),
            #[cfg(feature = "sqlite")]
            Source::Packed(row, at) => Ok((at..row.cells.len()).map(|at| row.value(at)).collect()),
            #[cfg(feature = "postgres")]
            Source::Postgres(row, at) => {
                use tokio_postgres::types::Type;

                let number = |column: &tokio_postgres::Column| matches!(*column.type_(), Type::INT8 | Type::INT4);
                let numbers: Vec<_> = row.columns().iter().skip(at).map(number).collect();
                let mut rest = Self {
                    origin: self.origin,
                    source: Source::Postgres(row, at),
                };
                let mut value = |number| match number {
                    true => Ok(rest.opt_int()?.into()),
                    false => Ok(rest.opt_text()?.into()),
                };
                numbers.into_iter().map(&mut value).collect()
            }
        }
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<String>> {
        match &mut self.source {
            Source::Cells(cells) => match cells.next() {
                Some(Value::Text(text)) => Ok(Some(text)),
                Some(Value::Null) => Ok(None),
                other => Err(unexpected(self.origin, "text", other)),
            },
            #[cfg(feature = "sqlite")]
            Source::Packed(row, at) => {
                *at += 1;
                match row.said(*at - 1) {
                    Ok(text) => Ok(text.map(str::to_owned)),
                    Err(other) => Err(unexpected(self.origin, "text", other)),
                }
            }
            #[cfg(feature = "postgres")]
            Source::Postgres(row, at) => {
                *at += 1;
                let text = row.try_get::<_, Option<String>>(*at - 1);
                text.map_err(|error| self.origin.corrupt(error.to_string()))
            }
        }
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        match self.opt_text()? {
            Some(text) => Ok(text),
            None => Err(unexpected(self.origin, "text", Some(Value::Null))),
        }
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>> {
        match &mut self.source {
            Source::Cells(cells) => match cells.next() {
                Some(Value::Int(number)) => Ok(Some(number)),
                Some(Value::Null) => Ok(None),
                other => Err(unexpected(self.origin, "a number", other)),
            },
            #[cfg(feature = "sqlite")]
            Source::Packed(row, at) => {
                *at += 1;
                match row.cells.get(*at - 1) {
                    Some(Cell::Number(number)) => Ok(Some(*number)),
                    Some(Cell::Null) => Ok(None),
                    Some(Cell::Text(..)) | None => {
                        let found = row.value(*at - 1);
                        Err(unexpected(self.origin, "a number", Some(found)))
                    }
                }
            }
            #[cfg(feature = "postgres")]
            Source::Postgres(row, at) => {
                *at += 1;
                let number = match row.columns().get(*at - 1).map(tokio_postgres::Column::type_) {
                    Some(&tokio_postgres::types::Type::INT4) => row
                        .try_get::<_, Option<i32>>(*at - 1)
                        .map(|number| number.map(i64::from)),
                    _ => row.try_get::<_, Option<i64>>(*at - 1),
                };
                number.map_err(|error| self.origin.corrupt(error.to_string()))
            }
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        match self.opt_int()? {
            Some(number) => Ok(number),
            None => Err(unexpected(self.origin, "a number", Some(Value::Null))),
        }
    }

    /// A number that counts.
    pub(crate) fn count<T: TryFrom<i64>>(&mut self) -> Result<T> {
        let number = self.int()?;
        T::try_from(number).map_err(|_| unexpected(self.origin, "a count", Some(Value::Int(number))))
    }

    pub(crate) fn json(&mut self) -> Result<Json> {
        self.parsed("JSON", |text| serde_json::from_str(text).ok())
    }

    /// Text that may hold NUL, kept as a JSON string.
    pub(crate) fn json_text(&mut self) -> Result<String> {
        self.parsed("a JSON string", |text| serde_json::from_str(text).ok())
    }

    pub(crate) fn list(&mut self) -> Result<Vec<String>> {
        self.parsed("a list", |text| serde_json::from_str(text).ok())
    }

    /// Text read for what it says.
    fn parsed<T>(&mut self, wanted: &str, mut parse: impl FnMut(&str) -> Option<T>) -> Result<T> {
        let mut read = |text: Option<&str>| match text.and_then(&mut parse) {
            Some(parsed) => Ok(parsed),
            None => Err(unexpected(self.origin, wanted, Some(text.into()))),
        };
        match &mut self.source {
            Source::Cells(cells) => match cells.next() {
                Some(Value::Text(text)) => read(Some(&text)),
                other => Err(unexpected(self.origin, wanted, other)),
            },
            #[cfg(feature = "sqlite")]
            Source::Packed(row, at) => {
                *at += 1;
                match row.said(*at - 1) {
                    Ok(text) => read(text),
                    Err(other) => Err(unexpected(self.origin, wanted, other)),
                }
            }
            #[cfg(feature = "postgres")]
            Source::Postgres(row, at) => {
                *at += 1;
                match row.try_get(*at - 1) {
                    Ok(text) => read(text),
                    Err(error) => Err(self.origin.corrupt(error.to_string())),
                }
            }
        }
    }

    /// Names of fields as JSON; none for NULL. A field that this program does not know is nothing it could overwrite.
    pub(crate) fn fields(&mut self) -> Result<Vec<crate::Field>> {
        let Some(text) = self.opt_text()? else {
            return Ok(Vec::new());
        };
        match serde_json::from_str::<Vec<String>>(&text) {
            Ok(names) => Ok(names.iter().filter_map(|name| crate::Field::parse(name)).collect()),
            Err(_) => Err(unexpected(self.origin, "a list", Some(Value::Text(text)))),
        }
    }

    pub(crate) fn id<T: std::str::FromStr>(&mut self) -> Result<T> {
        self.parsed("an id", |text| text.parse().ok())
    }

    pub(crate) fn status(&mut self) -> Result<Status> {
        self.parsed("a status", Status::parse)
    }

    pub(crate) fn post_status(&mut self) -> Result<crate::PostStatus> {
        self.parsed("a status", crate::PostStatus::parse)
    }
}

fn unexpected(origin: &Origin, wanted: &str, found: Option<Value>) -> crate::Error {
    let found = match found {
        None => "nothing".to_owned(),
        Some(Value::Null) => "NULL".to_owned(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Text(text)) => format!("`{}`", text.chars().take(40).collect::<String>()),
        Some(Value::Id(id)) => format!("`{id}`"),
    };
    origin.corrupt(format!("a row holds {found} where {wanted} belongs"))
}

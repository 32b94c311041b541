//! Cells of a row, read in the order of its columns.

use std::vec::IntoIter;

use serde_json::Value as Json;

use super::Origin;
use crate::{Result, Status};

/// What SQL takes and gives here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
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

pub(crate) type Row = Vec<Value>;

pub(crate) struct Cells<'a> {
    origin: &'a Origin,
    cells: IntoIter<Value>,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(origin: &'a Origin, row: Row) -> Self {
        Self {
            origin,
            cells: row.into_iter(),
        }
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<String>> {
        match self.cells.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            other => Err(self.unexpected("text", other)),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        match self.opt_text()? {
            Some(text) => Ok(text),
            None => Err(self.unexpected("text", Some(Value::Null))),
        }
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>> {
        match self.cells.next() {
            Some(Value::Int(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            other => Err(self.unexpected("a number", other)),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        match self.opt_int()? {
            Some(number) => Ok(number),
            None => Err(self.unexpected("a number", Some(Value::Null))),
        }
    }

    /// A number that counts.
    pub(crate) fn count<T: TryFrom<i64>>(&mut self) -> Result<T> {
        let number = self.int()?;
        T::try_from(number).map_err(|_| self.unexpected("a count", Some(Value::Int(number))))
    }

    pub(crate) fn json(&mut self) -> Result<Json> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|_| self.unexpected("JSON", Some(Value::Text(text))))
    }

    /// Text that may hold NUL, kept as a JSON string.
    pub(crate) fn json_text(&mut self) -> Result<String> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|_| self.unexpected("a JSON string", Some(Value::Text(text))))
    }

    pub(crate) fn list(&mut self) -> Result<Vec<String>> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|_| self.unexpected("a list", Some(Value::Text(text))))
    }

    /// Names of fields as JSON; none for NULL. A field that this program does not know is nothing it could overwrite.
    pub(crate) fn fields(&mut self) -> Result<Vec<crate::Field>> {
        let Some(text) = self.opt_text()? else {
            return Ok(Vec::new());
        };
        match serde_json::from_str::<Vec<String>>(&text) {
            Ok(names) => Ok(names.iter().filter_map(|name| crate::Field::parse(name)).collect()),
            Err(_) => Err(self.unexpected("a list", Some(Value::Text(text)))),
        }
    }

    pub(crate) fn id<T: std::str::FromStr>(&mut self) -> Result<T> {
        let text = self.text()?;
        text.parse()
            .map_err(|_| self.unexpected("an id", Some(Value::Text(text))))
    }

    pub(crate) fn status(&mut self) -> Result<Status> {
        let text = self.text()?;
        Status::parse(&text).ok_or_else(|| self.unexpected("a status", Some(Value::Text(text))))
    }

    pub(crate) fn post_status(&mut self) -> Result<crate::PostStatus> {
        let text = self.text()?;
        crate::PostStatus::parse(&text).ok_or_else(|| self.unexpected("a status", Some(Value::Text(text))))
    }

    fn unexpected(&self, wanted: &str, found: Option<Value>) -> crate::Error {
        let found = match found {
            None => "nothing".to_owned(),
            Some(Value::Null) => "NULL".to_owned(),
            Some(Value::Int(number)) => number.to_string(),
            Some(Value::Text(text)) => format!("`{}`", text.chars().take(40).collect::<String>()),
        };
        self.origin
            .corrupt(format!("a row holds {found} where {wanted} belongs"))
    }
}

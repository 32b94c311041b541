//! Topics from a CSV file: one row becomes one planned page.
//!
//! Required columns are `key` (what the row is about, stable for ever), `slug` (address of the page) and `keyword`
//! (what a searcher types). Every other column is a fact the page may state.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use presswork_content_store::NewPage;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::config::SiteConfig;

/// Columns every topics file has.
pub const REQUIRED: [&str; 3] = ["key", "slug", "keyword"];

/// Most bytes of one cell. A fact is a sentence, not a document; a longer one is a quote that was never closed.
pub const MAX_CELL: usize = 64 * 1024;

/// Most bytes one row may take before it ends.
const MAX_ROW: u64 = 1024 * 1024;

/// Why a topics file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TopicsError {
    /// The file cannot be read.
    #[error("{file}: {cause}")]
    Io {
        /// Name of the file.
        file: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The first line does not name the columns.
    #[error("{file}:1: {message}")]
    Header {
        /// Name of the file.
        file: String,
        /// Which column is wrong and what is expected.
        message: String,
    },
    /// One row is wrong.
    #[error("{file}:{line}: {field}: {message}")]
    Row {
        /// Name of the file.
        file: String,
        /// Line the row begins on, counted from 1.
        line: u64,
        /// Name of the column, or `row`.
        field: String,
        /// What is wrong and what is expected.
        message: String,
    },
}

/// The rows of a topics file, checked as they are read; memory stays at one row and 48 bytes per row read.
pub struct Topics<R> {
    file: String,
    site: SiteConfig,
    columns: Vec<String>,
    identity: [usize; 3],
    rows: csv::Reader<Metered<R>>,
    unread: Arc<AtomicU64>,
    seen: [HashSet<[u8; 16]>; 3],
    record: csv::StringRecord,
}

impl<R> std::fmt::Debug for Topics<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topics")
            .field("file", &self.file)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Topics<R> {
    /// Reads the header of `input`, which messages call `file`.
    ///
    /// # Errors
    /// [`TopicsError::Header`] when a required column is missing or a column is named twice, [`TopicsError::Io`].
    pub fn new(file: &str, input: R, site: &SiteConfig) -> Result<Self, TopicsError> {
        let unread = Arc::new(AtomicU64::new(0));
        let mut rows = csv::Reader::from_reader(Metered {
            inner: input,
            unread: Arc::clone(&unread),
        });
        let header = |message: String| TopicsError::Header {
            file: file.into(),
            message,
        };
        let columns: Vec<String> = match rows.headers() {
            Ok(names) => names.iter().map(|name| name.trim().to_owned()).collect(),
            Err(error) => return Err(header(describe(&error, &[]).1)),
        };
        for (index, name) in columns.iter().enumerate() {
            if columns[..index].contains(name) {
                return Err(header(format!("column {name:?} is there twice")));
            }
        }
        let mut identity = [0; 3];
        for (slot, name) in identity.iter_mut().zip(REQUIRED) {
            *slot = columns.iter().position(|column| column == name).ok_or_else(|| {
                let found = columns
                    .iter()
                    .take(12)
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(", ");
                header(format!(
                    "column {name:?} is missing; expected key, slug, keyword and any facts, found {found:?}"
                ))
            })?;
        }
        Ok(Self {
            file: file.into(),
            site: site.clone(),
            columns,
            identity,
            rows,
            unread,
            seen: Default::default(),
            record: csv::StringRecord::new(),
        })
    }

    /// Line on which the row that was read last begins, counted from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    /// Bytes of the file behind the row that was read last.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.rows.position().byte()
    }

    fn read(&mut self) -> Result<Option<NewPage>, TopicsError> {
        self.unread.store(0, Ordering::Relaxed);
        match self.rows.read_record(&mut self.record) {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(error) => {
                let (line, message) = describe(&error, &self.columns);
                let line = line.unwrap_or_else(|| self.rows.position().line());
                return Err(self.fault(line, "row", message));
            }
        }
        self.page(self.line()).map(Some)
    }

    fn page(&mut self, line: u64) -> Result<NewPage, TopicsError> {
        let mut facts = Map::with_capacity(self.columns.len());
        for (name, cell) in self.columns.iter().zip(&self.record) {
            if cell.len() > MAX_CELL {
                let message = format!("the cell has {} bytes, expected at most {MAX_CELL}", cell.len());
                return Err(self.fault(line, name, message));
            }
            if cell.contains('\0') {
                return Err(self.fault(line, name, "the cell holds a NUL character".into()));
            }
            facts.insert(name.clone(), Value::from(cell.trim()));
        }
        let [key, slug, keyword] = self
            .identity
            .map(|index| self.record.get(index).unwrap_or_default().trim().to_owned());
        for (index, (name, value)) in REQUIRED.into_iter().zip([&key, &slug, &keyword]).enumerate() {
            if value.is_empty() {
                return Err(self.fault(line, name, "the cell is empty".into()));
            }
            // Searchers do not tell `Berlin` from `berlin`; keys may differ in case.
            let folded = if name == "keyword" {
                value.to_lowercase()
            } else {
                value.clone()
            };
            let folded = Sha256::digest(folded);
            let mut short = [0; 16];
            short.copy_from_slice(&folded[..16]);
            if !self.seen[index].insert(short) {
                return Err(self.fault(line, name, format!("{value:?} is there already in an earlier row")));
            }
        }
        let page = NewPage {
            site: self.site.id.clone(),
            locale: self.site.locale.clone(),
            slug,
            row_key: key,
            primary_keyword: keyword.to_lowercase(),
            topic: Value::Object(facts),
        };
        page.validate()
            .map_err(|error| self.fault(line, "row", error.to_string()))?;
        Ok(page)
    }

    fn fault(&self, line: u64, field: &str, message: String) -> TopicsError {
        TopicsError::Row {
            file: self.file.clone(),
            line,
            field: field.into(),
            message,
        }
    }
}

impl<R: Read> Iterator for Topics<R> {
    type Item = Result<NewPage, TopicsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// The line, if the error knows it, and a sentence.
fn describe(error: &csv::Error, columns: &[String]) -> (Option<u64>, String) {
    let line = error.position().map(csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} cells, the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { err, .. } => match columns.get(err.field()) {
            Some(name) => format!("column {name:?} is not UTF-8 at byte {} of the cell", err.valid_up_to()),
            None => "the row is not UTF-8".into(),
        },
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    };
    (line, message)
}

/// Stops a row that never ends, e.g. behind an open quote, before it fills the memory.
struct Metered<R> {
    inner: R,
    unread: Arc<AtomicU64>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.load(Ordering::Relaxed) > MAX_ROW {
            let message =
                format!("the row does not end within {MAX_ROW} bytes; is a quote left open, or a cell far too long?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let count = self.inner.read(buffer)?;
        self.unread.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;

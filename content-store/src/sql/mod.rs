//! Every operation as one batch of SQL and a reading of its answer.
//!
//! A batch has no branches: D1's only transaction is a list of statements. So the first statement of a write inserts
//! the op's row if (and only if) the write is legal, with a nonce of this attempt, and every other statement works only
//! while that row with that nonce is there. A repeat finds the row of the first attempt and changes nothing.
//!
//! The text runs on SQLite and D1 alike, and the Postgres store translates it: `?N` placeholders, numbers
//! cast (D1 binds every number as REAL), no branching, lists as one JSON parameter (D1 takes 100 parameters per statement).

#[cfg(all(test, feature = "sqlite", feature = "postgres", feature = "conformance"))]
#[allow(clippy::unwrap_used, clippy::expect_used)] // test code beside what it cuts off
mod boundaries;
pub(crate) mod dead_letters;
#[cfg(feature = "d1-http")]
pub(crate) mod dump;
pub(crate) mod edits;
#[cfg(feature = "sqlite")]
pub(crate) mod leases;
mod ledgers;
pub(crate) mod outbox;
pub(crate) mod page_reads;
pub(crate) mod pages;
pub(crate) mod plan;
pub(crate) mod posts;
mod read;
#[cfg(all(test, feature = "sqlite", feature = "postgres", feature = "conformance"))]
#[allow(clippy::unwrap_used, clippy::expect_used)] // test code beside what it records
mod recording;
pub(crate) mod spend;
pub(crate) mod transfer;
pub(crate) mod upkeep;

use std::borrow::Cow;
use std::sync::Arc;

use crate::{Error, Op, Result, limits};

pub(crate) use ledgers::{ledgers, managed};
#[cfg(feature = "sqlite")]
pub(crate) use read::Packed;
pub(crate) use read::{Cells, Row, Value};

/// Which store speaks, for its errors.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) store: &'static str,
    pub(crate) place: Arc<str>,
}

impl Origin {
    pub(crate) fn corrupt(&self, detail: impl Into<String>) -> Error {
        let place = self.place.to_string();
        Error::Corrupt {
            store: self.store,
            place,
            detail: detail.into(),
            source: None,
        }
    }

    pub(crate) fn missing(&self, what: &'static str, id: impl ToString) -> Error {
        Error::NotFound {
            store: self.store,
            what,
            id: id.to_string(),
        }
    }
}

/// One statement with its parameters.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) args: Vec<Value>,
}

pub(crate) fn statement<const N: usize>(sql: impl Into<Cow<'static, str>>, args: [Value; N]) -> Statement {
    Statement {
        sql: sql.into(),
        args: args.into(),
    }
}

/// What the statements gave, in their order.
pub(crate) struct Answers(Vec<Vec<Row>>);

impl Answers {
    pub(crate) fn new(rows: Vec<Vec<Row>>) -> Self {
        Self(rows)
    }

    /// The rows of the `n`-th statement from the end, the last being 0.
    fn last(&mut self, n: usize) -> Vec<Row> {
        let len = self.0.len();
        len.checked_sub(n + 1)
            .and_then(|at| self.0.get_mut(at))
            .map(std::mem::take)
            .unwrap_or_default()
    }
}

/// One transaction and what its answer means.
pub(crate) struct Batch<T> {
    pub(crate) statements: Vec<Statement>,
    pub(crate) finish: Box<dyn FnOnce(Answers) -> Result<T> + Send>,
}

impl<T> Batch<T> {
    fn new(statements: Vec<Statement>, finish: impl FnOnce(Answers) -> Result<T> + Send + 'static) -> Self {
        Self {
            statements,
            finish: Box::new(finish),
        }
    }
}

/// One attempt at a write. Its statements have the op as `?1` and the nonce as `?2`.
struct Attempt {
    origin: Origin,
    op: Op,
    nonce: crate::OpId,
    request: String,
}

/// What became of an attempt.
enum Landed {
    /// This attempt wrote, now or (answer lost) before. With what it kept for repeats.
    Yes(Option<String>),
    /// The write was not legal; nothing was written.
    No,
}

impl Attempt {
    fn new(origin: &Origin, op: &Op, request: String) -> Self {
        Self {
            origin: origin.clone(),
            op: *op,
            nonce: crate::OpId::new(),
            request,
        }
    }

    fn op(&self) -> Value {
        self.op.id.into()
    }

    fn nonce(&self) -> Value {
        self.nonce.into()
    }

    /// Parameters 1 to 4 of a [`begin!`] statement, then the given ones.
    fn begin<const N: usize>(&self, sql: &'static str, more: [Value; N]) -> Statement {
        let first = [
            self.op(),
            self.nonce(),
            self.request.clone().into(),
            self.op.at_ms.into(),
        ];
        Statement {
            sql: sql.into(),
            args: joined(first, more),
        }
    }

    /// Op and nonce, then the given parameters.
    fn then<const N: usize>(&self, sql: &'static str, more: [Value; N]) -> Statement {
        Statement {
            sql: sql.into(),
            args: joined([self.op(), self.nonce()], more),
        }
    }

    /// Asks for the op's row; [`Attempt::landed_in`] reads it.
    fn ask(&self) -> Statement {
        statement("SELECT request, result FROM content_op WHERE op_id = ?1", [self.op()])
    }

    fn landed(&self, rows: Vec<Row>) -> Result<Landed> {
        match rows.into_iter().next() {
            Some(row) => self.landed_in(&mut Cells::new(&self.origin, row)),
            None => Ok(Landed::No),
        }
    }

    /// Reads request and result, which are NULL where the op has no row.
    fn landed_in(&self, cells: &mut Cells<'_>) -> Result<Landed> {
        let (used_for, result) = (cells.opt_text()?, cells.opt_text()?);
        let Some(used_for) = used_for else {
            return Ok(Landed::No);
        };
        if used_for != self.request {
            let op = self.op.id.to_string();
            return Err(Error::OpReused {
                store: self.origin.store,
                op,
                used_for,
            });
        }
        Ok(Landed::Yes(result))
    }
}

fn joined<const N: usize, const M: usize>(first: [Value; N], more: [Value; M]) -> Vec<Value> {
    let mut args = Vec::with_capacity(N + M);
    args.extend(first);
    args.extend(more);
    args
}

/// True in a statement of the attempt that inserted the op's row.
macro_rules! mark {
    () => {
        "EXISTS (SELECT 1 FROM content_op WHERE op_id = ?1 AND nonce = ?2)"
    };
}

/// Inserts the op's row when the condition holds: op, nonce, request, time are `?1` to `?4`.
///
/// `OR FAIL`, here and in other inserts of one row: whoever runs a batch takes all of it back when a statement fails, so
/// SQLite need not keep a journal of each statement for itself.
macro_rules! begin {
    (keep: $result:expr, when: $condition:expr) => {
        concat!(
            "INSERT OR FAIL INTO content_op (op_id, nonce, request, result, at_ms) SELECT ?1, ?2, ?3, ",
            $result,
            ", CAST(?4 AS BIGINT) WHERE ",
            $condition,
            " ON CONFLICT (op_id) DO NOTHING"
        )
    };
}

/// Where Postgres passes over rows that another claim holds; SQLite and D1, with one writer, read a comment.
macro_rules! skip_locked {
    () => {
        "/* skip locked */"
    };
}

/// True where the status is one of [`statuses`].
macro_rules! among {
    ($status:literal, $statuses:literal) => {
        concat!("instr(", $statuses, ", '|' || ", $status, " || '|') > 0")
    };
}

pub(crate) use {among, begin, mark, skip_locked};

/// Whether the op has a row.
pub(crate) fn did_it_land(op: &crate::OpId) -> Batch<bool> {
    let ask = statement("SELECT 1 FROM content_op WHERE op_id = ?1", [(*op).into()]);
    Batch::new(vec![ask], |mut answers| Ok(!answers.last(0).is_empty()))
}

/// A version as a parameter. No stored one gets past what a double holds, so a larger one fits nothing either way.
fn version(version: u64) -> Value {
    i64::try_from(version).unwrap_or(i64::MAX).min(limits::NUMBER).into()
}

/// What serde writes as a JSON text.
fn json_text(value: &impl serde::Serialize) -> Value {
    serde_json::to_string(value).unwrap_or_default().into() // lists and values of JSON cannot fail
}

/// Statuses that a page may have, for [`among`].
fn statuses(statuses: impl IntoIterator<Item = crate::Status>) -> Value {
    let mut text = String::with_capacity(64);
    for status in statuses {
        text.push('|');
        text += status.as_str();
    }
    text.push('|');
    text.into()
}

/// Rows as one JSON parameter, read by `json_each`.
fn rows_json(rows: Vec<serde_json::Value>) -> Value {
    serde_json::Value::Array(rows).to_string().into()
}

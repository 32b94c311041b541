use std::time::Duration;

use worker::wasm_bindgen::JsValue;

use super::STORE;
use super::classify::words;
use super::rows::Columns;
use crate::providers::d1_rules::{Intent, MAX_PARAMETER, check, failed, late, refused};
use crate::sql::{Origin, Row, Statement, Value, plan, statement};
use crate::{Error, NewPage, Op, limits};

fn origin() -> Origin {
    Origin {
        store: STORE,
        place: "the database".into(),
    }
}

/// What D1 says when the answer is lost, as its documentation and issues have it.
const LOST: &[&str] = &[
    "Network connection lost.",
    "D1 DB storage caused object to be reset.",
    "D1 DB reset because its code was updated.",
    "Cannot resolve D1 DB due to transient issue on remote node.",
    "Internal error while starting up D1 DB storage caused object to be reset.",
    "internal error; reference = 0123456789abcdef",
    "D1 DB storage operation exceeded timeout which caused object to be reset.",
    "client disconnected",
    "something that nobody has heard before",
    "",
];

#[test]
fn what_is_lost_is_unknown_to_a_writer_and_unavailable_to_a_reader() {
    for said in LOST {
        let write = failed(&origin(), Intent::Write, said);
        assert!(
            matches!(write, Error::OutcomeUnknown { .. }) && write.is_retryable(),
            "{write:?}"
        );
        let read = failed(&origin(), Intent::Read, said);
        assert!(
            matches!(read, Error::Unavailable { .. }) && read.is_retryable(),
            "{read:?}"
        );
        assert!(read.to_string().starts_with("d1: "), "{read}");
    }
    let eight = Duration::from_secs(8);
    let write = late(&origin(), Intent::Write, eight);
    assert!(
        matches!(&write, Error::OutcomeUnknown { message, .. } if message == "no answer within 8s"),
        "{write:?}"
    );
    assert!(matches!(
        late(&origin(), Intent::Read, eight),
        Error::Unavailable { .. }
    ));
}

#[test]
fn what_never_began_can_be_repeated() {
    for said in [
        "D1 DB is overloaded. Requests queued for too long.",
        "D1 DB is overloaded. Too many requests queued.",
        "Too many API requests by single worker invocation.",
        "Too many subrequests.",
    ] {
        for intent in [Intent::Read, Intent::Write] {
            let error = failed(&origin(), intent, said);
            assert!(
                matches!(error, Error::Unavailable { .. }) && error.is_retryable(),
                "{error:?}"
            );
        }
    }
}

#[test]
fn what_is_refused_stays_refused() {
    for said in [
        "D1 DB's isolate exceeded its memory limit and was reset.",
        "D1 DB exceeded its CPU time limit and was reset.",
        "UNIQUE constraint failed: t.col: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)",
        "UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)",
        "NOT NULL constraint failed: t.col: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_NOTNULL)",
        "CHECK constraint failed: x: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_CHECK)",
        "FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)",
        "no: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_TRIGGER)",
        "cannot store REAL value in INTEGER column t.n: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_DATATYPE)",
        "too many SQL variables at offset 7: SQLITE_ERROR",
        "statement too long: SQLITE_TOOBIG",
        "LIKE or GLOB pattern too complex: SQLITE_ERROR",
        "not authorized: SQLITE_AUTH",
        "datatype mismatch: SQLITE_MISMATCH",
        "malformed JSON: SQLITE_ERROR",
        "D1_TYPE_ERROR: Type 'bigint' not supported for value '7'",
        "D1_EXEC_ERROR: Error in line 1: CREATE TABLE: incomplete input",
        "D1_COLUMN_NOTFOUND: Column not found (x)",
        "D1_SESSION_ERROR: invalid bookmark or constraint",
        "No SQL statements detected.",
        "Wrong number of parameter bindings for SQL query.",
    ] {
        for intent in [Intent::Read, Intent::Write] {
            let error = failed(&origin(), intent, said);
            assert!(
                matches!(error, Error::Rejected { .. }) && !error.is_retryable(),
                "{error:?}"
            );
        }
    }
    let error = failed(&origin(), Intent::Read, "no such table: content_op: SQLITE_ERROR");
    assert!(error.to_string().ends_with("wrangler d1 migrations apply"), "{error}");
    let error = refused(&origin(), "whatever binding says");
    assert_eq!(error.to_string(), "d1: the database refused: whatever binding says");
    let error = failed(&origin(), Intent::Write, "Exceeded maximum DB size.");
    assert!(matches!(error, Error::Full { .. }), "{error:?}");
}

/// The same words from every variant that can carry them. `D1` itself cannot be made outside the runtime.
#[test]
fn words_come_out_of_every_wrapping() {
    let said = "UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT";
    let thrown = |message: String, cause| worker::Error::UnknownJsError {
        original: JsValue::NULL,
        name: Some("Error".to_owned()),
        message,
        code: None,
        cause,
    };
    let cause = || Some(Box::new(thrown(said.to_owned(), None)));
    for error in [
        thrown(said.to_owned(), None),
        thrown(format!("D1_ERROR: {said}"), None),
        thrown(format!("D1_ERROR: {said}"), cause()),
        thrown(
            format!("{said}\n    at D1Database._sendOrThrow (cloudflare-internal:d1-api:141:24)"),
            None,
        ),
        worker::Error::JsError(format!("Error: D1_ERROR: {said}\n    at x")),
        worker::Error::RustError(said.to_owned()),
    ] {
        assert_eq!(words(&error), said);
    }
    assert_eq!(
        words(&thrown("D1_ERROR: outside".to_owned(), cause())),
        format!("outside: {said}")
    );
    assert_eq!(words(&thrown("x".repeat(10_000), None)).len(), 500);
}

#[test]
fn rows_are_read_by_position() {
    let row: Columns = serde_json::from_str(r#"{"z":1,"a":null,"'slug'":"text","m":-9007199254740991}"#).unwrap();
    let text = Value::Text("text".to_owned());
    let Row::Cells(cells) = row.0 else {
        unreachable!("D1 gives cells")
    };
    assert_eq!(cells, [Value::Int(1), Value::Null, text, Value::Int(-limits::NUMBER)]);
    for bad in [r#"{"a":1.5}"#, r#"{"a":true}"#, r#"{"a":[1]}"#, "[1]", "null"] {
        assert!(serde_json::from_str::<Columns>(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_d1_would_round_or_refuse_is_not_sent() {
    let with = |value: Value| check(&[statement("SELECT ?1", [value])]);
    assert!(with(Value::Int(limits::NUMBER)).is_ok() && with(Value::Int(-limits::NUMBER)).is_ok());
    for number in [limits::NUMBER + 1, i64::MIN, i64::MAX] {
        assert!(matches!(with(Value::Int(number)), Err(Error::InvalidInput { .. })));
    }
    assert!(with(Value::Text("x".repeat(MAX_PARAMETER))).is_ok());
    let error = with(Value::Text("x".repeat(MAX_PARAMETER + 1)));
    assert!(
        matches!(
            error,
            Err(Error::TooLarge {
                limit: MAX_PARAMETER,
                ..
            })
        ),
        "{error:?}"
    );
}

fn topic(n: usize, size: usize) -> NewPage {
    NewPage {
        site: "s".repeat(limits::KEY),
        locale: "en".to_owned(),
        slug: format!("slug-{n}"),
        row_key: format!("{n}-{}", "\"".repeat(limits::KEY - 6)),
        primary_keyword: format!("{n}-{}", "\\".repeat(limits::KEY - 6)),
        topic: serde_json::json!({ "text": "x".repeat(size) }),
    }
}

fn plan_of(topics: &[NewPage]) -> Vec<Statement> {
    let op = Op::now();
    let rows = crate::check::plan(STORE, &op, topics).unwrap();
    plan::plan(&origin(), &op, &rows).statements
}

/// The largest plan: as many rows and as much data as a call may have.
#[test]
fn the_largest_plan_fits_statement_by_statement() {
    let topics: Vec<_> = (0..limits::MAX_ROWS).map(|n| topic(n, limits::TOPIC - 100)).collect();
    let statements = plan_of(&topics);
    assert!(statements.len() > 50, "{}", statements.len());
    check(&statements).unwrap();
    assert_eq!(plan_of(&topics[..2]).len(), 8, "a small plan is not split");
}

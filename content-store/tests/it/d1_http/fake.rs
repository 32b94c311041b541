//! Cloudflare's REST service for one D1 database, on SQLite in a file: by its documents, with its limits.
//! <https://developers.cloudflare.com/d1/platform/limits/>

use std::sync::{Arc, Mutex};

use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, params_from_iter};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::files::Files;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";
pub(crate) const DATABASE: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const TOKEN: &str = "t0ken-s3cret";

/// Something that goes wrong with the next request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It runs, and the answer is this instead.
    After(u16, Value),
    /// It does not run, and the answer is this, with these headers.
    Instead(u16, Value, Vec<(&'static str, &'static str)>),
    /// It does not run, and the answer takes this long.
    Slow(std::time::Duration),
}

pub(crate) struct Fake {
    pub(crate) server: MockServer,
    pub(crate) state: Arc<State>,
    _folder: TempDir,
}

pub(crate) struct State {
    pub(super) connection: Mutex<Connection>,
    pub(crate) fault: Mutex<Option<Fault>>,
    /// Statements per request, in order.
    pub(crate) asked: Mutex<Vec<usize>>,
    pub(crate) files: Mutex<Files>,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("d1.db")).unwrap();
        // As D1 has it, except that a test need not wait for the disk.
        connection
            .execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY")
            .unwrap();
        let state = Arc::new(State {
            connection: Mutex::new(connection),
            fault: Mutex::new(None),
            asked: Mutex::new(Vec::new()),
            files: Mutex::default(),
        });
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(Service(Arc::clone(&state)))
            .mount(&server)
            .await;
        Self {
            server,
            state,
            _folder: folder,
        }
    }

    pub(crate) fn tables(&self) -> Vec<String> {
        let connection = self.state.connection.lock().unwrap();
        let mut named = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
            .unwrap();
        let names = named.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    }

    pub(crate) fn fail_next(&self, fault: Fault) {
        *self.state.fault.lock().unwrap() = Some(fault);
    }
}

pub(crate) fn refusal(code: i64, message: &str) -> Value {
    json!({ "success": false, "errors": [{ "code": code, "message": message }], "messages": [], "result": [] })
}

struct Service(Arc<State>);

impl Respond for Service {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let answer = |status: u16, body: Value| ResponseTemplate::new(status).set_body_json(body);
        let base = format!("/client/v4/accounts/{ACCOUNT}/d1/database/{DATABASE}/");
        if let Some(name) = request.url.path().strip_prefix("/upload/") {
            return self.0.upload(name, request);
        }
        let Some(method) = request
            .url
            .path()
            .strip_prefix(&base)
            .filter(|method| ["raw", "query", "import"].contains(method))
        else {
            return answer(404, refusal(7404, "The database could not be found"));
        };
        if request.method.as_str() != "POST" {
            return answer(405, refusal(10405, "Method not allowed for this authentication scheme"));
        }
        let token = request
            .headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        if token != Some(&format!("Bearer {TOKEN}")) {
            return answer(401, refusal(10000, "Authentication error"));
        }
        let fault = self.0.fault.lock().unwrap().take();
        match fault {
            Some(Fault::Instead(status, body, headers)) => {
                return headers.iter().fold(answer(status, body), |answer, (name, value)| {
                    answer.insert_header(*name, *value)
                });
            }
            Some(Fault::Slow(time)) => return answer(500, refusal(7500, "internal error")).set_delay(time),
            Some(Fault::After(..)) | None => {}
        }
        if method == "import" {
            let host = request.headers.get("host").and_then(|host| host.to_str().ok());
            let (status, body) = self.0.import(&request.body, host.unwrap_or_default());
            return match fault {
                Some(Fault::After(status, body)) => answer(status, body),
                _ => answer(status, body),
            };
        }
        let real = match serde_json::from_slice(&request.body)
            .map_err(|error| error.to_string())
            .and_then(|body: Value| self.0.run(&body, method == "raw"))
        {
            Ok(result) => answer(
                200,
                json!({ "success": true, "errors": [], "messages": [], "result": result }),
            ),
            Err(words) => answer(400, refusal(7500, &words)),
        };
        match fault {
            Some(Fault::After(status, body)) => answer(status, body),
            _ => real,
        }
    }
}

impl State {
    fn run(&self, body: &Value, raw: bool) -> Result<Vec<Value>, String> {
        let statements: Vec<(String, Vec<Value>)> = match body.get("batch") {
            Some(batch) => batch
                .as_array()
                .ok_or("batch is no list")?
                .iter()
                .map(one)
                .collect::<Result<_, _>>()?,
            // Statements joined by semicolons have no parameters here.
            None => {
                let (sql, _) = one(body)?;
                sql.split(';')
                    .map(str::trim)
                    .filter(|sql| !sql.is_empty())
                    .map(|sql| (sql.to_owned(), Vec::new()))
                    .collect()
            }
        };
        if statements.is_empty() {
            return Err("No SQL statements detected.".to_owned());
        }
        self.asked.lock().unwrap().push(statements.len());
        let connection = self.connection.lock().unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        let results: Result<Vec<Value>, String> = statements
            .iter()
            .map(|(sql, params)| statement(&connection, sql, params, raw))
            .collect();
        connection
            .execute_batch(if results.is_ok() { "COMMIT" } else { "ROLLBACK" })
            .unwrap();
        results
    }
}

fn one(query: &Value) -> Result<(String, Vec<Value>), String> {
    let sql = query.get("sql").and_then(Value::as_str).ok_or("sql is missing")?;
    let params = match query.get("params") {
        None => Vec::new(),
        // An empty list upsets some requests.
        Some(Value::Array(params)) if !params.is_empty() => params.clone(),
        Some(_) => return Err("params is no list of values".to_owned()),
    };
    Ok((sql.to_owned(), params))
}

fn statement(connection: &Connection, sql: &str, params: &[Value], raw: bool) -> Result<Value, String> {
    let words = |error: rusqlite::Error| match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            let kind = if code.code == rusqlite::ErrorCode::ConstraintViolation {
                "SQLITE_CONSTRAINT"
            } else {
                "SQLITE_ERROR"
            };
            format!("{}: {kind}", message.unwrap_or_default())
        }
        other => format!("{other}: SQLITE_ERROR"),
    };
    if sql.len() > 100_000 {
        return Err("statement too long: SQLITE_TOOBIG".to_owned());
    }
    if params.len() > 100 {
        return Err("too many SQL variables at offset 1: SQLITE_ERROR".to_owned());
    }
    let cells = params.iter().map(|param| match param {
        Value::Null => Ok(Cell::Null),
        // The documents know strings.
        Value::String(text) if text.len() <= 2_000_000 => Ok(Cell::Text(text.clone())),
        Value::String(_) => Err("string or blob too big: SQLITE_TOOBIG".to_owned()),
        other => Err(format!("a parameter is {other}")),
    });
    let cells = cells.collect::<Result<Vec<_>, _>>()?;
    let mut prepared = connection.prepare(sql).map_err(words)?;
    if prepared.parameter_count() != cells.len() {
        return Err("Wrong number of parameter bindings for SQL query.".to_owned());
    }
    let names: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    let mut rows = prepared.query(params_from_iter(cells)).map_err(words)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(words)? {
        let cells: Vec<Value> = (0..names.len())
            .map(|at| match row.get_ref(at).unwrap() {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => json!(number),
                ValueRef::Real(number) => json!(number),
                ValueRef::Text(text) => json!(std::str::from_utf8(text).unwrap()),
                ValueRef::Blob(bytes) => json!(bytes),
            })
            .collect();
        found.push(cells);
    }
    let results = if raw {
        json!({ "columns": names, "rows": found })
    } else {
        found
            .into_iter()
            .map(|cells| names.iter().cloned().zip(cells).collect::<Value>())
            .collect()
    };
    Ok(json!({ "results": results, "success": true, "meta": { "changes": connection.changes(), "duration": 0.1 } }))
}

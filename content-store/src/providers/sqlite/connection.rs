//! Connections: opened, set, migrated, and a batch run on them.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, params_from_iter};

use super::classify;
use crate::Result;
use crate::migrations::{self, LEDGER, MIGRATIONS};
use crate::sql::{Origin, Row, Statement, Value};

/// Every statement of this crate stays prepared.
const STATEMENTS: usize = 64;

/// Opens a connection; the first one of a store sets the journal and migrates.
pub(super) fn open(origin: &Origin, path: &Path, busy_timeout: Duration, first: bool) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Without this a statement is planned anew for each new value of a parameter that bears on its plan.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        if first {
            // Read before written, so that a read-only file still opens for reading.
            let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
            if mode != "wal" {
                connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
            }
        } else {
            connection.execute_batch("PRAGMA query_only = ON")?;
        }
        // FULL: a commit is on the disk before it is answered. WAL with NORMAL may forget the last ones in a power cut.
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
        Ok(connection)
    };
    let connection = open().map_err(|error| classify::refused(origin, error))?;
    if first {
        migrate(origin, &connection)?;
    }
    Ok(connection)
}

fn migrate(origin: &Origin, connection: &Connection) -> Result<()> {
    let sql = |error| classify::refused(origin, error);
    if migrations::missing(
        origin.store,
        &origin.place,
        MIGRATIONS,
        &applied(connection).map_err(sql)?,
    )?
    .is_empty()
    {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE").map_err(sql)?;
    let run = || -> Result<()> {
        connection.execute_batch(LEDGER).map_err(sql)?;
        // Asked again under the lock: another process may have been faster.
        for migration in migrations::missing(
            origin.store,
            &origin.place,
            MIGRATIONS,
            &applied(connection).map_err(sql)?,
        )? {
            for statement in migration.statements {
                connection.execute_batch(statement).map_err(sql)?;
            }
            connection
                .execute("INSERT INTO d1_migrations (name) VALUES (?1)", [migration.name])
                .map_err(sql)?;
        }
        connection.execute_batch("COMMIT").map_err(sql)
    };
    run().inspect_err(|_| roll_back(connection))
}

fn applied(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let known = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'd1_migrations'";
    if connection.query_row(known, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(Vec::new());
    }
    let mut ask = connection.prepare("SELECT name FROM d1_migrations ORDER BY name")?;
    ask.query_map([], |row| row.get(0))?.collect()
}

pub(super) fn roll_back(connection: &Connection) {
    if !connection.is_autocommit() {
        // When even this fails, the connection's next BEGIN says so.
        let _ = connection.execute_batch("ROLLBACK");
    }
}

/// Runs statements in their order and collects their rows.
pub(super) fn run(connection: &Connection, statements: &[Statement]) -> rusqlite::Result<Vec<Vec<Row>>> {
    statements
        .iter()
        .map(|statement| run_one(connection, statement))
        .collect()
}

fn run_one(connection: &Connection, statement: &Statement) -> rusqlite::Result<Vec<Row>> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let columns = prepared.column_count();
    let mut rows = prepared.query(params_from_iter(&statement.args))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = (0..columns).map(|at| cell(at, row.get_ref(at)?));
        found.push(cells.collect::<rusqlite::Result<Row>>()?);
    }
    Ok(found)
}

fn cell(at: usize, value: ValueRef<'_>) -> rusqlite::Result<Value> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(error) => Err(rusqlite::Error::Utf8Error(at, error)),
        },
        ValueRef::Real(_) | ValueRef::Blob(_) => Err(rusqlite::Error::InvalidColumnType(
            at,
            "a column of the store".to_owned(),
            value.data_type(),
        )),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

//! Connections: opened, set, migrated, and a batch run on them.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, Statement as Prepare, ToSql};
use uuid::Uuid;

use super::classify;
use crate::Result;
use crate::migrations::{self, LEDGER, MIGRATIONS};
use crate::sql::{Origin, Packed, Row, Statement, Value};

/// Statements with a text of their own that stay prepared.
const STATEMENTS: usize = 16;

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

/// A connection with the statements that it has run, each prepared once.
pub(super) struct Prepared<'c> {
    connection: &'c Connection,
    /// By where their text stands: it is of this program, and comparing it would cost more than running some.
    known: Vec<(&'static str, Prepare<'c>)>,
}

impl<'c> Prepared<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            known: Vec::new(),
        }
    }

    pub(super) fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// Runs statements in their order and collects their rows.
    pub(super) fn run(&mut self, statements: &[Statement]) -> rusqlite::Result<Vec<Vec<Row>>> {
        statements.iter().map(|statement| self.run_one(statement)).collect()
    }

    /// Runs a statement that has no parameters and no rows.
    pub(super) fn step(&mut self, sql: &'static str) -> rusqlite::Result<()> {
        self.known(sql)?.raw_execute().map(drop)
    }

    fn run_one(&mut self, statement: &Statement) -> rusqlite::Result<Vec<Row>> {
        match statement.sql {
            Cow::Borrowed(sql) => rows(self.known(sql)?, &statement.args),
            // Made for what it asks: SQLite keeps the last ones.
            Cow::Owned(ref sql) => rows(&mut *self.connection.prepare_cached(sql)?, &statement.args),
        }
    }

    fn known(&mut self, sql: &'static str) -> rusqlite::Result<&mut Prepare<'c>> {
        let at = match self.known.iter().position(|(known, _)| std::ptr::eq(*known, sql)) {
            Some(at) => at,
            None => {
                self.known.push((sql, self.connection.prepare(sql)?));
                self.known.len() - 1
            }
        };
        Ok(&mut self.known[at].1)
    }
}

fn rows(prepared: &mut Prepare<'_>, args: &[Value]) -> rusqlite::Result<Vec<Row>> {
    let mut text = Uuid::encode_buffer();
    for (n, arg) in args.iter().enumerate() {
        match arg {
            Value::Id(id) => prepared.raw_bind_parameter(n + 1, &*id.as_hyphenated().encode_lower(&mut text))?,
            other => prepared.raw_bind_parameter(n + 1, other)?,
        }
    }
    let columns = prepared.column_count();
    let mut rows = prepared.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut packed = Packed::new(columns);
        for at in 0..columns {
            match row.get_ref(at)? {
                ValueRef::Null => packed.null(),
                ValueRef::Integer(number) => packed.number(number),
                ValueRef::Text(text) => match std::str::from_utf8(text) {
                    Ok(text) => packed.text(text),
                    Err(error) => return Err(rusqlite::Error::Utf8Error(at, error)),
                },
                value @ (ValueRef::Real(_) | ValueRef::Blob(_)) => {
                    let column = "a column of the store".to_owned();
                    return Err(rusqlite::Error::InvalidColumnType(at, column, value.data_type()));
                }
            }
        }
        found.push(Row::Packed(packed));
    }
    Ok(found)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Int(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Id(id) => ToSqlOutput::Owned(id.to_string().into()),
        })
    }
}

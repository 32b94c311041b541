//! Opens the file and keeps its tables up to date.

use std::{path::Path, sync::Arc, thread, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use super::{PROVIDER, error::classify};
use crate::{Error, Result};

/// One step per version, never edited once released. The version has a table of its own because the file may hold
/// other tables, whose owner may use `user_version`.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE queue_name (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    ) STRICT;

    -- AUTOINCREMENT: an id is never used twice, so an old lease never fits a new message.
    CREATE TABLE queue_message (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        queue INTEGER NOT NULL,
        envelope TEXT NOT NULL,
        visible_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        lease INTEGER NOT NULL DEFAULT 0,
        leased INTEGER NOT NULL DEFAULT 0,
        enqueued_at INTEGER NOT NULL,
        last_error TEXT,
        dead_at INTEGER,
        dead_reason TEXT
    ) STRICT;
    CREATE INDEX queue_message_due ON queue_message (queue, visible_at, seq) WHERE dead_at IS NULL;
    CREATE INDEX queue_message_dead ON queue_message (queue, seq) WHERE dead_at IS NOT NULL;

    CREATE TABLE queue_key (
        queue INTEGER NOT NULL,
        key TEXT NOT NULL,
        seq INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        PRIMARY KEY (queue, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX queue_key_expiry ON queue_key (queue, expires_at);
",
    "
    ALTER TABLE queue_name ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
",
];

/// Opens the file at `path` and returns the connection and the number of the queue `name`.
pub(super) fn open(path: &Path, name: &str, busy_timeout: Duration) -> Result<(Connection, i64)> {
    let classify = |error| classify(path, Arc::new(error));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(classify)?;
    prepare(&connection, busy_timeout).map_err(classify)?;
    migrate(&connection, path)?;
    let queue = number_of(&connection, name).map_err(classify)?;
    Ok((connection, queue))
}

fn prepare(connection: &Connection, busy_timeout: Duration) -> rusqlite::Result<()> {
    connection.busy_timeout(busy_timeout)?;
    use_wal(connection, busy_timeout)?;
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// The switch to WAL needs the file alone and does not wait for it by itself when others open it at the same time.
fn use_wal(connection: &Connection, busy_timeout: Duration) -> rusqlite::Result<()> {
    let pause = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    loop {
        let busy = match connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => error,
            other => return other,
        };
        if waited >= busy_timeout {
            return Err(busy);
        }
        thread::sleep(pause);
        waited += pause;
    }
}

fn migrate(connection: &Connection, path: &Path) -> Result<()> {
    let classify = |error| classify(path, Arc::new(error));
    let newest = MIGRATIONS.len() as i64;
    let mut version = version(connection).map_err(classify)?;
    if version < newest {
        // Another process may be at the same; whoever comes second finds the work done.
        connection.execute_batch("BEGIN IMMEDIATE").map_err(classify)?;
        let migrated = step_up(connection);
        let end = if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = connection.execute_batch(end);
        version = migrated.map_err(classify)?;
        ended.map_err(classify)?;
    }
    if version > newest {
        let message = format!(
            "{}: the queue's tables are version {version} and this program knows version {newest}; use a newer program",
            path.display()
        );
        return Err(Error::Config {
            provider: PROVIDER,
            message,
        });
    }
    Ok(())
}

fn step_up(connection: &Connection) -> rusqlite::Result<i64> {
    connection.execute_batch("CREATE TABLE IF NOT EXISTS queue_schema (version INTEGER NOT NULL) STRICT")?;
    let version = version(connection)?;
    let done = usize::try_from(version).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(done) {
        connection.execute_batch(migration)?;
    }
    let newest = version.max(MIGRATIONS.len() as i64);
    connection.execute("DELETE FROM queue_schema", [])?;
    connection.execute("INSERT INTO queue_schema (version) VALUES (?1)", [newest])?;
    Ok(newest)
}

/// 0 when the file holds no queue yet.
fn version(connection: &Connection) -> rusqlite::Result<i64> {
    if !connection.table_exists(None, "queue_schema")? {
        return Ok(0);
    }
    Ok(connection
        .query_row("SELECT version FROM queue_schema", [], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

fn number_of(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    let find = || connection.query_row("SELECT id FROM queue_name WHERE name = ?1", [name], |row| row.get(0));
    if let Some(id) = find().optional()? {
        return Ok(id);
    }
    connection.execute(
        "INSERT INTO queue_name (name) VALUES (?1) ON CONFLICT DO NOTHING",
        params![name],
    )?;
    find()
}

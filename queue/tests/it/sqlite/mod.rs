//! The SQLite queue: the suite, its failures, several processes on one file.

mod conformance;
mod failures;
mod processes;

use std::path::Path;

use presswork_queue::{SqliteQueue, SqliteQueueBuilder};

/// The file of a test's queue in `folder`.
fn at(folder: &tempfile::TempDir) -> SqliteQueueBuilder {
    SqliteQueue::builder(file(folder))
}

fn file(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join("queue.db")
}

/// Another program's connection to the file.
fn connect(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

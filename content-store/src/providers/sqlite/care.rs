//! A copy of the file while it is used, and a look at whether it is whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Builder;

use futures_channel::oneshot;
use rusqlite::{Connection, OpenFlags};

use super::{SqliteStore, classify};
use crate::sql::Origin;
use crate::{Error, Result};

impl SqliteStore {
    /// Writes a copy of the database, as it is at one moment, into a new file. Writers and readers go on meanwhile.
    ///
    /// The copy is compact, complete without a `-wal` file beside it, and on the disk when this answers.
    /// <https://sqlite.org/lang_vacuum.html#vacuuminto>
    ///
    /// # Errors
    /// [`Unavailable`](Error::Unavailable) when the file exists already or cannot be written,
    /// [`Full`](Error::Full), [`Corrupt`](Error::Corrupt).
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        let to = to.as_ref().to_owned();
        self.aside(move |origin, connection| {
            let place = to.to_string_lossy();
            let failed = |message: String, source: Option<crate::Source>| Error::Unavailable {
                store: origin.store,
                place: place.to_string(),
                message,
                source,
            };
            if to.exists() {
                return Err(failed("the file exists already".to_owned(), None));
            }
            let copied = connection.execute("VACUUM INTO ?1", [&*place]);
            let copied = copied.map_err(|error| classify::refused(origin, error)).and_then(|_| {
                let synced = std::fs::File::open(&to).and_then(|file| file.sync_all());
                synced.map_err(|error| failed(error.to_string(), Some(Arc::new(error))))
            });
            if copied.is_err() {
                // Half a copy must not be taken for a whole one.
                let _ = std::fs::remove_file(&to);
            }
            copied
        })
        .await
    }

    /// Reads the whole file and compares tables with their indexes.
    /// <https://sqlite.org/pragma.html#pragma_integrity_check>
    ///
    /// # Errors
    /// [`Corrupt`](Error::Corrupt), with the first thing that is wrong.
    pub async fn check_integrity(&self) -> Result<()> {
        self.aside(|origin, connection| {
            let first = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
            match first.map_err(|error| classify::refused(origin, error))?.as_str() {
                "ok" => Ok(()),
                wrong => Err(origin.corrupt(crate::error::bounded(wrong))),
            }
        })
        .await
    }

    /// Runs long work on a connection and a thread of its own.
    async fn aside(&self, work: impl FnOnce(&Origin, &Connection) -> Result<()> + Send + 'static) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        let (origin, path): (Origin, PathBuf) = (self.origin.clone(), self.path.clone());
        let run = move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let done = Connection::open_with_flags(&path, flags)
                .map_err(|error| classify::refused(&origin, error))
                .and_then(|connection| work(&origin, &connection));
            let _ = reply.send(done);
        };
        let started = Builder::new().name("content-store-care".to_owned()).spawn(run);
        match (started, answer.await) {
            (Ok(_), Ok(done)) => done,
            (Err(_), _) | (_, Err(_)) => Err(Error::Unavailable {
                store: self.origin.store,
                place: self.origin.place.to_string(),
                message: "no thread could do it".to_owned(),
                source: None,
            }),
        }
    }
}

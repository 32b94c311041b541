//! [`SqliteStore`]: one file, one writer thread, a few readers. <https://sqlite.org/wal.html>

mod care;
mod classify;
mod connection;
mod ledgers;
mod threads;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::sql::{self, Answers, Batch, Origin};
use crate::{Result, platform, text};
use threads::Threads;

pub(crate) const STORE: &str = "sqlite";

/// A store in one SQLite file.
///
/// One thread writes. It takes what waits, up to 64 changes, runs each in a savepoint, commits once and answers all:
/// writers that come together share the cost of reaching the disk. An answer means that the change survives a power
/// cut (`synchronous=FULL`). Other threads read beside it (WAL). No async runtime is needed.
///
/// Several processes may open the same file; they take turns, up to the builder's `busy_timeout`.
/// Dropping the store waits for its threads to finish what they were given.
#[derive(Debug)]
pub struct SqliteStore {
    origin: Origin,
    path: PathBuf,
    threads: Threads,
}

impl SqliteStore {
    /// Opens the file, creating it and its tables where missing.
    ///
    /// Blocks for a moment: files are opened and migrations run.
    ///
    /// # Errors
    /// As [`SqliteBuilder::build`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).build()
    }

    /// Opens the file with other than the default settings.
    pub fn builder(path: impl AsRef<Path>) -> SqliteBuilder {
        SqliteBuilder {
            path: path.as_ref().to_owned(),
            busy_timeout: Duration::from_secs(5),
            readers: 2,
            #[cfg(test)]
            pragma: None,
        }
    }

    /// Ends every lease in the file: what a process that died had claimed can be claimed again at once, and a post it
    /// had armed is unsettled. A page's attempt does not count then.
    ///
    /// For a program that knows it is alone, because it holds a lock of its own; a lease that somebody still works under
    /// would be broken. Without this call leases end by themselves.
    ///
    /// # Errors
    /// As every write.
    pub async fn release_leases(&self) -> Result<()> {
        self.write(sql::leases::release(platform::now_ms())).await
    }

    async fn write<T>(&self, batch: Batch<T>) -> Result<T> {
        let Batch { statements, finish } = batch;
        finish(Answers::new(self.threads.write(statements).await?))
    }

    async fn read<T>(&self, batch: Batch<T>) -> Result<T> {
        let Batch { statements, finish } = batch;
        finish(Answers::new(self.threads.read(statements).await?))
    }
}

/// Settings of a [`SqliteStore`].
#[derive(Clone, Debug)]
#[must_use = "nothing is opened before `build`"]
pub struct SqliteBuilder {
    path: PathBuf,
    busy_timeout: Duration,
    readers: usize,
    /// Sabotage for tests, run on the writer's connection.
    #[cfg(test)]
    pragma: Option<&'static str>,
}

impl SqliteBuilder {
    /// How long a write waits for another process before it is [`Busy`](crate::Error::Busy). 5 seconds unless set.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How many threads read, 1 to 16. 2 unless set.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    #[cfg(test)]
    pub(crate) fn pragma(mut self, pragma: &'static str) -> Self {
        self.pragma = Some(pragma);
        self
    }

    /// Opens the file.
    ///
    /// # Errors
    /// - [`InvalidInput`](crate::Error::InvalidInput): the path is empty, `:memory:` or a `file:` URI, or a setting is
    ///   out of range.
    /// - [`Unavailable`](crate::Error::Unavailable): the file cannot be opened, for instance because its folder is missing.
    /// - [`Corrupt`](crate::Error::Corrupt), [`Busy`](crate::Error::Busy), [`Full`](crate::Error::Full),
    ///   [`ReadOnly`](crate::Error::ReadOnly), [`NewerSchema`](crate::Error::NewerSchema): as they say.
    pub fn build(self) -> Result<SqliteStore> {
        let name = self.path.to_string_lossy();
        if name.is_empty() || name == ":memory:" || name.starts_with("file:") {
            return Err(text::invalid(
                "path",
                "names no file; for a store in memory use MemoryStore",
            ));
        }
        if !(1..=16).contains(&self.readers) {
            return Err(text::invalid("readers", "is not 1 to 16"));
        }
        // rusqlite hands milliseconds to SQLite as a C int.
        if self.busy_timeout > Duration::from_secs(24 * 60 * 60) {
            return Err(text::invalid("busy_timeout", "is longer than a day"));
        }
        let origin = Origin {
            store: STORE,
            place: name.as_ref().into(),
        };
        let open = |first| connection::open(&origin, &self.path, self.busy_timeout, first);
        let writer = open(true)?;
        #[cfg(test)]
        if let Some(pragma) = self.pragma {
            writer
                .execute_batch(pragma)
                .map_err(|error| classify::refused(&origin, error))?;
        }
        let readers = (0..self.readers).map(|_| open(false)).collect::<Result<Vec<_>>>()?;
        let threads = Threads::start(&origin, writer, readers)?;
        Ok(SqliteStore {
            origin,
            path: self.path,
            threads,
        })
    }
}

const _: fn() = || {
    fn pin<T: Send + Sync + 'static>() {}
    pin::<SqliteStore>();
};

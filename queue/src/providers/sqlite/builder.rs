//! Sets up a [`SqliteQueue`].

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::Connection;

use super::{Inner, PROVIDER, SqliteQueue, schema, store::Store, writer::Writer};
use crate::{Clock, Error, Result, SystemClock, limits::Settings, signal::Signal};

/// Sets up a [`SqliteQueue`].
#[derive(Clone, Debug)]
#[must_use]
pub struct SqliteQueueBuilder {
    path: PathBuf,
    name: String,
    settings: Settings,
    busy_timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl SqliteQueueBuilder {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            name: "default".to_owned(),
            settings: Settings::default(),
            busy_timeout: Duration::from_secs(5),
            clock: Arc::new(SystemClock),
        }
    }

    /// Which queue of the file; 1 to 200 bytes. Default `default`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How long a delivery is leased. Default 30 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// After how many deliveries a message becomes a dead letter; at least 1. Default 4.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.settings.max_attempts = attempts;
        self
    }

    /// How long a retry waits that names no time. Default 0.
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.settings.retry_delay = delay;
        self
    }

    /// How long an idempotency key is remembered. Default 24 h.
    pub fn idempotency_ttl(mut self, ttl: Duration) -> Self {
        self.settings.idempotency_ttl = ttl;
        self
    }

    /// How long to wait for another process that writes, before [`Error::Locked`]. Default 5 s.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// The clock. Default [`SystemClock`]; processes that share a file must share their time.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the file, brings its tables up to date and starts the writer's thread. Blocks for a few file operations.
    ///
    /// # Errors
    /// - [`Error::Config`] for a bad setting, or a file whose tables a newer program wrote.
    /// - [`Error::Corrupt`] when the file is no SQLite database, or a damaged one.
    /// - [`Error::ReadOnly`], [`Error::Full`] or [`Error::Locked`] when its tables cannot be made.
    /// - [`Error::Storage`] when the file cannot be opened.
    pub fn build(self) -> Result<SqliteQueue> {
        self.settings.check(PROVIDER)?;
        let config = |message: &str| {
            Err(Error::Config {
                provider: PROVIDER,
                message: message.to_owned(),
            })
        };
        if self.name.is_empty() || self.name.len() > 200 {
            return config("the name of a queue has 1 to 200 bytes");
        }
        if self.path.as_os_str().is_empty() || self.path == Path::new(":memory:") {
            return config("the path names no file; for a queue that is not kept, take `MemoryQueue`");
        }
        if self.busy_timeout > Duration::from_secs(3600) {
            return config("busy_timeout must be at most one hour");
        }
        let (connection, queue) = schema::open(&self.path, &self.name, self.busy_timeout)?;
        self.start(connection, queue)
    }

    pub(super) fn start(self, connection: Connection, queue: i64) -> Result<SqliteQueue> {
        let changed = Arc::new(Signal::default());
        let store = Store::new(connection, queue, self.settings.clone(), self.clock.clone());
        let writer = Writer::start(store, &self.path, changed.clone())?;
        Ok(SqliteQueue(Arc::new(Inner {
            settings: self.settings,
            clock: self.clock,
            changed,
            writer,
        })))
    }
}

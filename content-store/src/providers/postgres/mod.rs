//! [`PostgresStore`]: a PostgreSQL database, shared by any number of processes.
//! <https://www.postgresql.org/docs/current/>

mod classify;
mod ledgers;
mod migrate;
mod pool;
mod run;
mod tls;
pub(crate) mod translate;
mod url;

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;

use crate::migrations::Migration;
use crate::sql::{Answers, Batch, Origin, Row, Statement};
use crate::{Result, text};
use classify::Intent;
use pool::{Client, Pool};
use run::Failure;

pub(crate) const STORE: &str = "postgres";

/// A transaction that met another runs again, this often at most.
const MEETINGS: u32 = 100;

/// A store in a PostgreSQL database, 12 or later.
///
/// Every change is one transaction in one round trip, on prepared statements, and an answer means that the server has
/// committed it. Any number of processes may share the database. The tables are made in the first schema of the
/// connection's `search_path`; to keep several stores in one database, name one: `?options=-csearch_path%3Dmine`.
///
/// Needs a Tokio runtime. Behind a pooler that changes servers between transactions, the pooler has to know prepared
/// statements (PgBouncer 1.21 does, by `max_prepared_statements`).
///
/// `sslmode` means what it means to libpq: `prefer` (unless named otherwise) and `require` encrypt without looking at
/// the certificate, `verify-ca` and `verify-full` look, against the web's roots or the file of `sslrootcert`.
///
/// ```no_run
/// # async fn open() -> presswork_content_store::Result<()> {
/// use presswork_content_store::PostgresStore;
///
/// let store = PostgresStore::connect("postgres://presswork:secret@db.example/site?sslmode=verify-full").await?;
/// # Ok(())
/// # }
/// ```
pub struct PostgresStore {
    origin: Origin,
    pool: Pool,
    deadline: Duration,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("place", &self.origin.place)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects to `postgres://user:password@host:port/database?settings` and makes or migrates its tables.
    ///
    /// # Errors
    /// As [`PostgresBuilder::connect`].
    pub async fn connect(url: &str) -> Result<Self> {
        Self::builder(url).connect().await
    }

    /// Connects with other than the default settings.
    pub fn builder(url: impl Into<String>) -> PostgresBuilder {
        PostgresBuilder {
            url: url.into(),
            connections: 16,
            deadline: Duration::from_secs(30),
            known: migrate::KNOWN,
        }
    }

    async fn write<T>(&self, batch: Batch<T>) -> Result<T> {
        let Batch { statements, finish } = batch;
        finish(Answers::new(self.run(Intent::Write, &statements).await?))
    }

    async fn read<T>(&self, batch: Batch<T>) -> Result<T> {
        let Batch { statements, finish } = batch;
        finish(Answers::new(self.run(Intent::Read, &statements).await?))
    }

    /// Whether the op has a row. One that is just being written is waited for: it holds up whoever would insert the same.
    async fn landed(&self, batch: Batch<bool>) -> Result<bool> {
        const PROBE: &str = "INSERT INTO content_op (op_id, nonce, request, at_ms) VALUES (?1, '', '', 0) \
                             ON CONFLICT (op_id) DO NOTHING RETURNING op_id";
        let mut statements = batch.statements;
        if let Some(ask) = statements.first_mut() {
            ask.sql = PROBE.into();
        }
        let free = self.run(Intent::Probe, &statements).await?;
        Ok(free.first().is_some_and(Vec::is_empty))
    }

    async fn run(&self, intent: Intent, statements: &[Statement]) -> Result<Vec<Vec<Row>>> {
        let mut met = 0;
        loop {
            let mut client = self.client().await?;
            let prepared = client.prepare(statements).await;
            let prepared = prepared.map_err(|error| classify::failed(&self.origin, Intent::Read, &error))?;
            let answer = {
                let batch = pin!(run::batch(&client.client, intent, &prepared, statements));
                tokio::time::timeout(self.deadline, batch).await
            };
            let answer = match answer {
                Ok(answer) => answer,
                Err(_) => {
                    // Whatever it waits for, nobody else shall wait behind it.
                    drop(Client::take(client));
                    return Err(classify::late(&self.origin, intent, self.deadline));
                }
            };
            met += 1;
            match answer {
                Ok(rows) => return Ok(rows),
                Err(Failure::Statement(error)) if met < MEETINGS && classify::stale_plan(&error) => {
                    drop(Client::take(client));
                }
                Err(Failure::Statement(error) | Failure::Commit(error))
                    if met < MEETINGS && classify::met_another(&error) =>
                {
                    drop(client);
                    let most = 1_u64 << met.min(6);
                    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..most))).await;
                }
                Err(Failure::Statement(error)) => return Err(classify::failed(&self.origin, intent, &error)),
                Err(Failure::Commit(error)) => return Err(classify::commit_failed(&self.origin, &error)),
            }
        }
    }

    async fn client(&self) -> Result<Client> {
        let client = self.pool.get().await;
        client.map_err(|error| classify::no_connection(&self.origin, &error))
    }
}

/// Settings of a [`PostgresStore`].
#[derive(Clone)]
#[must_use = "nothing is connected before `connect`"]
pub struct PostgresBuilder {
    url: String,
    connections: usize,
    deadline: Duration,
    known: &'static [Migration],
}

impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder")
            .field("connections", &self.connections)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl PostgresBuilder {
    /// How many connections at most, 1 to 1,000. 16 unless set; a server has 100 for everybody unless told otherwise
    /// (<https://www.postgresql.org/docs/current/runtime-config-connection.html>).
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// How long a call may wait for a connection, and then for its answer, 1 millisecond to 10 minutes. 30 seconds
    /// unless set. A write that meets it is [`OutcomeUnknown`](crate::Error::OutcomeUnknown).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Plays an older version of this program, which knows only these migrations.
    #[cfg(feature = "conformance")]
    #[doc(hidden)]
    pub fn known(mut self, known: &'static [Migration]) -> Self {
        self.known = known;
        self
    }

    /// Connects, and makes or migrates the tables, under a lock that other processes respect.
    ///
    /// # Errors
    /// - [`InvalidInput`](crate::Error::InvalidInput): the URL is malformed or a setting is out of range. The URL itself is
    ///   never repeated.
    /// - [`Unavailable`](crate::Error::Unavailable): nobody answers, or the server has no room.
    /// - [`Rejected`](crate::Error::Rejected): password, database or rights are wrong.
    /// - [`NewerSchema`](crate::Error::NewerSchema), [`ReadOnly`](crate::Error::ReadOnly), [`Full`](crate::Error::Full): as they say.
    pub async fn connect(self) -> Result<PostgresStore> {
        if !(1..=1_000).contains(&self.connections) {
            return Err(text::invalid("connections", "is not 1 to 1,000"));
        }
        if self.deadline < Duration::from_millis(1) || self.deadline > Duration::from_secs(600) {
            return Err(text::invalid("deadline", "is not 1 ms to 10 minutes"));
        }
        let address = url::read(&self.url)?;
        let origin = Origin {
            store: STORE,
            place: address.place.as_str().into(),
        };
        let plain = address.config.get_ssl_mode() == SslMode::Disable;
        // Without a ping: a connection that has died is noticed by its task.
        let fast = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = if plain {
            Manager::from_config(address.config, NoTls, fast)
        } else {
            let tls = tls::connector(address.check, address.roots.as_deref())?;
            Manager::from_config(address.config, tls, fast)
        };
        let pool = Pool::new(manager, self.connections, self.deadline)
            .map_err(|error| classify::unavailable(&origin, error.to_string()))?;
        let store = PostgresStore {
            origin,
            pool,
            deadline: self.deadline,
        };
        let mut client = store.client().await?;
        migrate::run(&store.origin, &mut client.client, self.known).await?;
        drop(client);
        Ok(store)
    }
}

const _: fn() = || {
    fn pin<T: Send + Sync + 'static>() {}
    pin::<PostgresStore>();
};

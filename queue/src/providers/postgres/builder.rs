//! Sets up a [`PostgresQueue`].

use std::{fmt, sync::Arc, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};

use super::{Inner, PROVIDER, PostgresQueue, error, listen::Listener, schema, tls, url};
use crate::{Result, limits::Settings};

/// Sets up a [`PostgresQueue`]. Prints no URL: it may hold a password.
#[derive(Clone)]
#[must_use]
pub struct PostgresQueueBuilder {
    url: String,
    name: String,
    settings: Settings,
    connections: usize,
    timeout: Duration,
}

impl PostgresQueueBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            name: "default".to_owned(),
            settings: Settings::default(),
            connections: 8,
            timeout: Duration::from_secs(30),
        }
    }

    /// Which queue of the database; 1 to 200 bytes, no NUL. Default `default`.
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

    /// How many connections at most, 1 to 1,000, beside the one that listens. Default 8; a server has 100 for everybody
    /// unless told otherwise (<https://www.postgresql.org/docs/current/runtime-config-connection.html>).
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// How long to wait for a connection, and then for an answer; at most an hour. Default 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Connects, and makes or migrates the tables.
    ///
    /// # Errors
    /// - [`Error::Config`](crate::Error::Config) for a bad URL or setting, a refused login, missing rights, a database that
    ///   is not UTF-8, or tables that a newer program wrote.
    /// - [`Error::Unavailable`](crate::Error::Unavailable) when the server cannot be reached.
    pub async fn build(self) -> Result<PostgresQueue> {
        self.settings.check(PROVIDER)?;
        let config = |message: &str| Err(error::config(message.to_owned()));
        if self.name.is_empty() || self.name.len() > 200 || self.name.contains('\0') {
            return config("the name of a queue has 1 to 200 bytes and no NUL");
        }
        if self.connections == 0 || self.connections > 1_000 {
            return config("connections must be 1 to 1,000");
        }
        if self.timeout < Duration::from_millis(1) || self.timeout > Duration::from_secs(3600) {
            return config("timeout must be between 1 ms and one hour");
        }
        let address = url::read(&self.url)?;
        let place = address.place;
        let tls = tls::connector(address.check, address.roots.as_deref())?;
        let mut login = address.config;
        if login.get_connect_timeout().is_none() {
            login.connect_timeout(self.timeout);
        }
        // A connection that the driver knows to be closed is not given out; nothing is asked to find out.
        let fast = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let pool = Pool::builder(Manager::from_config(login.clone(), tls.clone(), fast))
            .max_size(self.connections)
            .timeouts(Timeouts {
                wait: Some(self.timeout),
                create: Some(self.timeout),
                recycle: Some(self.timeout),
            })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| error::unavailable(format!("{place}: {error}")))?;
        let mut client = pool.get().await.map_err(|error| error::no_connection(&place, &error))?;
        let queue = schema::prepare(&place, &mut client, &self.name).await?;
        drop(client);
        let channel = format!("presswork_queue_{queue}");
        Ok(PostgresQueue(Arc::new(Inner {
            place,
            queue,
            listener: Listener::new(login, tls, channel.clone()),
            channel,
            settings: self.settings,
            pool,
            timeout: self.timeout,
            keyed: std::sync::atomic::AtomicU64::new(0),
        })))
    }
}

impl fmt::Debug for PostgresQueueBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresQueueBuilder")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .field("connections", &self.connections)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

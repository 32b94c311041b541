//! Connections, each with the statements that it has prepared.

use std::borrow::Cow;
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, PoolError, RecycleResult, Timeouts};
use deadpool_postgres::{ClientWrapper, Manager, Runtime};
use futures_util::future::try_join_all;
use tokio_postgres::{Error, Statement as Prepared};

use super::translate;
use crate::sql::Statement;

pub(super) type Client = Object<Connections>;

/// Makes connections, and takes back those that are still open.
pub(super) struct Connections(Manager);

/// One of them.
pub(super) struct Connection {
    pub(super) client: ClientWrapper,
    /// By where their text stands: it is of this program, and hashing it would cost more than sending what it asks.
    known: Vec<(&'static str, Prepared)>,
}

impl managed::Manager for Connections {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection, Error> {
        Ok(Connection {
            client: self.0.create().await?,
            known: Vec::new(),
        })
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<Error> {
        self.0.recycle(&mut connection.client, metrics).await
    }
}

impl Connection {
    pub(super) async fn prepare(&mut self, statements: &[Statement]) -> Result<Vec<Prepared>, Error> {
        let known: Option<Vec<_>> = statements.iter().map(|statement| self.known(statement)).collect();
        if let Some(known) = known {
            return Ok(known);
        }
        // At once, so that what is not prepared yet costs one round trip together.
        let prepared = try_join_all(statements.iter().map(|statement| self.prepare_one(statement))).await?;
        for (statement, prepared) in statements.iter().zip(&prepared) {
            if let (Cow::Borrowed(sql), None) = (&statement.sql, self.known(statement)) {
                self.known.push((sql, prepared.clone()));
            }
        }
        Ok(prepared)
    }

    async fn prepare_one(&self, statement: &Statement) -> Result<Prepared, Error> {
        match (self.known(statement), &statement.sql) {
            (Some(prepared), _) => Ok(prepared),
            (None, Cow::Borrowed(sql)) => self.client.prepare(&translate::statement(sql)).await,
            (None, Cow::Owned(sql)) => self.client.prepare_cached(&translate::statement(sql)).await,
        }
    }

    fn known(&self, statement: &Statement) -> Option<Prepared> {
        let Cow::Borrowed(wanted) = statement.sql else {
            return None;
        };
        let (_, prepared) = self.known.iter().find(|(sql, _)| std::ptr::eq(*sql, wanted))?;
        Some(prepared.clone())
    }
}

/// The connections of a store.
pub(super) struct Pool {
    pool: managed::Pool<Connections>,
    at_once: Timeouts,
}

impl Pool {
    pub(super) fn new(manager: Manager, connections: usize, deadline: Duration) -> Result<Self, managed::BuildError> {
        let at_once = Timeouts {
            wait: Some(Duration::ZERO),
            create: Some(deadline),
            // Without a ping, there is nothing to wait for.
            recycle: None,
        };
        let pool = managed::Pool::builder(Connections(manager))
            .max_size(connections)
            .timeouts(Timeouts {
                wait: Some(deadline),
                ..at_once
            })
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { pool, at_once })
    }

    pub(super) async fn get(&self) -> Result<Client, PoolError<Error>> {
        // A timer is only made where one has to wait.
        match self.pool.timeout_get(&self.at_once).await {
            Err(PoolError::Timeout(managed::TimeoutType::Wait)) => self.pool.get().await,
            answer => answer,
        }
    }
}

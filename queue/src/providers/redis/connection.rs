//! Connections: the shared one for every call, and dedicated ones on which a consumer may block.

use std::{
    sync::{Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use futures_util::future::poll_fn;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, aio::MultiplexedConnection};

use super::{error, script::Lua};
use crate::Result;

/// How the server is reached.
pub(super) struct Link {
    client: Client,
    timeout: Duration,
    shared: tokio::sync::Mutex<Option<(u64, MultiplexedConnection)>>,
    opened: std::sync::atomic::AtomicU64,
    /// Dedicated connections that nobody blocks on now.
    idle: Mutex<Vec<Dedicated>>,
}

/// A connection of one's own: blocking on it keeps nobody else waiting.
pub(super) struct Dedicated {
    pub(super) connection: MultiplexedConnection,
    /// What the server knows it by, to be woken with `CLIENT UNBLOCK`.
    pub(super) id: i64,
}

/// The answer to a call, or why there is none.
pub(super) enum Failure {
    /// The call did not reach the server.
    NotSent(RedisError),
    /// The call was sent, and its answer is an error or did not come.
    Sent(RedisError),
}

impl Link {
    pub(super) fn new(client: Client, timeout: Duration) -> Self {
        Self {
            client,
            timeout,
            shared: tokio::sync::Mutex::default(),
            opened: std::sync::atomic::AtomicU64::new(0),
            idle: Mutex::default(),
        }
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Where the server is, without credentials.
    pub(super) fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    async fn open(&self, response_timeout: Option<Duration>) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(response_timeout);
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn shared(&self) -> Result<(u64, MultiplexedConnection), RedisError> {
        let mut shared = self.shared.lock().await;
        if let Some(connection) = &*shared {
            return Ok(connection.clone());
        }
        let connection = self.open(Some(self.timeout)).await?;
        let number = self.opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(shared.insert((number, connection)).clone())
    }

    async fn forget(&self, number: u64) {
        let mut shared = self.shared.lock().await;
        if shared.as_ref().is_some_and(|(current, _)| *current == number) {
            *shared = None;
        }
    }

    /// Sends one command. One that a dead connection did not take is sent again on a new one.
    pub(super) async fn send<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        let mut repeated = false;
        loop {
            let (number, mut connection) = self.shared().await.map_err(Failure::NotSent)?;
            let mut sending = Box::pin(command.query_async::<T>(&mut connection));
            // A connection whose end is known refuses at the first poll, before anything is written.
            let (refused, result) = match poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx))).await {
                Poll::Ready(result) => (true, result),
                Poll::Pending => (false, sending.await),
            };
            let error = match result {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if error.is_unrecoverable_error() || error.is_timeout() || error::moves_on(&error) {
                self.forget(number).await;
            }
            if !refused || !error.is_connection_dropped() {
                return Err(Failure::Sent(error));
            }
            if repeated {
                return Err(Failure::NotSent(error));
            }
            repeated = true;
        }
    }

    /// Runs a script; a server that forgot it is told anew.
    pub(super) async fn run<T: FromRedisValue>(&self, lua: &Lua, call: &Cmd) -> Result<T, Failure> {
        match self.send(call).await {
            Err(Failure::Sent(error)) if error::is_no_script(&error) => {
                let _: String = self.send(&lua.load()).await?;
                self.send(call).await
            }
            other => other,
        }
    }

    /// A connection to block on.
    pub(super) async fn dedicated(&self) -> Result<Dedicated, RedisError> {
        if let Some(idle) = self.idle().pop() {
            return Ok(idle);
        }
        // No limit on an answer: a blocking call has its own.
        let mut connection = self.open(None).await?;
        let mut ask = redis::cmd("CLIENT");
        let id = tokio::time::timeout(self.timeout, ask.arg("ID").query_async(&mut connection)).await;
        // Where the command is not allowed, a call that nobody waits for any more ends by its own time.
        let id = id.ok().and_then(Result::ok).unwrap_or(-1);
        Ok(Dedicated { connection, id })
    }

    pub(super) fn give_back(&self, connection: Dedicated) {
        self.idle().push(connection);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Dedicated>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

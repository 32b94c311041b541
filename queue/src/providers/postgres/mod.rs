//! A queue in a PostgreSQL database, 12 or later, shared by any number of processes.
//!
//! Consumers lease with `FOR UPDATE SKIP LOCKED` and never wait for each other; a lease is fenced by a counter. New
//! messages are told by `NOTIFY` when their transaction commits. All times are the server's.
//!
//! <https://www.postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE>

mod admin;
mod builder;
mod dead;
mod error;
mod listen;
mod schema;
mod sql;
mod store;
mod tls;
mod url;

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use deadpool_postgres::{Client, Pool};
use futures_util::future::select;
use tokio_postgres::{Row, types::ToSql};

use crate::{
    Capabilities, Clock, Consumer, ConsumerCapabilities, DeadLetter, DeadLetterFilter, DeadLetters, Delivery, Depth,
    Discarded, Error, Inspect, Lease, Message, MessageId, Outcome, Queue, Redriven, Result, Settle, Settled,
    Settlement, SystemClock,
    clock::{millis, until},
    finishing::{Finishing, in_background},
    limits::{MAX_DELAY, MAX_RECEIVE, Settings, check_batch, check_delay, check_settlements},
};

pub use builder::PostgresQueueBuilder;
use dead::Action;
use error::Intent;
use listen::Listener;
use store::Found;

const PROVIDER: &str = "postgres";

/// How often a consumer that waits looks by itself. Notifications tell it of everything but a lease that ended with the
/// process that held it.
const RECHECK: Duration = Duration::from_secs(10);
/// How often it looks while it cannot be told.
const POLL: Duration = Duration::from_millis(500);

/// A durable queue in a PostgreSQL database. Clones share their connections.
///
/// One call is one statement: a send, a batch, a receive that finds something, a settlement. An idle consumer costs 12
/// statements a minute. [`send_in`](Self::send_in) sends within a transaction of yours. The tables (`queue_*`) are made
/// in the first schema of the connection's `search_path`. Needs a tokio runtime. Behind a pooler that changes
/// servers between transactions, the pooler has to know prepared statements (PgBouncer 1.21 does, by
/// `max_prepared_statements`), and consumers, which cannot listen there, look twice a second.
///
/// `sslmode` means what it means to libpq: `prefer` (unless named otherwise) and `require` encrypt without looking at
/// the certificate, `verify-ca` and `verify-full` look, against the web's roots or the file of `sslrootcert`.
#[derive(Clone)]
pub struct PostgresQueue(Arc<Inner>);

struct Inner {
    /// Hosts and database, for errors.
    place: String,
    queue: i64,
    channel: String,
    settings: Settings,
    pool: Pool,
    timeout: Duration,
    listener: Listener,
    /// Counts sends with keys.
    keyed: std::sync::atomic::AtomicU64,
}

impl PostgresQueue {
    /// Sets up a queue in the database at `url`: `postgres://user:password@host:port/database?settings`.
    ///
    /// ```no_run
    /// # async fn open() -> presswork_queue::Result<()> {
    /// use presswork_queue::PostgresQueue;
    ///
    /// let queue = PostgresQueue::connect("postgres://localhost/site").name("posts").build().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(url: impl Into<String>) -> PostgresQueueBuilder {
        PostgresQueueBuilder::new(url.into())
    }

    /// Sends `messages` within `transaction`: they are sent when it commits, and never were when it does not. Consumers
    /// are told at the commit. The transaction must be one of the same database, and see the same tables.
    ///
    /// ```no_run
    /// # async fn publish(queue: presswork_queue::PostgresQueue, client: &mut tokio_postgres::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use presswork_queue::Message;
    ///
    /// let transaction = client.transaction().await?;
    /// transaction.execute("UPDATE page SET ready = true WHERE id = 7", &[]).await?;
    /// queue.send_in(&transaction, &[Message::json(&7)?]).await?;
    /// transaction.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`send_batch`](Queue::send_batch); an error of the server ends the transaction too.
    pub async fn send_in(
        &self,
        transaction: &tokio_postgres::Transaction<'_>,
        messages: &[Message],
    ) -> Result<Vec<MessageId>> {
        check_batch(&Queue::capabilities(self), messages)?;
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        self.0.send_in(transaction, messages).await
    }

    /// Leases what is due. A caller that goes away leaves nothing leased.
    async fn reserve(&self, max: usize) -> Result<Found> {
        let queue = self.clone();
        let reserving = Finishing::new(async move {
            let found = queue.0.reserve(max).await?;
            Ok(Reserved { queue, found })
        });
        reserving.await.map(Reserved::take)
    }
}

/// Deliveries on their way to a consumer. When it went away they go back uncounted.
struct Reserved {
    queue: PostgresQueue,
    found: Found,
}

impl Reserved {
    fn take(mut self) -> Found {
        std::mem::take(&mut self.found)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let (deliveries, _) = std::mem::take(&mut self.found);
        if deliveries.is_empty() {
            return;
        }
        let queue = self.queue.clone();
        in_background(async move {
            let release = |delivery: &Delivery| Settlement::new(delivery.lease().clone(), Outcome::Release);
            let back: Vec<_> = deliveries.iter().map(release).collect();
            if let Err(error) = queue.0.settle(&back).await {
                tracing::warn!(%error, "abandoned deliveries come back only when their leases end");
            }
        });
    }
}

impl Inner {
    /// Runs one statement, prepared once per connection.
    async fn query(&self, intent: Intent, statement: &str, arguments: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let mut renewed = false;
        loop {
            let client = self.pool.get().await;
            let client = client.map_err(|error| error::no_connection(&self.place, &error))?;
            let asking = async {
                let statement = client
                    .prepare_cached(statement)
                    .await
                    .map_err(|error| (Intent::Read, error))?;
                client
                    .query(&statement, arguments)
                    .await
                    .map_err(|error| (intent, error))
            };
            let error = match tokio::time::timeout(self.timeout, asking).await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(error)) => error,
                Err(_) => {
                    // Whatever it waits for, nobody else shall wait behind it.
                    drop(Client::take(client));
                    return Err(error::late(&self.place, intent, self.timeout));
                }
            };
            // A prepared statement that outlived the table it was made for is made anew, on a new connection.
            if renewed || error.1.code().is_none_or(|code| code.code() != "0A000") {
                return Err(error::failed(&self.place, error.0, &error.1));
            }
            drop(Client::take(client));
            renewed = true;
        }
    }
}

impl fmt::Debug for PostgresQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresQueue")
            .field("place", &self.0.place)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Queue for PostgresQueue {
    fn capabilities(&self) -> Capabilities {
        self.0.settings.capabilities(PROVIDER, true)
    }

    async fn send(&self, message: &Message) -> Result<MessageId> {
        let mut ids = self.send_batch(std::slice::from_ref(message)).await?;
        ids.pop().ok_or_else(|| Error::Storage {
            provider: PROVIDER,
            message: "the database took the message and returned no id".to_owned(),
            source: None,
        })
    }

    async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        check_batch(&Queue::capabilities(self), messages)?;
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        self.0.send(messages).await
    }
}

#[async_trait]
impl Settle for PostgresQueue {
    fn capabilities(&self) -> ConsumerCapabilities {
        self.0.settings.consumer_capabilities(PROVIDER)
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        check_settlements(&Settle::capabilities(self), settlements)?;
        if settlements.is_empty() {
            return Ok(Vec::new());
        }
        self.0.settle(settlements).await
    }
}

#[async_trait]
impl Consumer for PostgresQueue {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let max = max.min(MAX_RECEIVE);
        let clock = SystemClock;
        let deadline = clock.now_ms().saturating_add(millis(wait));
        let listener = &self.0.listener;
        loop {
            let heard = listener.heard().listen();
            let (deliveries, next) = self.reserve(max).await?;
            let now = clock.now_ms();
            if !deliveries.is_empty() || now >= deadline {
                return Ok(deliveries);
            }
            listener.start();
            let look = if listener.is_listening() {
                RECHECK.min(self.0.settings.lease)
            } else {
                POLL
            };
            let pause = next.unwrap_or(look).min(look).min(until(now, deadline));
            select(heard, pin!(clock.sleep(pause))).await;
        }
    }

    async fn extend(&self, lease: &Lease, by: Duration) -> Result<Lease> {
        check_delay(PROVIDER, by, MAX_DELAY)?;
        self.0.extend(lease, by).await?.ok_or_else(|| Error::Stale {
            provider: PROVIDER,
            id: lease.id().clone(),
        })
    }
}

#[async_trait]
impl DeadLetters for PostgresQueue {
    async fn list(&self, filter: &DeadLetterFilter, after: Option<MessageId>, limit: usize) -> Result<Vec<DeadLetter>> {
        self.0.dead_letters(filter, after.as_ref(), limit).await
    }

    async fn redrive(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Redriven> {
        let action = if dry_run { Action::Look } else { Action::Redrive };
        Ok(self.0.on_dead(action, filter).await?.into())
    }

    async fn discard(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Discarded> {
        let action = if dry_run { Action::Look } else { Action::Discard };
        Ok(self.0.on_dead(action, filter).await?.into())
    }
}

#[async_trait]
impl Inspect for PostgresQueue {
    async fn depth(&self) -> Result<Depth> {
        self.0.depth().await
    }
}

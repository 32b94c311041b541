//! The Postgres queue under the suite, in a database of its own on a private server.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use presswork_queue::{
    Admin, Clock, Consumer, DeadLetters, Inspect, PostgresQueue, Queue,
    conformance::{Harness, LosesAnswers},
};

use tokio_postgres::error::SqlState;

use super::{
    server::{self, Server, connect},
    shared::Database,
};
use crate::travel::Ahead;

struct Postgres {
    url: String,
    _database: Option<Database>,
    /// Where the server is to be killed.
    server: Option<Arc<Mutex<Server>>>,
    queue: Mutex<Arc<LosesAnswers<PostgresQueue>>>,
    clock: Ahead,
}

/// Longer than any case takes on a busy machine.
const LEASE: Duration = Duration::from_secs(60);

async fn open(url: &str, name: &str) -> Arc<LosesAnswers<PostgresQueue>> {
    let queue = PostgresQueue::connect(url).name(name).lease(LEASE).max_attempts(3);
    Arc::new(LosesAnswers::new(queue.build().await.unwrap()))
}

/// It may meet others on its way through the rows; then it begins anew.
async fn repeated(url: &str, statements: &str) {
    let client = connect(url).await;
    while let Err(error) = client.batch_execute(statements).await {
        let met = [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE];
        assert!(error.code().is_some_and(|code| met.contains(code)), "{error:?}");
    }
}

impl Postgres {
    async fn on(url: String) -> Self {
        let queue = open(&url, "ours").await;
        Self {
            url,
            _database: None,
            server: None,
            queue: Mutex::new(queue),
            clock: Ahead::default(),
        }
    }

    fn get(&self) -> Arc<LosesAnswers<PostgresQueue>> {
        self.queue.lock().unwrap().clone()
    }
}

#[async_trait]
impl Harness for Postgres {
    fn available() -> Result<(), String> {
        server::available()
    }

    async fn start() -> Self {
        let database = Database::start().await;
        let mut this = Self::on(database.url().to_owned()).await;
        this._database = Some(database);
        this
    }

    const KILLABLE: bool = true;
    const EMPTIED: bool = true;

    async fn start_killable() -> Self {
        let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
        let url = server.url();
        let mut this = Self::on(url).await;
        this.server = Some(Arc::new(Mutex::new(server)));
        this
    }

    async fn restart(&self) {
        let server = self.server.clone().expect("one of its own");
        let restart = move || server.lock().unwrap().restart();
        tokio::task::spawn_blocking(restart).await.unwrap();
    }

    async fn empty(&self) {
        repeated(&self.url, "TRUNCATE queue_message, queue_key").await;
    }

    fn queue(&self) -> Arc<dyn Queue> {
        self.get()
    }

    fn consumer(&self) -> Arc<dyn Consumer> {
        self.get()
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        Some(Arc::new(self.get().inner().clone()))
    }

    fn inspect(&self) -> Option<Arc<dyn Inspect>> {
        Some(Arc::new(self.get().inner().clone()))
    }

    fn admin(&self) -> Option<Arc<dyn Admin>> {
        Some(Arc::new(self.get().inner().clone()))
    }

    async fn sibling(&self) -> (Arc<dyn Queue>, Arc<dyn Consumer>) {
        let other = open(&self.url, "theirs 🦀'; DROP TABLE queue_message; --").await;
        (other.clone(), other)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    async fn advance(&self, by: Duration) {
        // Two events never fall into one millisecond, as they would not if time really passed.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let ms = by.as_millis();
        let travel = format!(
            "UPDATE queue_message SET visible_at = visible_at - {ms} WHERE dead_at IS NULL;
             UPDATE queue_key SET expires_at = expires_at - {ms};
             SELECT pg_notify('presswork_queue_' || id, '') FROM queue_name"
        );
        repeated(&self.url, &travel).await;
        self.clock.move_by(by);
    }

    fn tolerance(&self) -> Duration {
        Duration::from_millis(50)
    }

    async fn reopen(&self) {
        let queue = open(&self.url, "ours").await;
        *self.queue.lock().unwrap() = queue;
    }

    async fn put_text(&self, text: &str) {
        let insert = "INSERT INTO queue_message (queue, envelope, visible_at, enqueued_at)
                      SELECT id, $1, 0, 0 FROM queue_name WHERE name = 'ours'";
        connect(&self.url).await.execute(insert, &[&text]).await.unwrap();
    }

    async fn lose_next_answer(&self) {
        self.get().lose_next_answer();
    }
}

presswork_queue::queue_conformance!(Postgres);

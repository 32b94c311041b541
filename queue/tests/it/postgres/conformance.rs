//! The Postgres queue under the suite, on a private server, in real time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use presswork_queue::{
    Clock, Consumer, DeadLetters, Inspect, PostgresQueue, Queue, SystemClock,
    conformance::{Harness, LosesAnswers},
};

use super::server::{self, Server};

struct Postgres {
    server: Server,
    queue: Mutex<Arc<LosesAnswers<PostgresQueue>>>,
}

async fn open(server: &Server, name: &str) -> Arc<LosesAnswers<PostgresQueue>> {
    let queue = PostgresQueue::connect(server.url())
        .name(name)
        .lease(Duration::from_secs(1))
        .max_attempts(3)
        .idempotency_ttl(Duration::from_secs(2));
    Arc::new(LosesAnswers::new(queue.build().await.unwrap()))
}

impl Postgres {
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
        let server = Server::start();
        let queue = open(&server, "ours").await;
        Self {
            server,
            queue: Mutex::new(queue),
        }
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

    async fn sibling(&self) -> (Arc<dyn Queue>, Arc<dyn Consumer>) {
        let other = open(&self.server, "theirs 🦀'; DROP TABLE queue_message; --").await;
        (other.clone(), other)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    async fn advance(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }

    fn tolerance(&self) -> Duration {
        Duration::from_millis(100)
    }

    async fn reopen(&self) {
        let queue = open(&self.server, "ours").await;
        *self.queue.lock().unwrap() = queue;
    }

    async fn put_text(&self, text: &str) {
        let insert = "INSERT INTO queue_message (queue, envelope, visible_at, enqueued_at)
                      SELECT id, $1, 0, 0 FROM queue_name WHERE name = 'ours'";
        self.server.connection().await.execute(insert, &[&text]).await.unwrap();
    }

    async fn lose_next_answer(&self) {
        self.get().lose_next_answer();
    }
}

presswork_queue::queue_conformance!(Postgres);

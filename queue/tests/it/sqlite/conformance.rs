//! The SQLite queue under the suite, in virtual time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use presswork_queue::{
    Admin, Clock, Consumer, DeadLetters, Inspect, Queue, SqliteQueue, VirtualClock,
    conformance::{Harness, LosesAnswers},
};

use super::{at, connect, file};

struct Sqlite {
    folder: tempfile::TempDir,
    clock: VirtualClock,
    queue: Mutex<Option<Arc<LosesAnswers<SqliteQueue>>>>,
}

impl Sqlite {
    fn open(&self, name: &str) -> Arc<LosesAnswers<SqliteQueue>> {
        let clock = Arc::new(self.clock.clone());
        Arc::new(LosesAnswers::new(
            at(&self.folder).name(name).clock(clock).build().unwrap(),
        ))
    }

    fn get(&self) -> Arc<LosesAnswers<SqliteQueue>> {
        self.queue.lock().unwrap().clone().unwrap()
    }
}

#[async_trait]
impl Harness for Sqlite {
    async fn start() -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), VirtualClock::new());
        let this = Self {
            folder,
            clock,
            queue: Mutex::new(None),
        };
        let queue = this.open("ours");
        *this.queue.lock().unwrap() = Some(queue);
        this
    }

    const EMPTIED: bool = true;

    async fn empty(&self) {
        connect(&file(&self.folder))
            .execute_batch("DELETE FROM queue_message; DELETE FROM queue_key")
            .unwrap();
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
        let other = self.open("theirs 🦀'; DROP TABLE queue_message; --");
        (other.clone(), other)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    async fn reopen(&self) {
        *self.queue.lock().unwrap() = None;
        let queue = self.open("ours");
        *self.queue.lock().unwrap() = Some(queue);
    }

    async fn put_text(&self, text: &str) {
        let now = self.clock.now_ms();
        connect(&file(&self.folder))
            .execute(
                "INSERT INTO queue_message (queue, envelope, visible_at, enqueued_at)
                 SELECT id, ?1, ?2, ?2 FROM queue_name WHERE name = 'ours'",
                rusqlite::params![text, now],
            )
            .unwrap();
    }

    async fn lose_next_answer(&self) {
        self.get().lose_next_answer();
    }
}

presswork_queue::queue_conformance!(Sqlite; skip {
    restarted_service_loses_nothing = "there is no service; processes are killed in `processes`",
});

//! The Redis queue under the suite, on a private server.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use presswork_queue::{
    Admin, Clock, Consumer, DeadLetters, Inspect, Queue, RedisQueue,
    conformance::{Harness, LosesAnswers},
};

use super::server::{self, Server};
use crate::travel::Ahead;

struct Redis {
    server: Arc<Mutex<Server>>,
    queue: Mutex<Arc<LosesAnswers<RedisQueue>>>,
    clock: Ahead,
}

/// Moves what is stored into the past, and wakes who waits.
const TRAVEL: &str = "
    for _, key in ipairs({ 'later', 'leases', 'extended' }) do
        key = 'presswork:{ours}:' .. key
        local all = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
        for i = 1, #all, 2 do
            redis.call('ZADD', key, all[i + 1] - ARGV[1], all[i])
        end
    end
    local ready = 'presswork:{ours}:ready'
    for i, record in ipairs(redis.call('LRANGE', ready, 0, -1)) do
        local due, rest = string.match(record, '^(%d+)( %d+ .*)$')
        if due then
            redis.call('LSET', ready, i - 1, string.format('%d', due - ARGV[1]) .. rest)
        end
    end
    for _, key in ipairs(redis.call('KEYS', 'presswork:{ours}:sent:*')) do
        redis.call('PEXPIRE', key, math.max(redis.call('PTTL', key) - ARGV[1], 0))
    end
    redis.call('LPUSH', 'presswork:{ours}:token', '1')
    return 0";

/// Longer than any case takes on a busy machine.
const LEASE: Duration = Duration::from_secs(60);

async fn open(url: &str, name: &str) -> Arc<LosesAnswers<RedisQueue>> {
    let queue = RedisQueue::connect(url)
        .name(name)
        .lease(LEASE)
        .max_attempts(3)
        .timeout(Duration::from_secs(30));
    Arc::new(LosesAnswers::new(queue.build().await.unwrap()))
}

impl Redis {
    async fn on(server: Server) -> Self {
        let queue = open(&server.url(), "ours").await;
        Self {
            server: Arc::new(Mutex::new(server)),
            queue: Mutex::new(queue),
            clock: Ahead::default(),
        }
    }

    fn url(&self) -> String {
        self.server.lock().unwrap().url()
    }

    async fn connection(&self) -> redis::aio::MultiplexedConnection {
        server::connect(&self.url()).await
    }

    fn get(&self) -> Arc<LosesAnswers<RedisQueue>> {
        self.queue.lock().unwrap().clone()
    }
}

#[async_trait]
impl Harness for Redis {
    fn available() -> Result<(), String> {
        server::available()
    }

    async fn start() -> Self {
        Self::on(Server::start()).await
    }

    const KILLABLE: bool = true;
    const EMPTIED: bool = true;

    async fn start_killable() -> Self {
        Self::on(Server::with(&["--appendonly", "yes", "--appendfsync", "always"])).await
    }

    async fn restart(&self) {
        let server = Arc::clone(&self.server);
        let restart = move || server.lock().unwrap().restart();
        tokio::task::spawn_blocking(restart).await.unwrap();
    }

    async fn empty(&self) {
        // The scripts too, as a server that comes up anew has none.
        let () = redis::pipe()
            .atomic()
            .cmd("FLUSHALL")
            .cmd("SCRIPT")
            .arg("FLUSH")
            .query_async(&mut self.connection().await)
            .await
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
        let other = open(&self.url(), "theirs 🦀}{*\r\nDEL").await;
        (other.clone(), other)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    async fn advance(&self, by: Duration) {
        // Two events never fall into one millisecond, as they would not if time really passed.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let mut connection = self.connection().await;
        let mut travel = redis::cmd("EVAL");
        travel.arg(TRAVEL).arg(0).arg(by.as_millis() as u64);
        let () = travel.query_async(&mut connection).await.unwrap();
        self.clock.move_by(by);
    }

    fn tolerance(&self) -> Duration {
        Duration::from_millis(50)
    }

    async fn reopen(&self) {
        let queue = open(&self.url(), "ours").await;
        *self.queue.lock().unwrap() = queue;
    }

    async fn put_text(&self, text: &str) {
        let () = redis::cmd("RPUSH")
            .arg("presswork:{ours}:ready")
            .arg(text)
            .query_async(&mut self.connection().await)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }

    async fn lose_next_answer(&self) {
        self.get().lose_next_answer();
    }
}

presswork_queue::queue_conformance!(Redis);

//! The memory queue under the suite.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use presswork_queue::{
    Admin, Clock, Consumer, DeadLetters, Error, Inspect, MemoryQueue, Queue, VirtualClock,
    conformance::{Harness, LosesAnswers},
};

struct Memory {
    queue: Arc<LosesAnswers<MemoryQueue>>,
    clock: VirtualClock,
}

#[async_trait]
impl Harness for Memory {
    async fn start() -> Self {
        let clock = VirtualClock::new();
        let queue = MemoryQueue::builder().clock(Arc::new(clock.clone())).build().unwrap();
        Self {
            queue: Arc::new(LosesAnswers::new(queue)),
            clock,
        }
    }

    fn queue(&self) -> Arc<dyn Queue> {
        self.queue.clone()
    }

    fn consumer(&self) -> Arc<dyn Consumer> {
        self.queue.clone()
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        Some(Arc::new(self.queue.inner().clone()))
    }

    fn inspect(&self) -> Option<Arc<dyn Inspect>> {
        Some(Arc::new(self.queue.inner().clone()))
    }

    fn admin(&self) -> Option<Arc<dyn Admin>> {
        Some(Arc::new(self.queue.inner().clone()))
    }

    async fn sibling(&self) -> (Arc<dyn Queue>, Arc<dyn Consumer>) {
        let other = MemoryQueue::new();
        (Arc::new(other.clone()), Arc::new(other))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    async fn put_text(&self, text: &str) {
        self.queue.inner().send_text(text);
    }

    async fn lose_next_answer(&self) {
        self.queue.lose_next_answer();
    }
}

presswork_queue::queue_conformance!(Memory; skip {
    messages_survive_reopen = "memory is not durable",
    delayed_message_survives_reopen = "memory is not durable",
    restarted_service_loses_nothing = "there is no service to kill",
    emptied_service_is_used_on = "nobody else can empty it",
});

#[test]
fn settings_are_checked() {
    let zero = Duration::ZERO;
    let year_and_more = Duration::from_secs(366 * 86_400);
    for builder in [
        MemoryQueue::builder().lease(zero),
        MemoryQueue::builder().lease(year_and_more),
        MemoryQueue::builder().max_attempts(0),
        MemoryQueue::builder().retry_delay(year_and_more),
        MemoryQueue::builder().idempotency_ttl(zero),
    ] {
        assert!(
            matches!(builder.clone().build(), Err(Error::Config { .. })),
            "{builder:?}"
        );
    }
}

/// A skip is no way around what the queue declares.
#[tokio::test]
#[should_panic(expected = "is skipped (too hard), but the queue declares that it has this")]
async fn dishonest_skip_fails() {
    let harness = Memory::start().await;
    let need = presswork_queue::conformance::Need::Fencing;
    presswork_queue::conformance::skipped(
        &harness,
        "first_verdict_wins",
        need,
        &[("first_verdict_wins", "too hard")],
    );
}

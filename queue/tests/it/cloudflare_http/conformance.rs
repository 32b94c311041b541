//! The REST queue under the suite, against the fake, on a clock that runs fast.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use presswork_queue::{
    Admin, Clock, CloudflareHttpQueue, Consumer, DeadLetters, Inspect, Queue,
    conformance::{Harness, LosesAnswers},
};

use super::fake::{ACCOUNT, Fake, FakeQueue, TOKEN};
use crate::travel::Ahead;

struct Rest {
    server: wiremock::MockServer,
    fake: Fake,
    queue: Arc<LosesAnswers<CloudflareHttpQueue>>,
    clock: Ahead,
}

fn open(server: &wiremock::MockServer, clock: &Ahead, queue: &str) -> Arc<LosesAnswers<CloudflareHttpQueue>> {
    let queue = CloudflareHttpQueue::builder(ACCOUNT, queue, TOKEN)
        .base_url(format!("{}/client/v4", server.uri()))
        .dead_letters(format!("{queue}-dead"))
        .lease(Duration::from_secs(3600))
        .clock(Arc::new(clock.clone()));
    Arc::new(LosesAnswers::new(queue.build().unwrap()))
}

#[async_trait]
impl Harness for Rest {
    async fn start() -> Self {
        // The service counts in whole seconds; a second of it is 40 ms of ours.
        let clock = Ahead::fast(25);
        let (server, fake) = Fake::start(Arc::new(clock.clone())).await;
        for name in ["ours", "theirs"] {
            let dead = format!("{name}-dead");
            let queue = FakeQueue {
                max_retries: 3,
                dead_letters: Some(dead.clone()),
                ..FakeQueue::default()
            };
            fake.state().queues.insert(name.to_owned(), queue);
            fake.state().queues.insert(dead, FakeQueue::default());
        }
        Self {
            queue: open(&server, &clock, "ours"),
            server,
            fake,
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
        None
    }

    fn admin(&self) -> Option<Arc<dyn Admin>> {
        Some(Arc::new(self.queue.inner().clone()))
    }

    async fn sibling(&self) -> (Arc<dyn Queue>, Arc<dyn Consumer>) {
        let other = open(&self.server, &self.clock, "theirs");
        (other.clone(), other)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    async fn advance(&self, by: Duration) {
        self.clock.move_by(by);
    }

    fn tolerance(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn put_text(&self, text: &str) {
        self.fake.put("ours", text, "text");
    }

    async fn lose_next_answer(&self) {
        self.queue.lose_next_answer();
    }
}

presswork_queue::queue_conformance!(Rest; skip {
    repeated_key_returns_the_first_id = "the service knows no idempotency keys",
    key_expires_after_its_ttl = "the service knows no idempotency keys",
    concurrent_senders_of_one_key_make_one_message = "the service knows no idempotency keys",
    lost_answer_can_be_repeated = "the service knows no idempotency keys",
    key_repeated_in_a_batch_makes_one_message = "the service knows no idempotency keys",
    first_verdict_wins = "the service has no fencing",
    stale_ack_after_expiry_is_refused = "the service has no fencing",
    stale_ack_after_redrive_is_refused = "the service has no fencing",
    stale_item_does_not_stop_the_others = "the service has no fencing",
    foreign_lease_is_stale = "the service has no fencing",
    extend_moves_the_deadline = "the service extends no lease",
    extend_never_shortens = "the service extends no lease",
    stale_extend_is_refused = "the service extends no lease",
    lease_is_kept_while_handling = "the service extends no lease",
    release_does_not_count = "the service releases no message",
    snooze_waits_and_does_not_count = "the service releases no message",
    drain_releases_what_was_not_started = "the service releases no message",
    drain_has_a_deadline = "the service releases no message",
    poison_takes_no_neighbour_along = "the service isolates nothing",
    restarted_service_loses_nothing = "the service is not ours to kill",
    emptied_service_is_used_on = "the service is not ours to empty",
    poison_is_delivered_max_attempts_times = "the service keeps the number to itself",
    retry_on_the_last_attempt_dead_letters = "the service keeps the number to itself",
    random_faults_lose_nothing = "the service shows only the first of its dead letters",
    random_operations_agree_with_the_model = "the service has no fencing",
    depth_counts_each_state = "the service tells no states apart",
    oldest_age_is_the_longest_due = "the service tells no states apart",
});

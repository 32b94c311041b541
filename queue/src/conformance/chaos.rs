//! Services that are killed and emptied in mid-traffic.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::{join, join3};

use super::{Harness, tools::*};
use crate::{Delivery, Error, Message, Outcome, Settled, Settlement};

const BATCH: usize = 10;
/// Between two faults: enough for some messages to pass.
const BETWEEN: u32 = 40;

/// Sends and receives numbers, whatever the service does.
#[derive(Default)]
struct Traffic {
    /// The numbers below were accepted.
    accepted: AtomicU32,
    /// How often each was delivered.
    seen: Mutex<BTreeMap<u32, u32>>,
    over: AtomicBool,
}

/// An error that traffic lives with: nothing happened, or nobody knows and the repeat is harmless.
fn passes(error: &Error) {
    assert!(
        error.is_retryable() || matches!(error, Error::OutcomeUnknown { .. }),
        "{error:?}"
    );
}

impl Traffic {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn accepted(&self) -> u32 {
        self.accepted.load(Ordering::SeqCst)
    }

    async fn send<H: Harness>(&self, h: &H) {
        let keys = h.queue().capabilities().idempotency_ttl.is_some();
        loop {
            // One more is sent when all is over: it wakes who waits by a clock that stands still.
            let last = self.is_over();
            let number = self.accepted();
            let mut message = Message::json(&number).expect("json");
            if keys {
                message = message.idempotency_key(number.to_string());
            }
            match h.queue().send(&message).await {
                Ok(_) => {
                    self.accepted.fetch_add(1, Ordering::SeqCst);
                    if last {
                        return;
                    }
                }
                Err(error) => passes(&error),
            }
            crate::platform::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn receive<H: Harness>(&self, h: &H) {
        while !self.is_over() {
            match h.consumer().receive(BATCH, Duration::from_millis(100)).await {
                Ok(deliveries) => self.take(h, deliveries).await,
                Err(error) => {
                    passes(&error);
                    crate::platform::sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }

    async fn take<H: Harness>(&self, h: &H, deliveries: Vec<Delivery>) {
        let ack = |delivery: &Delivery| Settlement::new(delivery.lease().clone(), Outcome::Ack);
        let acks: Vec<_> = deliveries.iter().map(ack).collect();
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            for delivery in &deliveries {
                *seen.entry(delivery.json().expect("a number")).or_default() += 1;
            }
        }
        // What is not settled comes again.
        if let Err(error) = h.consumer().settle(&acks).await {
            passes(&error);
        }
    }

    /// Returns when `count` more were accepted.
    async fn pass(&self, count: u32) {
        let until = self.accepted() + count;
        while self.accepted() < until {
            crate::platform::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Takes what is left to its end.
    async fn finish<H: Harness>(&self, h: &H) {
        let mut quiet = 0;
        while quiet < 2 {
            expire(h).await;
            let mut some = false;
            loop {
                let deliveries = receive(h, 100).await;
                if deliveries.is_empty() {
                    break;
                }
                some = true;
                self.take(h, deliveries).await;
            }
            quiet = if some { 0 } else { quiet + 1 };
        }
    }

    fn seen(&self) -> BTreeMap<u32, u32> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn restarted_service_loses_nothing<H: Harness>(_: &H) {
    const RESTARTS: u32 = 3;
    let h = H::start_killable().await;
    let traffic = Traffic::default();
    let restarting = async {
        for _ in 0..RESTARTS {
            traffic.pass(BETWEEN).await;
            h.restart().await;
        }
        traffic.pass(BETWEEN).await;
        traffic.over.store(true, Ordering::SeqCst);
    };
    join3(traffic.send(&h), traffic.receive(&h), restarting).await;
    traffic.finish(&h).await;
    let (accepted, seen) = (traffic.accepted(), traffic.seen());
    let lost: Vec<_> = (0..accepted).filter(|number| !seen.contains_key(number)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let twice: u32 = seen.values().map(|count| count - 1).sum();
    println!("{accepted} messages, {twice} extra deliveries over {RESTARTS} restarts");
    // One batch whose settlement was not answered, and one whose receive was not; without keys, one repeated send.
    assert!(
        twice <= RESTARTS * (2 * BATCH as u32 + 1),
        "{twice} extra deliveries; a restart costs what was in hand"
    );
    if let Some(inspect) = h.inspect() {
        assert_eq!(inspect.depth().await.expect("depth"), crate::Depth::default());
    }
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn emptied_service_is_used_on<H: Harness>(h: &H) {
    // A lease of before is stale, whatever comes after.
    send(h, "emptied").await;
    let lost = one(h).await;
    h.empty().await;
    none(h).await;
    assert_eq!(settle(h, &lost, Outcome::Ack).await, Settled::Stale);
    send(h, "after").await;
    let delivery = one(h).await;
    assert_eq!(delivery.body(), b"after");
    assert_eq!(settle(h, &lost, Outcome::Ack).await, Settled::Stale);
    assert_eq!(settle(h, &delivery, Outcome::Ack).await, Settled::Done);

    // Emptied while a consumer waits.
    let consumer = h.consumer();
    let (received, ()) = join(consumer.receive(1, Duration::from_secs(3600)), async {
        for _ in 0..10 {
            yield_now().await;
        }
        h.empty().await;
        send(h, "later").await;
    })
    .await;
    let received = received.expect("receive");
    assert_eq!(received[0].body(), b"later");
    assert_eq!(settle(h, &received[0], Outcome::Ack).await, Settled::Done);

    // Emptied in the midst of everything.
    let traffic = Traffic::default();
    let kept = AtomicU32::new(0);
    let emptying = async {
        for _ in 0..5 {
            traffic.pass(BETWEEN).await;
            h.empty().await;
            // The one that is being sent may have been before it.
            kept.store(traffic.accepted() + 1, Ordering::SeqCst);
        }
        traffic.pass(BETWEEN).await;
        traffic.over.store(true, Ordering::SeqCst);
    };
    join3(traffic.send(h), traffic.receive(h), emptying).await;
    traffic.finish(h).await;
    let (accepted, seen, kept) = (traffic.accepted(), traffic.seen(), kept.into_inner());
    assert!(kept < accepted);
    let lost: Vec<_> = (kept..accepted).filter(|number| !seen.contains_key(number)).collect();
    assert!(lost.is_empty(), "sent after the last emptying and lost: {lost:?}");
    let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "nobody held a lease that ended: {twice:?}");
}

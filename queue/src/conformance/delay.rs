//! Delays: never early, kept over restarts.

use std::time::Duration;

use super::{Harness, tools::*};
use crate::{Message, Outcome, Settled, Settlement};

/// Shorter than any lease, longer than what a harness may be late.
fn some_delay<H: Harness>(h: &H) -> Duration {
    (slack(h) * 4).max(Duration::from_millis(20))
}

/// See the bullet of this name on [`Queue::send`](crate::Queue::send).
pub async fn delay_is_never_early<H: Harness>(h: &H) {
    let delay = some_delay(h);
    let id = h.queue().send(&Message::new("later").delay(delay)).await.expect("send");
    let now = send(h, "now").await;
    let first = receive_all(h).await;
    assert_eq!(
        first.iter().map(|delivery| delivery.id()).collect::<Vec<_>>(),
        [&now],
        "an undelayed message goes first"
    );
    h.advance(delay - slack(h)).await;
    if h.tolerance().is_zero() {
        none(h).await;
    }
    h.advance(slack(h) * 2).await;
    let delivery = one(h).await;
    assert_eq!(delivery.id(), &id);
    let waited = h.clock().now_ms() - delivery.enqueued_at_ms();
    assert!(
        waited >= delay.as_millis() as i64,
        "delivered {waited} ms after it was sent, with a delay of {delay:?}"
    );
}

/// See the bullet of this name on [`Queue::send`](crate::Queue::send).
pub async fn delayed_message_survives_reopen<H: Harness>(h: &H) {
    let delay = some_delay(h) * 10;
    let id = h.queue().send(&Message::new("later").delay(delay)).await.expect("send");
    h.reopen().await;
    none(h).await;
    h.advance(delay + slack(h)).await;
    assert_eq!(one(h).await.id(), &id);
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn retry_delay_is_kept<H: Harness>(h: &H) {
    let delay = some_delay(h);
    send(h, "again").await;
    let before = h.clock().now_ms();
    assert_eq!(
        settle(h, &one(h).await, Outcome::retry_after(delay, "busy")).await,
        Settled::Done
    );
    h.advance(delay - slack(h)).await;
    if h.tolerance().is_zero() {
        none(h).await;
    }
    h.advance(slack(h) * 2).await;
    one(h).await;
    assert!(h.clock().now_ms() - before >= delay.as_millis() as i64);
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn many_due_at_once_all_come<H: Harness>(h: &H) {
    all_due_at_once(h, 1_000).await;
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn ten_thousand_due_at_once_all_come<H: Harness>(h: &H) {
    all_due_at_once(h, 10_000).await;
}

async fn all_due_at_once<H: Harness>(h: &H, count: usize) {
    let batch = h.queue().capabilities().max_batch.min(100);
    // Long enough that none is due before the last was sent.
    let delay = some_delay(h).max(Duration::from_secs(600));
    let message = Message::new("due").delay(delay);
    let mut sent = 0;
    while sent < count {
        sent += h
            .queue()
            .send_batch(&vec![message.clone(); batch])
            .await
            .expect("send")
            .len();
    }
    none(h).await;
    h.advance(delay + slack(h)).await;
    let mut deliveries = 0;
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let some = receive(h, 1_000).await;
        if some.is_empty() {
            break;
        }
        deliveries += some.len();
        seen.extend(ids(&some));
        let acks: Vec<_> = some
            .iter()
            .map(|delivery| Settlement::new(delivery.lease().clone(), Outcome::Ack))
            .collect();
        h.consumer().settle(&acks).await.expect("settle");
    }
    assert_eq!((deliveries, seen.len()), (sent, sent), "all come, and none twice");
}

//! Delays: never early, kept over restarts.

use std::time::Duration;

use super::{Harness, tools::*};
use crate::{Message, Outcome, Settled};

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
    let batch = h.queue().capabilities().max_batch.min(100);
    let delay = some_delay(h);
    let message = Message::new("due").delay(delay);
    let mut sent = 0;
    while sent < 1_000 {
        sent += h
            .queue()
            .send_batch(&vec![message.clone(); batch])
            .await
            .expect("send")
            .len();
    }
    h.advance(delay + slack(h)).await;
    let deliveries = receive_all(h).await;
    assert_eq!(deliveries.len(), sent);
    assert_eq!(ids(&deliveries).len(), sent, "none comes twice");
}

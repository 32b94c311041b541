//! What is declared holds: a capability that is there works, one that is not is refused.

use std::time::Duration;

use super::{Harness, tools::*};
use crate::{Error, Message, Outcome, Settled, Settlement};

/// See the bullet of this name on [`Queue::capabilities`](crate::Queue::capabilities).
pub async fn delay_limit_is_declared<H: Harness>(h: &H) {
    let max = h.queue().capabilities().max_delay;
    let message = Message::new("later");
    h.queue()
        .send(&message.clone().delay(max))
        .await
        .expect("the longest delay is taken");
    let refused = h.queue().send(&message.delay(max + Duration::from_millis(1))).await;
    assert!(matches!(refused, Err(Error::InvalidDelay { .. })), "{refused:?}");
    none(h).await;
}

/// See the bullet of this name on [`Queue::capabilities`](crate::Queue::capabilities).
pub async fn idempotency_is_declared<H: Harness>(h: &H) {
    let sent = h.queue().send(&Message::new("once").idempotency_key("key")).await;
    match h.queue().capabilities().idempotency_ttl {
        Some(_) => drop(sent.expect("a key is taken")),
        None => assert!(matches!(sent, Err(Error::Unsupported { .. })), "{sent:?}"),
    }
}

/// Settles a fresh delivery; must work or be refused, as declared.
async fn settles_as_declared<H: Harness>(h: &H, verdict: Outcome, declared: bool) {
    send(h, "one").await;
    let settlement = Settlement::new(one(h).await.lease().clone(), verdict);
    let settled = h.consumer().settle(&[settlement]).await;
    if declared {
        assert_eq!(settled.expect("a declared verdict works"), [Settled::Done]);
    } else {
        assert!(matches!(settled, Err(Error::Unsupported { .. })), "{settled:?}");
    }
}

/// See the bullet of this name on [`Settle::capabilities`](crate::Settle::capabilities).
pub async fn release_is_declared<H: Harness>(h: &H) {
    settles_as_declared(h, Outcome::Release, h.consumer().capabilities().release).await;
}

/// See the bullet of this name on [`Settle::capabilities`](crate::Settle::capabilities).
pub async fn dead_letter_is_declared<H: Harness>(h: &H) {
    settles_as_declared(h, Outcome::dead_letter("no"), h.consumer().capabilities().dead_letter).await;
    if h.consumer().capabilities().dead_letter {
        none(h).await;
    }
}

/// See the bullet of this name on [`Settle::capabilities`](crate::Settle::capabilities).
pub async fn extend_is_declared<H: Harness>(h: &H) {
    send(h, "one").await;
    let delivery = one(h).await;
    let extended = h.consumer().extend(delivery.lease(), Duration::from_secs(1)).await;
    if h.consumer().capabilities().extend {
        assert_eq!(extended.expect("a lease is extended").id(), delivery.id());
    } else {
        assert!(matches!(extended, Err(Error::Unsupported { .. })), "{extended:?}");
    }
}

/// See the bullet of this name on [`Settle::capabilities`](crate::Settle::capabilities).
pub async fn retry_delay_limit_is_declared<H: Harness>(h: &H) {
    send(h, "bad").await;
    send(h, "good").await;
    let deliveries = receive(h, 2).await;
    assert_eq!(deliveries.len(), 2);
    let late = h.consumer().capabilities().max_delay + Duration::from_millis(1);
    let bad = Settlement::new(deliveries[0].lease().clone(), Outcome::retry_after(late, "later"));
    let good = Settlement::new(deliveries[1].lease().clone(), Outcome::Ack);
    let refused = h.consumer().settle(&[good.clone(), bad]).await;
    assert!(matches!(refused, Err(Error::InvalidDelay { .. })), "{refused:?}");
    assert_eq!(
        h.consumer().settle(&[good]).await.expect("settle"),
        [Settled::Done],
        "the refused call settled nothing"
    );
}

//! Leases and attempts.

use super::{Harness, tools::*};
use crate::{DeadLetter, Error, Outcome, Settled};

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn leased_message_is_hidden<H: Harness>(h: &H) {
    send(h, "held").await;
    let held = one(h).await;
    none(h).await;
    h.advance(lease_time(h) / 2).await;
    none(h).await;
    if h.tolerance().is_zero() {
        h.advance(lease_time(h) / 2 - slack(h)).await;
        none(h).await;
    }
    drop(held);
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn expired_lease_delivers_again<H: Harness>(h: &H) {
    send(h, "again").await;
    let first = one(h).await;
    expire(h).await;
    let second = one(h).await;
    assert_eq!(second.id(), first.id());
    assert_eq!(second.body(), first.body());
    assert_eq!(second.enqueued_at_ms(), first.enqueued_at_ms());
    assert_ne!(second.lease(), first.lease());
    if h.consumer().capabilities().attempts {
        assert_eq!((first.attempt(), second.attempt()), (Some(1), Some(2)));
    }
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn attempts_count_deliveries<H: Harness>(h: &H) {
    send(h, "counted").await;
    let first = one(h).await;
    assert_eq!(first.attempt(), Some(1));
    settle(h, &first, Outcome::retry("no")).await;
    let second = one(h).await;
    assert_eq!(second.attempt(), Some(2), "a retry counts");
    expire(h).await;
    assert_eq!(one(h).await.attempt(), Some(3), "an expired lease counts");
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn poison_is_delivered_max_attempts_times<H: Harness>(h: &H) {
    let max = h
        .consumer()
        .capabilities()
        .max_attempts
        .expect("the case needs a maximum");
    let id = send(h, "poison").await;
    for attempt in 1..=max {
        let delivery = one(h).await;
        assert_eq!(delivery.attempt(), Some(attempt));
        expire(h).await;
    }
    none(h).await;
    expire(h).await;
    none(h).await;
    if h.dead_letters().is_some() {
        let dead = dead(h).await;
        assert_eq!(dead.len(), 1);
        assert_eq!((&dead[0].id, dead[0].attempts), (&id, max));
        assert_eq!(dead[0].reason, DeadLetter::MAX_ATTEMPTS);
        assert_eq!(dead[0].last_error.as_deref(), Some(DeadLetter::NO_VERDICT));
    }
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn poison_takes_no_neighbour_along<H: Harness>(h: &H) {
    let max = h.consumer().capabilities().max_attempts;
    let max = max.expect("the case needs a maximum");
    for body in ["before", "poison", "after"] {
        send(h, body).await;
    }
    let (mut deaths, mut acked, mut empty) = (0, Vec::new(), 0);
    while empty < 2 {
        let deliveries = receive(h, 10).await;
        empty = if deliveries.is_empty() { empty + 1 } else { 0 };
        if deliveries.iter().any(|delivery| delivery.body() == b"poison") {
            // The process is gone, and with it every verdict it would have given.
            deaths += 1;
            assert_eq!(deliveries.len(), if deaths == 1 { 3 } else { 1 }, "death {deaths}");
            expire(h).await;
            continue;
        }
        for delivery in &deliveries {
            acked.push((
                String::from_utf8_lossy(delivery.body()).into_owned(),
                delivery.attempt(),
            ));
            assert_eq!(settle(h, delivery, Outcome::Ack).await, Settled::Done);
        }
    }
    assert_eq!(deaths, max);
    acked.sort_unstable();
    assert_eq!(acked, [("after".to_owned(), Some(2)), ("before".to_owned(), Some(2))]);
    if h.dead_letters().is_some() {
        let dead = dead(h).await;
        assert_eq!(dead.len(), 1, "{dead:?}");
        assert_eq!(dead[0].body, b"poison");
    }
}

/// See the bullet of this name on [`Consumer::extend`](crate::Consumer::extend).
pub async fn extend_moves_the_deadline<H: Harness>(h: &H) {
    send(h, "held").await;
    let delivery = one(h).await;
    let lease = h
        .consumer()
        .extend(delivery.lease(), lease_time(h) * 2)
        .await
        .expect("extend");
    expire(h).await;
    none(h).await;
    expire(h).await;
    let again = one(h).await;
    assert_eq!(again.id(), delivery.id());
    assert_ne!(again.lease(), &lease);
}

/// See the bullet of this name on [`Consumer::extend`](crate::Consumer::extend).
pub async fn extend_never_shortens<H: Harness>(h: &H) {
    send(h, "held").await;
    let delivery = one(h).await;
    let lease = h.consumer().extend(delivery.lease(), slack(h)).await.expect("extend");
    assert_eq!(lease.expires_at_ms(), delivery.lease().expires_at_ms());
    h.advance(lease_time(h) / 2).await;
    none(h).await;
}

/// See the bullet of this name on [`Consumer::extend`](crate::Consumer::extend).
pub async fn stale_extend_is_refused<H: Harness>(h: &H) {
    send(h, "held").await;
    let first = one(h).await;
    expire(h).await;
    let second = one(h).await;
    let refused = h.consumer().extend(first.lease(), lease_time(h)).await;
    assert!(matches!(refused, Err(Error::Stale { .. })), "{refused:?}");
    assert_eq!(settle(h, &second, Outcome::Ack).await, Settled::Done);
    let refused = h.consumer().extend(second.lease(), lease_time(h)).await;
    assert!(matches!(refused, Err(Error::Stale { .. })), "{refused:?}");
}

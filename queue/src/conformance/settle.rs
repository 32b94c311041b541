//! Verdicts and fencing.

use super::{Harness, tools::*};
use crate::{DeadLetter, DeadLetterFilter, Error, Message, Outcome, Settled, Settlement};

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn ack_removes<H: Harness>(h: &H) {
    send(h, "done").await;
    let delivery = one(h).await;
    assert_eq!(settle(h, &delivery, Outcome::Ack).await, Settled::Done);
    if h.consumer().capabilities().lease.is_some() {
        expire(h).await;
    }
    none(h).await;
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn first_verdict_wins<H: Harness>(h: &H) {
    send(h, "one").await;
    let delivery = one(h).await;
    let ack = Settlement::new(delivery.lease().clone(), Outcome::Ack);
    let retry = Settlement::new(delivery.lease().clone(), Outcome::retry("late"));
    let settled = h
        .consumer()
        .settle(&[retry.clone(), ack.clone()])
        .await
        .expect("settle");
    assert_eq!(settled, [Settled::Done, Settled::Stale]);
    let delivery = one(h).await;
    let ack = Settlement {
        lease: delivery.lease().clone(),
        ..ack
    };
    assert_eq!(
        h.consumer().settle(std::slice::from_ref(&ack)).await.expect("settle"),
        [Settled::Done]
    );
    assert_eq!(
        h.consumer().settle(&[ack, retry]).await.expect("settle"),
        [Settled::Stale; 2]
    );
    none(h).await;
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn stale_ack_after_expiry_is_refused<H: Harness>(h: &H) {
    send(h, "held").await;
    let old = one(h).await;
    expire(h).await;
    let new = one(h).await;
    for verdict in [
        Outcome::Ack,
        Outcome::retry("old"),
        Outcome::dead_letter("old"),
        Outcome::Release,
    ] {
        assert_eq!(settle(h, &old, verdict).await, Settled::Stale);
    }
    none(h).await;
    assert_eq!(settle(h, &new, Outcome::Ack).await, Settled::Done);
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn stale_ack_after_redrive_is_refused<H: Harness>(h: &H) {
    let id = send(h, "held").await;
    let old = one(h).await;
    settle(h, &old, Outcome::dead_letter("first life")).await;
    let letters = h.dead_letters().expect("the case needs a list of dead letters");
    assert_eq!(
        letters
            .redrive(&DeadLetterFilter::all(), false)
            .await
            .expect("redrive")
            .ids,
        [id]
    );
    assert_eq!(
        settle(h, &old, Outcome::Ack).await,
        Settled::Stale,
        "before the new delivery"
    );
    let new = one(h).await;
    assert_eq!(settle(h, &old, Outcome::Ack).await, Settled::Stale, "after it");
    assert_eq!(settle(h, &new, Outcome::Ack).await, Settled::Done);
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn late_ack_before_redelivery_counts<H: Harness>(h: &H) {
    send(h, "late").await;
    let delivery = one(h).await;
    expire(h).await;
    assert_eq!(settle(h, &delivery, Outcome::Ack).await, Settled::Done);
    none(h).await;
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn stale_item_does_not_stop_the_others<H: Harness>(h: &H) {
    h.queue().send_batch(&vec![Message::new("x"); 3]).await.expect("send");
    let deliveries = receive(h, 3).await;
    settle(h, &deliveries[1], Outcome::Ack).await;
    let acks: Vec<_> = deliveries
        .iter()
        .map(|delivery| Settlement::new(delivery.lease().clone(), Outcome::Ack))
        .collect();
    let settled = h.consumer().settle(&acks).await.expect("settle");
    assert_eq!(settled, [Settled::Done, Settled::Stale, Settled::Done]);
    expire(h).await;
    none(h).await;
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn retry_delivers_again<H: Harness>(h: &H) {
    let id = send(h, "again").await;
    let retry = Outcome::Retry {
        after: None,
        error: None,
    };
    assert_eq!(settle(h, &one(h).await, retry).await, Settled::Done);
    assert_eq!(one(h).await.id(), &id);
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn retry_on_the_last_attempt_dead_letters<H: Harness>(h: &H) {
    let max = h
        .consumer()
        .capabilities()
        .max_attempts
        .expect("the case needs a maximum");
    send(h, "hopeless").await;
    for attempt in 1..=max {
        let settled = settle(h, &one(h).await, Outcome::retry(format!("failure {attempt}"))).await;
        assert_eq!(
            settled,
            if attempt < max {
                Settled::Done
            } else {
                Settled::Exhausted
            }
        );
    }
    none(h).await;
    if h.dead_letters().is_some() {
        let dead = dead(h).await;
        assert_eq!(dead.len(), 1);
        assert_eq!(
            (dead[0].reason.as_str(), dead[0].attempts),
            (DeadLetter::MAX_ATTEMPTS, max)
        );
        assert_eq!(dead[0].last_error, Some(format!("failure {max}")));
    }
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn dead_letter_keeps_everything<H: Harness>(h: &H) {
    let before = h.clock().now_ms();
    let message = Message::new(vec![0xff, 0x00]).header("trace", "t-1");
    let id = h.queue().send(&message).await.expect("send");
    h.advance(slack(h)).await;
    settle(h, &one(h).await, Outcome::retry("first failure")).await;
    h.advance(slack(h)).await;
    let delivery = one(h).await;
    let reason = "r".repeat(700);
    settle(h, &delivery, Outcome::dead_letter(&reason)).await;
    none(h).await;
    let dead = dead(h).await;
    assert_eq!(dead.len(), 1);
    let letter = &dead[0];
    assert_eq!((&letter.id, letter.body.as_slice()), (&id, message.body()));
    assert_eq!(&letter.headers, message.headers());
    assert_eq!(letter.attempts, 2);
    if h.consumer().capabilities().max_attempts.is_some() {
        assert_eq!(letter.reason, reason[..500], "the reason is kept, up to 500 characters");
        assert_eq!(letter.last_error.as_deref(), Some("first failure"));
    } else {
        // A service that buries by itself keeps what a header can hold.
        assert_eq!(letter.reason, reason[..200]);
    }
    assert_eq!(letter.first_enqueued_ms, delivery.enqueued_at_ms());
    assert!(letter.first_enqueued_ms >= before && letter.dead_at_ms > letter.first_enqueued_ms);
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn release_does_not_count<H: Harness>(h: &H) {
    send(h, "later").await;
    for _ in 0..10 {
        let delivery = one(h).await;
        assert!(delivery.attempt().is_none_or(|attempt| attempt == 1));
        assert_eq!(settle(h, &delivery, Outcome::Release).await, Settled::Done);
    }
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn snooze_waits_and_does_not_count<H: Harness>(h: &H) {
    send(h, "later").await;
    for _ in 0..5 {
        let delivery = one(h).await;
        assert!(delivery.attempt().is_none_or(|attempt| attempt == 1));
        let after = lease_time(h);
        assert_eq!(settle(h, &delivery, Outcome::Snooze { after }).await, Settled::Done);
        assert_eq!(settle(h, &delivery, Outcome::Ack).await, Settled::Stale);
        none(h).await;
        expire(h).await;
    }
    let late = h.consumer().capabilities().max_delay * 2;
    let refused = [Settlement::new(
        one(h).await.lease().clone(),
        Outcome::Snooze { after: late },
    )];
    let refused = h.consumer().settle(&refused).await;
    assert!(matches!(refused, Err(Error::InvalidDelay { .. })), "{refused:?}");
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn settling_nothing_is_a_no_op<H: Harness>(h: &H) {
    assert_eq!(h.consumer().settle(&[]).await.expect("settle"), []);
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn lost_settlement_can_be_repeated<H: Harness>(h: &H) {
    send(h, "done").await;
    let ack = Settlement::new(one(h).await.lease().clone(), Outcome::Ack);
    h.lose_next_answer().await;
    let lost = h.consumer().settle(std::slice::from_ref(&ack)).await;
    assert!(
        matches!(lost, Err(Error::OutcomeUnknown { .. } | Error::Unavailable { .. })),
        "{lost:?}"
    );
    h.consumer().settle(&[ack]).await.expect("the repeat is answered");
    none(h).await;
}

/// See the bullet of this name on [`Settle::settle`](crate::Settle::settle).
pub async fn foreign_lease_is_stale<H: Harness>(h: &H) {
    let (other_queue, other_consumer) = h.sibling().await;
    other_queue.send(&Message::new("theirs")).await.expect("send");
    send(h, "ours").await;
    let ours = one(h).await;
    let theirs = other_consumer
        .receive(1, h.tolerance())
        .await
        .expect("receive")
        .pop()
        .expect("theirs is there");
    assert_eq!(theirs.body(), b"theirs", "queues do not mix");
    assert_eq!(settle(h, &theirs, Outcome::Ack).await, Settled::Stale);
    assert_eq!(settle(h, &ours, Outcome::Ack).await, Settled::Done);
    let settled = other_consumer
        .settle(&[Settlement::new(theirs.lease().clone(), Outcome::Ack)])
        .await;
    assert_eq!(settled.expect("settle"), [Settled::Done]);
}

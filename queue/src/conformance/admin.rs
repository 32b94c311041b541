//! What an operator does to a whole queue.

use std::{sync::Arc, time::Duration};

use futures_util::future::join;

use super::{Harness, tools::*};
use crate::{Admin, Message, Outcome, Peeked, Settled};

fn admin<H: Harness>(h: &H) -> Arc<dyn Admin> {
    h.admin().expect("the case needs an operator's hand")
}

fn bodies(peeked: &[Peeked]) -> Vec<&[u8]> {
    peeked.iter().map(|peeked| peeked.body.as_slice()).collect()
}

/// See the bullet of this name on [`Admin::peek`].
pub async fn peek_changes_nothing<H: Harness>(h: &H) {
    let message = Message::new([0, 255]).header("k", "v");
    let id = h.queue().send(&message).await.expect("send");
    h.put_text("garbage").await;
    for _ in 0..3 {
        let peeked = admin(h).peek(10).await.expect("peek");
        assert_eq!(peeked.len(), 2);
        let ours = peeked.iter().find(|peeked| peeked.id == id).expect("ours is shown");
        assert_eq!(
            (ours.body.as_slice(), &ours.headers),
            (message.body(), message.headers())
        );
        assert!(ours.attempts.is_none_or(|attempts| attempts == 0));
        assert!(peeked.iter().any(|peeked| peeked.body == b"garbage"));
    }
    assert_eq!(admin(h).peek(1).await.expect("peek").len(), 1, "no more than asked for");
    let deliveries = receive_all(h).await;
    assert_eq!(deliveries.len(), 2);
    assert!(
        deliveries
            .iter()
            .all(|delivery| delivery.attempt().is_none_or(|attempt| attempt == 1))
    );
}

/// See the bullet of this name on [`Admin::peek`].
pub async fn peek_shows_what_waits<H: Harness>(h: &H) {
    assert!(admin(h).peek(10).await.expect("peek").is_empty());
    let later = Message::new("later").delay(Duration::from_secs(3600));
    h.queue().send(&later).await.expect("send");
    send(h, "leased").await;
    let leased = one(h).await;
    send(h, "due").await;
    let peeked = admin(h).peek(10).await.expect("peek");
    if peeked.iter().all(|peeked| peeked.due_ms.is_some()) {
        assert_eq!(bodies(&peeked), [b"due".as_slice(), b"later"]);
        let ahead = peeked[1].due_ms.expect("a time") - peeked[0].due_ms.expect("a time");
        assert!(ahead > 3_000_000, "{ahead}");
    } else {
        assert!(bodies(&peeked).contains(&b"due".as_slice()), "{peeked:?}");
        assert!(!bodies(&peeked).contains(&b"leased".as_slice()), "{peeked:?}");
    }
    settle(h, &leased, Outcome::Ack).await;
}

/// See the bullet of this name on [`Admin::purge`].
pub async fn purge_removes_all_but_dead_letters<H: Harness>(h: &H) {
    let has_letters = h.dead_letters().is_some();
    if has_letters {
        bury(h, "dead", "no").await;
    }
    let once = Message::new("once").idempotency_key("z");
    let keys = h.queue().capabilities().idempotency_ttl.is_some();
    let first = if keys {
        Some(h.queue().send(&once).await.expect("send"))
    } else {
        None
    };
    send(h, "leased").await;
    let held = receive_all(h).await;
    let later = Message::new("later").delay(Duration::from_secs(3600));
    h.queue().send(&later).await.expect("send");
    h.queue()
        .send_batch(&vec![Message::new("due"); 20])
        .await
        .expect("send");
    let expected = held.len() as u64 + 21;
    let purged = admin(h).purge().await.expect("purge");
    assert!(
        purged.is_none_or(|purged| purged == expected),
        "{purged:?} of {expected}"
    );
    none(h).await;
    if h.consumer().capabilities().fencing {
        assert_eq!(settle(h, &held[0], Outcome::retry("late")).await, Settled::Stale);
    }
    h.advance(Duration::from_secs(3601)).await;
    none(h).await;
    if has_letters {
        assert_eq!(dead(h).await.len(), 1);
    }
    if let Some(first) = first {
        assert_eq!(
            h.queue().send(&once).await.expect("send"),
            first,
            "the key is remembered"
        );
    }
    send(h, "after").await;
    assert_eq!(one(h).await.body(), b"after");
}

/// See the bullet of this name on [`Admin::pause`].
pub async fn paused_queue_delivers_nothing<H: Harness>(h: &H) {
    send(h, "before").await;
    let held = one(h).await;
    admin(h).pause().await.expect("pause");
    admin(h).pause().await.expect("pause again");
    send(h, "while").await;
    none(h).await;
    assert_eq!(
        settle(h, &held, Outcome::Ack).await,
        Settled::Done,
        "what is in hand is settled"
    );
    h.advance(slack(h)).await;
    none(h).await;
    admin(h).resume().await.expect("resume");
    assert_eq!(one(h).await.body(), b"while");
    none(h).await;
}

/// See the bullet of this name on [`Admin::resume`].
pub async fn resume_ends_the_wait<H: Harness>(h: &H) {
    admin(h).pause().await.expect("pause");
    send(h, "waits").await;
    let consumer = h.consumer();
    let (received, ()) = join(consumer.receive(1, Duration::from_secs(3600)), async {
        for _ in 0..10 {
            yield_now().await;
        }
        admin(h).resume().await.expect("resume");
    })
    .await;
    assert_eq!(received.expect("receive")[0].body(), b"waits");
}

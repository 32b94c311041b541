//! Receiving: waiting, limits, neighbours, being dropped.

use std::{pin::pin, task::Poll, time::Duration};

use futures_util::{
    FutureExt,
    future::{join, join_all, poll_fn},
};

use super::{Harness, tools::*};
use crate::{Error, Message, Outcome};

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn empty_queue_waits_and_answers_nothing<H: Harness>(h: &H) {
    let wait = slack(h) * 10;
    let start = h.clock().now_ms();
    let consumer = h.consumer();
    let (received, ()) = join(consumer.receive(1, wait), async {
        h.advance(wait).await;
    })
    .await;
    assert!(received.expect("receive").is_empty());
    assert!(h.clock().now_ms() - start >= wait.as_millis() as i64, "it waited");
    assert!(
        h.consumer().receive(0, wait).await.expect("receive").is_empty(),
        "none were asked for"
    );
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn max_is_respected<H: Harness>(h: &H) {
    h.queue().send_batch(&vec![Message::new("x"); 5]).await.expect("send");
    assert_eq!(
        h.consumer()
            .receive(3, Duration::from_secs(3600))
            .await
            .expect("receive")
            .len(),
        3
    );
    // Virtual time stands still: this would never end if it waited for more.
    assert_eq!(
        h.consumer()
            .receive(3, Duration::from_secs(3600))
            .await
            .expect("receive")
            .len(),
        2
    );
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn arrival_ends_the_wait<H: Harness>(h: &H) {
    let consumer = h.consumer();
    let (received, id) = join(consumer.receive(10, Duration::from_secs(3600)), async {
        for _ in 0..10 {
            yield_now().await;
        }
        send(h, "arrives").await
    })
    .await;
    let received = received.expect("receive");
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].id(), &id);
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn due_message_ends_the_wait<H: Harness>(h: &H) {
    let delay = slack(h) * 10;
    let id = h.queue().send(&Message::new("later").delay(delay)).await.expect("send");
    let consumer = h.consumer();
    let (received, ()) = join(consumer.receive(10, Duration::from_secs(3600)), async {
        for _ in 0..10 {
            yield_now().await;
        }
        h.advance(delay).await;
    })
    .await;
    let received = received.expect("receive");
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].id(), &id);
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn two_consumers_are_disjoint<H: Harness>(h: &H) {
    h.queue().send_batch(&vec![Message::new("x"); 100]).await.expect("send");
    let (left, right) = (h.consumer(), h.consumer());
    let mut all = Vec::new();
    loop {
        let (a, b) = join(left.receive(7, h.tolerance()), right.receive(7, h.tolerance())).await;
        let (a, b) = (a.expect("receive"), b.expect("receive"));
        if a.is_empty() && b.is_empty() {
            break;
        }
        all.extend(a);
        all.extend(b);
    }
    assert_eq!(all.len(), 100);
    assert_eq!(ids(&all).len(), 100);
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn fifty_waiting_consumers_get_one_each<H: Harness>(h: &H) {
    let consumers: Vec<_> = (0..50).map(|_| h.consumer()).collect();
    let waiting = consumers
        .iter()
        .map(|consumer| consumer.receive(1, Duration::from_secs(3600)));
    // None of them ends before it has a message, so one that is never served keeps the case from ending.
    let (received, ()) = join(join_all(waiting), async {
        for _ in 0..10 {
            yield_now().await;
        }
        let batch = h.queue().capabilities().max_batch.min(25);
        for _ in 0..50 / batch {
            h.queue()
                .send_batch(&vec![Message::new("x"); batch])
                .await
                .expect("send");
        }
        for _ in 0..50 % batch {
            send(h, "x").await;
        }
    })
    .await;
    let all: Vec<_> = received.into_iter().flat_map(|some| some.expect("receive")).collect();
    assert_eq!(all.len(), 50);
    assert_eq!(ids(&all).len(), 50);
    none(h).await;
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn dropped_receive_loses_nothing<H: Harness>(h: &H) {
    // Dropped while it waits: the next message goes to someone else.
    let consumer = h.consumer();
    assert!(consumer.receive(1, Duration::from_secs(3600)).now_or_never().is_none());
    let id = send(h, "after").await;
    expire(h).await;
    let delivery = one(h).await;
    assert_eq!(delivery.id(), &id);
    settle(h, &delivery, Outcome::Ack).await;

    // Dropped after each number of polls, a message being there.
    for polls in 1..8 {
        let id = send(h, "held").await;
        {
            let mut receiving = pin!(consumer.receive(1, Duration::ZERO));
            for _ in 0..polls {
                if poll_fn(|cx| Poll::Ready(receiving.as_mut().poll(cx))).await.is_ready() {
                    break;
                }
                yield_now().await;
            }
        }
        // What the dropped receive took may still be on its way back, or be taken only now, where a service has it.
        let mut received = Vec::new();
        for _ in 0..3 {
            if received.is_empty() {
                let (again, ()) = join(consumer.receive(1, lease_time(h) * 2), expire(h)).await;
                received = again.expect("receive");
            }
        }
        let delivery = received.pop().expect("the message comes back");
        assert_eq!(delivery.id(), &id, "lost after {polls} polls");
        assert!(delivery.attempt().is_none_or(|attempt| attempt <= 2));
        settle(h, &delivery, Outcome::Ack).await;
        none(h).await;
    }
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn undecodable_is_delivered_with_its_error<H: Harness>(h: &H) {
    let good = send(h, "7").await;
    for text in ["garbage", "{\"v\":9,\"body\":\"x\"}", "{\"page\":7}"] {
        h.put_text(text).await;
    }
    let deliveries = receive_all(h).await;
    assert_eq!(deliveries.len(), 4);
    for delivery in deliveries {
        if delivery.id() == &good {
            assert_eq!(delivery.json::<u8>().expect("the neighbour is intact"), 7);
        } else {
            assert!(
                matches!(delivery.undecodable(), Some(Error::Undecodable { .. })),
                "{delivery:?}"
            );
            let read = delivery.json::<serde_json::Value>();
            assert!(matches!(read, Err(Error::Undecodable { .. })), "{read:?}");
            assert!(!delivery.body().is_empty(), "the raw bytes are there to look at");
        }
    }
}

//! `process` over this queue.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join;

use super::{Harness, tools::*};
use crate::{
    ConsumerCapabilities, DeadLetter, Delivery, Handler, Lease, Message, Outcome, Result, Settle, Settled, Settlement,
    envelope, process,
};

/// See the bullet of this name on [`process`](crate::process()).
pub async fn panic_is_a_retry_of_that_message<H: Harness>(h: &H) {
    h.queue()
        .send_batch(&["a", "boom", "b"].map(Message::new))
        .await
        .expect("send");
    let handler = Act(|delivery: &Delivery| match delivery.body() {
        b"boom" => panic!("the handler of this test panics"),
        _ => Outcome::Ack,
    });
    let report = process(&h.consumer(), receive(h, 3).await, &handler, 2).await;
    assert!(report.unsettled.is_empty());
    let totals = report.totals;
    assert_eq!(
        (totals.received, totals.acked, totals.retried, totals.panicked),
        (3, 2, 1, 1)
    );
    let again = one(h).await;
    assert_eq!(again.body(), b"boom");
    assert!(again.attempt().is_none_or(|attempt| attempt == 2));
}

/// See the bullet of this name on [`process`](crate::process()).
pub async fn undecodable_goes_to_the_dead_letters<H: Harness>(h: &H) {
    send(h, "good").await;
    h.put_text("garbage").await;
    h.put_text("{\"v\":9,\"body\":\"\"}").await;
    let handler = Act(|delivery: &Delivery| {
        assert_eq!(delivery.body(), b"good");
        Outcome::Ack
    });
    let report = process(&h.consumer(), receive_all(h).await, &handler, 4).await;
    let totals = report.totals;
    assert_eq!(
        (totals.acked, totals.dead_lettered, totals.undecodable, totals.panicked),
        (1, 2, 2, 0)
    );
    none(h).await;
    for letter in dead(h).await {
        assert!(letter.reason.starts_with(DeadLetter::UNDECODABLE), "{}", letter.reason);
    }
}

/// See the bullet of this name on [`process`](crate::process()).
pub async fn every_delivery_is_settled_once<H: Harness>(h: &H) {
    let messages: Vec<_> = (0..40).map(|n: u32| Message::json(&n).expect("json")).collect();
    h.queue().send_batch(&messages).await.expect("send");
    h.put_text("garbage").await;
    let handler = Act(
        |delivery: &Delivery| match delivery.json::<u32>().expect("a number") % 5 {
            0 => Outcome::Ack,
            1 => Outcome::retry_after(Duration::from_secs(60), "busy"),
            2 => Outcome::dead_letter("never"),
            3 => Outcome::Release,
            _ => panic!("the handler of this test panics"),
        },
    );
    let consumer = Watched::new(h.consumer());
    let deliveries = receive_all(h).await;
    let leases: BTreeSet<_> = deliveries.iter().map(|delivery| delivery.id().clone()).collect();
    let report = process(&consumer, deliveries, &handler, 3).await;
    let settled = consumer
        .settled
        .lock()
        .unwrap()
        .iter()
        .map(|lease| lease.id().clone())
        .collect::<Vec<_>>();
    assert_eq!(settled.len(), 41);
    assert_eq!(settled.into_iter().collect::<BTreeSet<_>>(), leases);
    let totals = report.totals;
    let sum = totals.acked + totals.retried + totals.dead_lettered + totals.released + totals.stale + totals.unsettled;
    assert_eq!((totals.received, sum), (41, 41));
    assert_eq!(
        (totals.acked, totals.panicked, totals.undecodable, totals.stale),
        (8, 8, 1, 0)
    );
}

/// See the bullet of this name on [`process`](crate::process()).
pub async fn concurrency_is_bounded<H: Harness>(h: &H) {
    h.queue().send_batch(&vec![Message::new("x"); 6]).await.expect("send");
    let gate = Gate::default();
    let consumer = h.consumer();
    let (report, ()) = join(process(&consumer, receive_all(h).await, &gate, 2), async {
        until(|| gate.started() == 2).await;
        for _ in 0..20 {
            yield_now().await;
        }
        assert_eq!(gate.started(), 2);
        gate.open();
    })
    .await;
    assert_eq!(report.totals.acked, 6);
    send(h, "x").await;
    let report = process(&h.consumer(), receive_all(h).await, &gate, 0).await;
    assert_eq!(report.totals.acked, 1, "0 counts as 1");
}

/// The least able queue; writes down what it is told.
#[derive(Default)]
struct Least(Mutex<Vec<Outcome>>);

const LEAST_MAX_DELAY: Duration = Duration::from_secs(60);

#[async_trait]
impl Settle for Least {
    fn capabilities(&self) -> ConsumerCapabilities {
        ConsumerCapabilities::new("suite", 10, LEAST_MAX_DELAY)
    }
    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        self.0
            .lock()
            .unwrap()
            .extend(settlements.iter().map(|settlement| settlement.verdict.clone()));
        Ok(vec![Settled::Done; settlements.len()])
    }
}

/// See the bullet of this name on [`process`](crate::process()).
pub async fn verdicts_fit_the_queue<H: Harness>(_: &H) {
    let verdicts = [
        Outcome::Release,
        Outcome::dead_letter("never"),
        Outcome::retry_after(LEAST_MAX_DELAY * 2, "busy"),
        Outcome::Snooze {
            after: LEAST_MAX_DELAY / 2,
        },
    ];
    let deliveries = (0..verdicts.len()).map(|n| {
        let body = envelope::encode(&Message::json(&n).expect("json"), 0);
        Delivery::from_envelope(Lease::new(n.to_string().into(), "t"), None, 0, body.as_bytes())
    });
    let handler = Act(|delivery: &Delivery| verdicts[delivery.json::<usize>().expect("a number")].clone());
    let settler = Least::default();
    let report = process(&settler, deliveries.collect(), &handler, 1).await;
    assert_eq!((report.totals.retried, report.totals.received), (4, 4));
    let carried_out = settler.0.into_inner().unwrap();
    let expected = [
        Outcome::Retry {
            after: None,
            error: None,
        },
        Outcome::retry("never"),
        Outcome::retry_after(LEAST_MAX_DELAY, "busy"),
        Outcome::Retry {
            after: Some(LEAST_MAX_DELAY / 2),
            error: None,
        },
    ];
    assert_eq!(carried_out, expected);
}

struct Counting(AtomicUsize);

#[async_trait]
impl Handler for Counting {
    async fn handle(&self, _: &Delivery) -> Outcome {
        self.0.fetch_add(1, Ordering::SeqCst);
        Outcome::Ack
    }
}

/// See the bullet of this name on [`process`](crate::process()).
pub async fn failed_settlement_is_reported<H: Harness>(h: &H) {
    h.queue().send_batch(&vec![Message::new("x"); 3]).await.expect("send");
    let consumer = Watched::new(h.consumer());
    consumer.fail_settles.store(true, Ordering::SeqCst);
    let handler = Counting(AtomicUsize::new(0));
    let report = process(&consumer, receive_all(h).await, &handler, 2).await;
    assert_eq!(
        handler.0.load(Ordering::SeqCst),
        3,
        "a failing settlement does not stop the others"
    );
    assert_eq!((report.totals.unsettled, report.totals.acked), (3, 0));
    assert_eq!(
        report.unsettled.iter().map(|failure| failure.ids.len()).sum::<usize>(),
        3
    );
    assert!(report.unsettled.iter().all(|failure| failure.error.is_retryable()));
    none(h).await;
    expire(h).await;
    assert_eq!(receive_all(h).await.len(), 3, "the messages come again");
}

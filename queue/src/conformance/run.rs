//! `run` over this queue.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join;

use super::{Harness, tools::*};
use crate::{Delivery, Error, Handler, Message, Outcome, RunOptions, run};

/// Waits long for messages and longer for handlers: no time of its own interferes with a case.
fn options<H: Harness>(h: &H) -> RunOptions {
    RunOptions {
        batch: 10,
        concurrency: 10,
        wait: Duration::from_secs(3600),
        max_handling: Duration::from_secs(36_000),
        drain: Duration::from_secs(36_000),
        clock: h.clock(),
    }
}

/// See the bullet of this name on [`run`](crate::run()).
pub async fn lease_is_kept_while_handling<H: Harness>(h: &H) {
    let id = send(h, "long").await;
    let (gate, stop, consumer) = (Gate::default(), Gate::default(), Watched::new(h.consumer()));
    let (options, step) = (options(h), lease_time(h) / 3);
    let (totals, ()) = join(run(&consumer, &gate, &options, stop.passed()), async {
        until(|| gate.started() == 1).await;
        for beat in 1..=15 {
            h.advance(step).await;
            until(|| consumer.extends.load(Ordering::SeqCst) >= beat).await;
            none(h).await;
        }
        gate.open();
        until(|| consumer.settled.lock().unwrap().len() == 1).await;
        stop.open();
    })
    .await;
    let totals = totals.expect("run");
    assert_eq!((totals.received, totals.acked, totals.stale), (1, 1, 0));
    assert_eq!(consumer.settled.lock().unwrap()[0].id(), &id);
    expire(h).await;
    none(h).await;
}

/// Hangs the first time and acknowledges the second.
#[derive(Default)]
struct HangsOnce(AtomicUsize);

#[async_trait]
impl Handler for HangsOnce {
    async fn handle(&self, _: &Delivery) -> Outcome {
        if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            std::future::pending::<()>().await;
        }
        Outcome::Ack
    }
}

/// See the bullet of this name on [`run`](crate::run()).
pub async fn hanging_handler_is_cut_off<H: Harness>(h: &H) {
    send(h, "hangs").await;
    let (handler, stop, consumer) = (HangsOnce::default(), Gate::default(), Watched::new(h.consumer()));
    let limit = slack(h) * 4;
    let options = RunOptions {
        max_handling: limit,
        ..options(h)
    };
    let (totals, ()) = join(run(&consumer, &handler, &options, stop.passed()), async {
        until(|| handler.0.load(Ordering::SeqCst) == 1).await;
        h.advance(limit).await;
        until(|| handler.0.load(Ordering::SeqCst) == 2).await;
        stop.open();
    })
    .await;
    let totals = totals.expect("run");
    assert_eq!(
        (totals.received, totals.timed_out, totals.retried, totals.acked),
        (2, 1, 1, 1)
    );
}

/// See the bullet of this name on [`run`](crate::run()).
pub async fn drain_releases_what_was_not_started<H: Harness>(h: &H) {
    h.queue().send_batch(&vec![Message::new("x"); 5]).await.expect("send");
    let (gate, stop, consumer) = (Gate::default(), Gate::default(), h.consumer());
    let options = RunOptions {
        batch: 5,
        concurrency: 2,
        ..options(h)
    };
    let (totals, ()) = join(run(&consumer, &gate, &options, stop.passed()), async {
        until(|| gate.started() == 2).await;
        stop.open();
        yield_now().await;
        gate.open();
    })
    .await;
    let totals = totals.expect("run");
    assert_eq!((totals.received, totals.acked, totals.released), (5, 2, 3));
    let left = receive_all(h).await;
    assert_eq!(left.len(), 3, "the released are there at once");
    assert!(
        left.iter()
            .all(|delivery| delivery.attempt().is_none_or(|attempt| attempt == 1))
    );
}

/// See the bullet of this name on [`run`](crate::run()).
pub async fn drain_has_a_deadline<H: Harness>(h: &H) {
    send(h, "hangs").await;
    let (gate, stop, consumer) = (Gate::default(), Gate::default(), h.consumer());
    let options = RunOptions {
        drain: slack(h) * 4,
        ..options(h)
    };
    let (totals, ()) = join(run(&consumer, &gate, &options, stop.passed()), async {
        until(|| gate.started() == 1).await;
        stop.open();
        yield_now().await;
        h.advance(options.drain).await;
    })
    .await;
    let totals = totals.expect("run");
    assert_eq!((totals.received, totals.acked, totals.released), (1, 0, 1));
    assert!(one(h).await.attempt().is_none_or(|attempt| attempt == 1));
}

/// See the bullet of this name on [`run`](crate::run()).
pub async fn failing_receive_is_repeated<H: Harness>(h: &H) {
    send(h, "x").await;
    let (gate, stop, consumer) = (Gate::default(), Gate::default(), Watched::new(h.consumer()));
    gate.open();
    consumer.failing_receives.store(3, Ordering::SeqCst);
    let options = options(h);
    let (totals, ()) = join(run(&consumer, &gate, &options, stop.passed()), async {
        for left in [2, 1, 0] {
            until(|| consumer.failing_receives.load(Ordering::SeqCst) == left).await;
            yield_now().await;
            assert_eq!(gate.started(), 0);
            h.advance(Duration::from_millis(100 << (2 - left))).await;
        }
        until(|| gate.started() == 1).await;
        stop.open();
    })
    .await;
    assert_eq!(totals.expect("run").acked, 1);
    let nothing = RunOptions { batch: 0, ..options };
    let refused = run(&consumer, &gate, &nothing, std::future::ready(())).await;
    assert!(matches!(refused, Err(Error::Config { .. })), "{refused:?}");
}

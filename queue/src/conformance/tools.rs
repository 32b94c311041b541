//! What the cases share.

use std::{
    collections::BTreeSet,
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;

use super::Harness;
use crate::{
    Consumer, ConsumerCapabilities, DeadLetter, DeadLetterFilter, Delivery, Error, Handler, Lease, Message, MessageId,
    Outcome, Result, Settle, Settled, Settlement, platform, signal::Signal,
};

/// A moment, and a little more than the harness may be late.
pub(super) fn slack<H: Harness>(h: &H) -> Duration {
    h.tolerance() + Duration::from_millis(1)
}

pub(super) fn lease_time<H: Harness>(h: &H) -> Duration {
    h.consumer()
        .capabilities()
        .lease
        .expect("the case needs leases that end")
}

/// Lets every lease of now expire.
pub(super) async fn expire<H: Harness>(h: &H) {
    h.advance(lease_time(h) + slack(h)).await;
}

pub(super) async fn send<H: Harness>(h: &H, body: &str) -> MessageId {
    h.queue().send(&Message::new(body)).await.expect("send")
}

/// Receives what is there, up to `max`.
pub(super) async fn receive<H: Harness>(h: &H, max: usize) -> Vec<Delivery> {
    h.consumer().receive(max, h.tolerance()).await.expect("receive")
}

/// Receives everything that is there.
pub(super) async fn receive_all<H: Harness>(h: &H) -> Vec<Delivery> {
    let mut all = Vec::new();
    loop {
        let some = receive(h, 100).await;
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

/// Receives one message, which must be there.
pub(super) async fn one<H: Harness>(h: &H) -> Delivery {
    receive(h, 1).await.pop().expect("a message should be there")
}

pub(super) async fn none<H: Harness>(h: &H) {
    let found = receive(h, 10).await;
    assert!(found.is_empty(), "no message should be there: {found:?}");
}

pub(super) async fn settle<H: Harness>(h: &H, delivery: &Delivery, verdict: Outcome) -> Settled {
    let settlement = Settlement::new(delivery.lease().clone(), verdict);
    h.consumer().settle(&[settlement]).await.expect("settle")[0]
}

pub(super) async fn dead<H: Harness>(h: &H) -> Vec<DeadLetter> {
    let letters = h.dead_letters().expect("the case needs a list of dead letters");
    letters.list(&DeadLetterFilter::all(), None, 1_000).await.expect("list")
}

/// Sends a message and makes it a dead letter.
pub(super) async fn bury<H: Harness>(h: &H, body: &str, reason: &str) -> MessageId {
    let id = send(h, body).await;
    let delivery = one(h).await;
    assert_eq!(delivery.id(), &id);
    assert_eq!(settle(h, &delivery, Outcome::dead_letter(reason)).await, Settled::Done);
    id
}

pub(super) fn ids(deliveries: &[Delivery]) -> BTreeSet<MessageId> {
    deliveries.iter().map(|delivery| delivery.id().clone()).collect()
}

/// Lets others run once.
pub(super) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Lets others run until `done`; gives up after a minute of real time.
pub(super) async fn until(done: impl Fn() -> bool) {
    let start = platform::now_ms();
    while !done() {
        assert!(platform::now_ms() - start < 60_000, "nothing happened for a minute");
        yield_now().await;
    }
}

/// A handler from a function.
pub(super) struct Act<F>(pub(super) F);

#[async_trait]
impl<F: Fn(&Delivery) -> Outcome + Send + Sync> Handler for Act<F> {
    async fn handle(&self, delivery: &Delivery) -> Outcome {
        (self.0)(delivery)
    }
}

/// A handler that counts its starts and acknowledges once it is opened.
#[derive(Default)]
pub(super) struct Gate {
    pub(super) started: AtomicUsize,
    open: AtomicBool,
    opened: Signal,
}

impl Gate {
    pub(super) fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
        self.opened.notify();
    }

    pub(super) fn started(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }

    pub(super) async fn passed(&self) {
        loop {
            let opened = self.opened.listen();
            if self.open.load(Ordering::SeqCst) {
                return;
            }
            opened.await;
        }
    }
}

#[async_trait]
impl Handler for Gate {
    async fn handle(&self, _: &Delivery) -> Outcome {
        self.started.fetch_add(1, Ordering::SeqCst);
        self.passed().await;
        Outcome::Ack
    }
}

/// A consumer that is watched, and fails on demand.
pub(super) struct Watched {
    inner: Arc<dyn Consumer>,
    pub(super) settled: Mutex<Vec<Lease>>,
    pub(super) extends: AtomicUsize,
    pub(super) failing_receives: AtomicUsize,
    pub(super) fail_settles: AtomicBool,
}

impl Watched {
    pub(super) fn new(inner: Arc<dyn Consumer>) -> Self {
        Self {
            inner,
            settled: Mutex::default(),
            extends: AtomicUsize::new(0),
            failing_receives: AtomicUsize::new(0),
            fail_settles: AtomicBool::new(false),
        }
    }
}

fn unavailable<T>() -> Result<T> {
    let message = "down for the test".to_owned();
    Err(Error::Unavailable {
        provider: "suite",
        message,
        retry_after: None,
        source: None,
    })
}

#[async_trait]
impl Settle for Watched {
    fn capabilities(&self) -> ConsumerCapabilities {
        self.inner.capabilities()
    }
    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        if self.fail_settles.load(Ordering::SeqCst) {
            return unavailable();
        }
        self.settled
            .lock()
            .unwrap()
            .extend(settlements.iter().map(|settlement| settlement.lease.clone()));
        self.inner.settle(settlements).await
    }
}

#[async_trait]
impl Consumer for Watched {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        if self.failing_receives.load(Ordering::SeqCst) > 0 {
            self.failing_receives.fetch_sub(1, Ordering::SeqCst);
            return unavailable();
        }
        self.inner.receive(max, wait).await
    }
    async fn extend(&self, lease: &Lease, by: Duration) -> Result<Lease> {
        let extended = self.inner.extend(lease, by).await;
        self.extends.fetch_add(1, Ordering::SeqCst);
        extended
    }
}

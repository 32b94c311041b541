//! What stands above the queues: pauses, hops, claims, budgets, in virtual time.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use presswork_queue::{
    BodyStore, Capabilities, ClaimCheck, Clock, Consumer, ConsumerCapabilities, DeadLetterFilter, DeadLetters,
    Delivery, Error, Handler, Hopping, Inspect, Lease, MemoryQueue, Message, MessageId, Outcome, Pausing, Queue,
    Result, RunOptions, Settle, Settled, Settlement, TraceContext, VirtualClock, process, run,
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

fn queue() -> (MemoryQueue, VirtualClock) {
    let clock = VirtualClock::new();
    let queue = MemoryQueue::builder().lease(MINUTE).clock(Arc::new(clock.clone()));
    (queue.build().unwrap(), clock)
}

async fn receive(consumer: &dyn Consumer) -> Vec<Delivery> {
    consumer.receive(100, Duration::ZERO).await.unwrap()
}

/// Answers as told, and counts what it sees.
struct Told<F> {
    seen: AtomicUsize,
    answer: F,
}

#[async_trait]
impl<F: Fn(&Delivery) -> Outcome + Send + Sync> Handler for Told<F> {
    async fn handle(&self, delivery: &Delivery) -> Outcome {
        self.seen.fetch_add(1, Ordering::SeqCst);
        (self.answer)(delivery)
    }
}

fn told<F: Fn(&Delivery) -> Outcome + Send + Sync>(answer: F) -> Told<F> {
    let seen = AtomicUsize::new(0);
    Told { seen, answer }
}

#[tokio::test]
async fn a_target_that_asks_for_patience_keeps_only_its_own_messages_waiting() {
    let (queue, clock) = queue();
    let to = |target: &str| Message::new(target).header("target", target);
    let messages = [to("x"), to("x"), to("x"), to("y"), to("y"), Message::new("nobody")];
    queue.send_batch(&messages).await.unwrap();
    let busy = AtomicBool::new(true);
    let handler = told(|delivery: &Delivery| match delivery.body() {
        b"x" if busy.load(Ordering::SeqCst) => Outcome::retry_after(MINUTE * 5, "429"),
        _ => Outcome::Ack,
    });
    let target = |delivery: &Delivery| delivery.headers().get("target").cloned();
    let pausing = Pausing::new(&handler, target).clock(Arc::new(clock.clone()));
    let report = process(&queue, receive(&queue).await, &pausing, 1).await;
    let totals = report.totals;
    assert_eq!((totals.acked, totals.retried, totals.released), (3, 1, 2));
    assert_eq!(handler.seen.load(Ordering::SeqCst), 4, "the target was asked once");
    clock.advance(MINUTE * 4);
    queue.send(&to("x")).await.unwrap();
    let report = process(&queue, receive(&queue).await, &pausing, 4).await;
    assert_eq!(report.totals.released, 1);
    busy.store(false, Ordering::SeqCst);
    clock.advance(MINUTE);
    let deliveries = receive(&queue).await;
    let attempts: Vec<_> = deliveries.iter().map(|delivery| delivery.attempt().unwrap()).collect();
    assert_eq!(
        attempts.iter().sum::<u32>(),
        5,
        "only the refused one counted an attempt: {attempts:?}"
    );
    assert_eq!(process(&queue, deliveries, &pausing, 4).await.totals.acked, 4);
}

/// A queue that takes delays of a day, as Cloudflare's does, and loses answers on demand.
#[derive(Clone)]
struct Day(MemoryQueue, Arc<AtomicBool>);

#[async_trait]
impl Queue for Day {
    fn capabilities(&self) -> Capabilities {
        let mut takes = Queue::capabilities(&self.0);
        takes.max_delay = DAY;
        takes
    }
    async fn send(&self, message: &Message) -> Result<MessageId> {
        assert!(message.delay_time() <= DAY);
        let sent = self.0.send(message).await;
        match self.1.swap(false, Ordering::SeqCst) {
            true => Err(Error::OutcomeUnknown {
                provider: "test",
                message: "lost".to_owned(),
                source: None,
            }),
            false => sent,
        }
    }
    async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        self.0.send_batch(messages).await
    }
}

#[tokio::test]
async fn a_delay_beyond_the_maximum_hops() {
    let (memory, clock) = queue();
    let lose = Arc::new(AtomicBool::new(false));
    let queue = Hopping::new(Day(memory.clone(), lose.clone())).clock(Arc::new(clock.clone()));
    let handler = told(|delivery: &Delivery| {
        assert_eq!(
            (delivery.body(), delivery.headers()["k"].as_str()),
            (&b"later"[..], "v")
        );
        Outcome::Ack
    });
    let hopping = queue.handler(&handler);
    let delay = DAY * 3 + MINUTE;
    let message = Message::new("later").header("k", "v").delay(delay);
    queue.send(&message).await.unwrap();
    queue.send_batch(&[message.clone().delay(DAY)]).await.unwrap();
    let too_long = queue.send(&message.delay(DAY * 366)).await;
    assert!(matches!(too_long, Err(Error::InvalidDelay { .. })), "{too_long:?}");
    for day in 1..=3 {
        clock.advance(DAY);
        // A lost answer makes a second delivery of the hop, and no second message.
        lose.store(day == 2, Ordering::SeqCst);
        for _ in 0..2 {
            process(&memory, receive(&memory).await, &hopping, 4).await;
        }
        assert_eq!(
            handler.seen.load(Ordering::SeqCst),
            1,
            "only the short one came, day {day}"
        );
        assert_eq!(memory.depth().await.unwrap().delayed, 1);
    }
    clock.advance(MINUTE - Duration::from_millis(1));
    assert!(receive(&memory).await.is_empty());
    clock.advance(Duration::from_millis(1));
    process(&memory, receive(&memory).await, &hopping, 4).await;
    assert_eq!(handler.seen.load(Ordering::SeqCst), 2);
    assert_eq!(memory.depth().await.unwrap(), presswork_queue::Depth::default());
}

#[derive(Default)]
struct Shelf {
    bodies: Mutex<HashMap<String, Vec<u8>>>,
    down: AtomicBool,
}

impl Shelf {
    fn check(&self) -> Result<()> {
        match self.down.load(Ordering::SeqCst) {
            false => Ok(()),
            true => Err(Error::Unavailable {
                provider: "shelf",
                message: "down".to_owned(),
                retry_after: Some(MINUTE),
                source: None,
            }),
        }
    }

    fn len(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }
}

#[async_trait]
impl BodyStore for &Shelf {
    async fn put(&self, body: &[u8]) -> Result<String> {
        self.check()?;
        let name = format!("body {}", self.len());
        self.bodies.lock().unwrap().insert(name.clone(), body.to_vec());
        Ok(name)
    }
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.check()?;
        Ok(self.bodies.lock().unwrap().get(name).cloned())
    }
    async fn remove(&self, name: &str) -> Result<()> {
        self.check()?;
        self.bodies.lock().unwrap().remove(name);
        Ok(())
    }
}

#[tokio::test]
async fn a_large_body_is_kept_elsewhere_and_removed_with_its_message() {
    let (memory, clock) = queue();
    let shelf = Shelf::default();
    let queue = ClaimCheck::new(memory.clone(), &shelf, 1_000_000);
    let large = Message::new(vec![7; 500_000]).header("k", "v");
    let ids = queue.send_batch(&[large.clone(), Message::new("small")]).await.unwrap();
    assert_eq!(shelf.len(), 1, "the small one travels as ever");
    let refused = queue.send(&Message::new(vec![7; 1_000_001])).await;
    assert!(
        matches!(refused, Err(Error::TooLarge { max: 1_000_000, .. })),
        "{refused:?}"
    );
    assert_eq!(Queue::capabilities(&queue).max_message_bytes, 1_000_000);

    shelf.down.store(true, Ordering::SeqCst);
    let received = receive(&queue).await;
    assert_eq!(received.len(), 1, "the one without its body is retried");
    assert_eq!(received[0].body(), b"small");
    let small = Settlement::new(received[0].lease().clone(), Outcome::Ack);
    assert_eq!(queue.settle(&[small]).await.unwrap(), [Settled::Done]);
    assert!(queue.send(&large).await.is_err(), "no message without its body");
    shelf.down.store(false, Ordering::SeqCst);
    clock.advance(MINUTE);
    let received = receive(&queue).await;
    let large_one = received.iter().find(|delivery| delivery.id() == &ids[0]).unwrap();
    assert_eq!((large_one.body(), large_one.headers()), (large.body(), large.headers()));
    assert_eq!(large_one.attempt(), Some(2));
    let settle = |verdict: Outcome| [Settlement::new(large_one.lease().clone(), verdict)];
    assert_eq!(
        queue.settle(&settle(Outcome::retry("again"))).await.unwrap(),
        [Settled::Done]
    );
    assert_eq!(queue.settle(&settle(Outcome::Ack)).await.unwrap(), [Settled::Stale]);
    assert_eq!(shelf.len(), 1, "a stale verdict removes nothing");
    let again = receive(&queue).await.remove(0);
    assert_eq!(again.body().len(), 500_000);
    queue
        .settle(&[Settlement::new(again.lease().clone(), Outcome::Ack)])
        .await
        .unwrap();
    assert_eq!(shelf.len(), 0);

    queue.send(&large).await.unwrap();
    shelf.bodies.lock().unwrap().clear();
    let report = process(&queue, receive(&queue).await, &told(|_: &Delivery| Outcome::Ack), 1).await;
    assert_eq!(report.totals.undecodable, 1);
    let letters = memory.list(&DeadLetterFilter::all(), None, 10).await.unwrap();
    assert!(
        letters[0].reason.contains("gone from the store"),
        "{}",
        letters[0].reason
    );
}

/// A queue whose leases cannot be extended; writes down how much it was asked for.
struct Fixed(MemoryQueue, Mutex<Vec<usize>>);

#[async_trait]
impl Settle for Fixed {
    fn capabilities(&self) -> ConsumerCapabilities {
        let mut takes = Settle::capabilities(&self.0);
        takes.extend = false;
        takes
    }
    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        self.0.settle(settlements).await
    }
}

#[async_trait]
impl Consumer for Fixed {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        self.1.lock().unwrap().push(max);
        self.0.receive(max, wait).await
    }
    async fn extend(&self, _: &Lease, _: Duration) -> Result<Lease> {
        panic!("a lease that cannot be extended is left alone")
    }
}

/// Takes ten seconds for each message, and hangs on the one that says so.
struct Slow(VirtualClock);

#[async_trait]
impl Handler for Slow {
    async fn handle(&self, delivery: &Delivery) -> Outcome {
        if delivery.body() == b"hang" {
            std::future::pending::<()>().await;
        }
        self.0.sleep(Duration::from_secs(10)).await;
        Outcome::Ack
    }
}

#[tokio::test]
async fn no_more_is_pulled_than_a_lease_that_cannot_be_extended_covers() {
    let (memory, clock) = queue();
    memory.send_batch(&vec![Message::new("x"); 20]).await.unwrap();
    let consumer = Fixed(memory.clone(), Mutex::default());
    let options = RunOptions {
        batch: 100,
        concurrency: 2,
        wait: DAY,
        max_handling: DAY,
        drain: MINUTE,
        clock: Arc::new(clock.clone()),
    };
    let done = tokio::sync::Notify::new();
    let handler = Slow(clock.clone());
    let (totals, ()) = futures_util::future::join(run(&consumer, &handler, &options, done.notified()), async {
        let empty = presswork_queue::Depth::default();
        while memory.depth().await.unwrap() != empty {
            clock.advance(Duration::from_secs(1));
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        memory.send(&Message::new("hang")).await.unwrap();
        for _ in 0..59 {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_secs(1));
        }
        done.notify_one();
        for _ in 0..60 {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_secs(1));
        }
    })
    .await;
    let totals = totals.unwrap();
    assert_eq!(
        (totals.acked, totals.timed_out),
        (20, 1),
        "every message was handled within its lease"
    );
    let asked = consumer.1.into_inner().unwrap();
    // Two at first; then a minute less a fifth holds four rounds of two.
    assert_eq!((asked[0], asked[1]), (2, 8), "{asked:?}");
}

#[tokio::test]
async fn a_trace_travels_with_its_message() {
    let (queue, _) = queue();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let trace = TraceContext::parse(parent).unwrap().with_state("vendor=1");
    queue.send(&Message::new("x").trace(&trace)).await.unwrap();
    queue
        .send(&Message::new("y").header("traceparent", "nonsense"))
        .await
        .unwrap();
    let received = receive(&queue).await;
    assert_eq!(received[0].trace(), Some(trace));
    assert_eq!(received[1].trace(), None);
}

//! The queue's suite on Cloudflare Queues: what is sent goes through the runtime's queue, and what it pushes is handed to
//! the case that waits for it. Each case has a Worker and a queue of its own.
//!
//! The runtime pushes in an event of its own, and takes verdicts in that event only. So the event stays open until all its
//! messages have one, and both sides leave word for each other in [`WORD`]. They look there by the clock: to wake one from
//! the other would run it in the wrong event.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use presswork_queue::conformance::{CASES, Harness, LosesAnswers, declared, delay, process, receive, send, settle};
use presswork_queue::{
    Clock, CloudflareQueue, Consumer, ConsumerCapabilities, DeadLetters, Delivery, Error, Inspect, Lease, PushedBatch,
    Queue, Result, Settle, Settled, Settlement, SystemClock,
};
use wasm_bindgen::JsValue;
use worker::js_sys::{Array, Object, Reflect};
use worker::{Env, QueueContentType, RawMessageBuilder, send::IntoSendFuture};

static ENV: OnceLock<Env> = OnceLock::new();

static WORD: Mutex<Word> = Mutex::new(Word {
    open: false,
    arrived: Vec::new(),
    verdicts: None,
    settled: None,
});

/// How often a side looks.
const LOOK: Duration = Duration::from_millis(5);

/// What the two sides leave for each other.
struct Word {
    open: bool,
    arrived: Vec<Delivery>,
    verdicts: Option<Vec<Settlement>>,
    settled: Option<Result<Vec<Settled>>>,
}

fn word() -> MutexGuard<'static, Word> {
    WORD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sender(binding: &str) -> CloudflareQueue {
    let env = ENV.get().expect("an event came before");
    CloudflareQueue::new(env.queue(binding).expect("a queue binding"))
}

/// The runtime's side: an event that is open until all its messages are settled.
pub(crate) async fn pushed(batch: JsValue, env: &Env) {
    ENV.get_or_init(|| env.clone());
    let (batch, deliveries) = PushedBatch::new(batch, Some(sender("DEAD_LETTERS"))).expect("a batch");
    let mut left = deliveries.len();
    word().open = true;
    word().arrived.extend(deliveries);
    while left > 0 {
        let verdicts = word().verdicts.take();
        let Some(verdicts) = verdicts else {
            SystemClock.sleep(LOOK).await;
            continue;
        };
        let settled = batch.settle(&verdicts).await;
        left -= settled
            .iter()
            .flatten()
            .filter(|settled| **settled != Settled::Stale)
            .count();
        word().open = left > 0;
        word().settled = Some(settled);
    }
}

/// The case's side.
struct Pushed(CloudflareQueue);

impl Pushed {
    /// What stands in for a batch while none is open.
    fn nothing() -> PushedBatch {
        let batch = Object::new();
        Reflect::set(&batch, &"messages".into(), &Array::new()).expect("an object takes it");
        let (batch, _) = PushedBatch::new(batch.into(), Some(sender("DEAD_LETTERS"))).expect("a batch");
        batch
    }
}

#[async_trait]
impl Settle for Pushed {
    fn capabilities(&self) -> ConsumerCapabilities {
        Self::nothing().capabilities()
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        if !word().open {
            return Self::nothing().settle(settlements).await;
        }
        word().verdicts = Some(settlements.to_vec());
        loop {
            let settled = word().settled.take();
            match settled {
                Some(settled) => return settled,
                None => SystemClock.sleep(LOOK).await,
            }
        }
    }
}

#[async_trait]
impl Consumer for Pushed {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        let mut looks = wait.as_millis() / LOOK.as_millis();
        loop {
            let received: Vec<_> = {
                let arrived = &mut word().arrived;
                let count = max.min(arrived.len());
                arrived.drain(..count).collect()
            };
            if !received.is_empty() || looks == 0 {
                return Ok(received);
            }
            looks -= 1;
            SystemClock.sleep(LOOK).await;
        }
    }

    async fn extend(&self, _: &Lease, _: Duration) -> Result<Lease> {
        Err(Error::Unsupported {
            provider: "cloudflare",
            what: "extending a lease",
        })
    }
}

#[async_trait]
impl Queue for Pushed {
    fn capabilities(&self) -> presswork_queue::Capabilities {
        self.0.capabilities()
    }

    async fn send(&self, message: &presswork_queue::Message) -> Result<presswork_queue::MessageId> {
        self.0.send(message).await
    }

    async fn send_batch(&self, messages: &[presswork_queue::Message]) -> Result<Vec<presswork_queue::MessageId>> {
        self.0.send_batch(messages).await
    }
}

struct OnQueues(Arc<LosesAnswers<Pushed>>);

#[async_trait]
impl Harness for OnQueues {
    async fn start() -> Self {
        Self(Arc::new(LosesAnswers::new(Pushed(sender("QUEUE")))))
    }

    fn queue(&self) -> Arc<dyn Queue> {
        self.0.clone()
    }

    fn consumer(&self) -> Arc<dyn Consumer> {
        self.0.clone()
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        None // the platform has no list of them
    }

    fn inspect(&self) -> Option<Arc<dyn Inspect>> {
        None
    }

    async fn sibling(&self) -> (Arc<dyn Queue>, Arc<dyn Consumer>) {
        (self.queue(), self.consumer()) // for fenced queues alone
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    async fn advance(&self, by: Duration) {
        SystemClock.sleep(by).await;
    }

    fn tolerance(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn put_text(&self, text: &str) {
        let message = RawMessageBuilder::new(text.into()).build_with_content_type(QueueContentType::Text);
        let queue = ENV
            .get()
            .and_then(|env| env.queue("QUEUE").ok())
            .expect("a queue binding");
        queue.send_raw(message).into_send().await.expect("the text is sent");
    }

    async fn lose_next_answer(&self) {
        self.0.lose_next_answer();
    }
}

macro_rules! cases {
    ($($module:ident::$case:ident),+ $(,)?) => {
        const PUSHED: &[&str] = &[$(stringify!($case)),+];

        /// Runs a case; panics when it does not hold.
        pub(crate) async fn run(env: &Env, case: &str) {
            ENV.get_or_init(|| env.clone());
            let harness = OnQueues::start().await;
            match case {
                $(stringify!($case) => $module::$case(&harness).await,)+
                _ => unreachable!("{case} is not among the names"),
            }
        }
    };
}

cases! {
    declared::delay_limit_is_declared, declared::idempotency_is_declared, declared::release_is_declared,
    declared::dead_letter_is_declared, declared::extend_is_declared, declared::retry_delay_limit_is_declared,
    send::bodies_arrive_unchanged, send::json_payloads_survive, send::headers_round_trip, send::size_limit_is_exact,
    send::empty_batch_is_a_no_op, send::batch_returns_ids_in_order, send::batch_limit_is_exact,
    send::batch_bytes_limit_holds, send::bad_message_refuses_the_batch,
    delay::retry_delay_is_kept, receive::undecodable_is_delivered_with_its_error,
    settle::ack_removes, settle::retry_delivers_again, settle::settling_nothing_is_a_no_op,
    settle::lost_settlement_can_be_repeated,
    process::concurrency_is_bounded, process::verdicts_fit_the_queue,
}

/// The cases that apply to what is pushed.
pub(crate) fn names() -> &'static [&'static str] {
    PUSHED
}

/// The others, which need a consumer that pulls, leases, keys, a list of dead letters, or panics that are caught.
pub(crate) fn others() -> Vec<&'static str> {
    CASES.iter().copied().filter(|case| !PUSHED.contains(case)).collect()
}

//! The model is never kept waiting for the store, in virtual time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use presswork_ai_adapter::{Capabilities, Error, Failure, LanguageModel, TextRequest, TextResponse, TextStream};
use presswork_content_store::{ContentStore, MemoryStore, Op, Pages, Status};
use presswork_pipeline::{Config, Generator, RunReport};
use presswork_queue::MemoryQueue;
use tokio::time::Instant;

use crate::slow_store::SlowStore;
use crate::support::{good_page, topic};

const SLOTS: usize = 4;

/// A model that takes its time and notes when each call begins and ends.
#[derive(Default)]
struct Slow {
    latency: Duration,
    calls: Mutex<Vec<(Instant, Instant)>>,
    under_way: AtomicUsize,
    most: AtomicUsize,
    /// Called at the end of each call.
    then: Option<Box<dyn Fn(usize) + Send + Sync>>,
}

#[async_trait]
impl LanguageModel for Slow {
    fn provider(&self) -> &str {
        "slow"
    }

    fn model(&self) -> &str {
        "slow"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn generate(&self, _: &TextRequest) -> Result<TextResponse, Error> {
        let began = Instant::now();
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.latency).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let mut calls = self.calls.lock().unwrap();
        calls.push((began, Instant::now()));
        if let Some(then) = &self.then {
            then(calls.len());
        }
        Ok(TextResponse::new("slow", "slow", good_page().to_string()))
    }

    async fn stream(&self, _: &TextRequest) -> Result<TextStream, Error> {
        Err(Error::Unsupported(Failure::new("slow", "no streams").boxed()))
    }
}

impl Slow {
    fn new(latency_ms: u64) -> Self {
        Self {
            latency: Duration::from_millis(latency_ms),
            ..Self::default()
        }
    }

    /// How long model slots were empty, all together, between the first call and the beginning of the last.
    fn idle(&self) -> Duration {
        let calls = self.calls.lock().unwrap();
        let first = calls.iter().map(|call| call.0).min().unwrap();
        let last = calls.iter().map(|call| call.0).max().unwrap();
        let used: Duration = calls.iter().map(|(from, to)| (*to).min(last).max(*from) - *from).sum();
        (last - first) * u32::try_from(SLOTS).unwrap() - used
    }
}

struct Shop {
    store: Arc<SlowStore>,
    model: Arc<Slow>,
    generator: Generator,
}

async fn shop(topics: usize, delay_ms: u64, model: Slow, lease_seconds: u32) -> Shop {
    let mut config = Config::default();
    config.gates.words_min = 3;
    config.generator.concurrency = u32::try_from(SLOTS).unwrap();
    config.generator.pages_per_run = 1_000;
    config.generator.lease_seconds = lease_seconds;
    let store = Arc::new(SlowStore {
        inner: MemoryStore::new(),
        delay: Duration::from_millis(delay_ms),
    });
    let planned: Vec<_> = (0..topics)
        .map(|at| topic(&config, &format!("topic-{at:03}")))
        .collect();
    store.plan(&Op::now(), &planned).await.unwrap();
    let model = Arc::new(model);
    let generator = Generator::new(
        Arc::new(config),
        Arc::clone(&store) as Arc<dyn ContentStore>,
        Arc::new(MemoryQueue::new()),
        Arc::clone(&model) as Arc<dyn LanguageModel>,
    );
    Shop {
        store,
        model,
        generator,
    }
}

impl Shop {
    async fn run(&self) -> RunReport {
        self.generator.run(&|_| {}).await.unwrap()
    }

    async fn count(&self, status: Status) -> u64 {
        self.store.counts("almanac").await.unwrap().get(status)
    }
}

#[tokio::test(start_paused = true)]
async fn no_model_slot_is_empty_while_topics_are_left() {
    let began = Instant::now();
    let shop = shop(60, 90, Slow::new(200), 600).await;
    assert_eq!(shop.run().await.published, 60);
    assert_eq!(shop.model.most.load(Ordering::SeqCst), SLOTS);
    assert_eq!(shop.model.idle(), Duration::ZERO);
    // One claim before the first draft, 60 drafts in four slots, one save after the last.
    let wall = began.elapsed();
    let ideal = Duration::from_millis(90 + 60 / 4 * 200 + 90);
    assert!(
        wall >= ideal && wall < ideal + Duration::from_millis(90),
        "{wall:?} of {ideal:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_slower_than_the_model_holds_the_drafts_back() {
    let held = Arc::new(AtomicUsize::new(0));
    let shop = shop(60, 1_000, Slow::new(50), 600).await;
    let watched = async {
        loop {
            tokio::time::sleep(Duration::from_millis(25)).await;
            let generating = shop.count(Status::Generating).await;
            held.fetch_max(usize::try_from(generating).unwrap(), Ordering::SeqCst);
        }
    };
    tokio::select! {
        report = shop.run() => assert_eq!(report.published, 60),
        () = watched => unreachable!("it never ends"),
    }
    let held = held.load(Ordering::SeqCst);
    assert!(held <= 3 * SLOTS, "{held} topics were held at once by {SLOTS} slots");
}

#[tokio::test(start_paused = true)]
async fn topics_claimed_ahead_are_given_back_when_the_run_is_stopped() {
    let mut slow = Slow::new(200);
    let stop = Arc::new(Mutex::new(None::<Arc<std::sync::atomic::AtomicBool>>));
    let switch = Arc::clone(&stop);
    slow.then = Some(Box::new(move |calls| {
        if calls == 6 {
            switch.lock().unwrap().as_ref().unwrap().store(true, Ordering::SeqCst);
        }
    }));
    let shop = shop(60, 10, slow, 600).await;
    *stop.lock().unwrap() = Some(shop.generator.stop());
    let report = shop.run().await;
    let made = report.published;
    assert!((6..=6 + SLOTS as u64).contains(&made), "{report:?}");
    assert_eq!(shop.count(Status::Generating).await, 0);
    assert_eq!(shop.count(Status::Planned).await, 60 - made);
    let page = shop
        .store
        .get_by_slug("almanac", "en", "topic-059")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(page.attempts, 0, "an attempt that did not begin does not count");
}

/// The default draft may take 300 s; with a lease of 319 s no time is left to wait for a slot.
#[tokio::test(start_paused = true)]
async fn a_lease_too_short_to_wait_under_is_not_drafted_under() {
    let shop = shop(20, 1, Slow::new(200), 319).await;
    assert_eq!(shop.run().await.published, 20);
    let page = shop
        .store
        .get_by_slug("almanac", "en", "topic-000")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(page.attempts, 1);
    let changes = shop.store.revisions(&page.id).await.unwrap();
    assert_eq!(changes.len(), 5, "planned, claimed, given back, claimed, published");
}

//! `pipeline <store> <pages> <concurrency> <latency in ms>`: the Generator with a model that takes its time, on `memory` or
//! `sqlite`. Wall time against N*L/C, and the most that was live above the store's own data.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use meter::{Args, Meter};
use presswork_ai_adapter::{Capabilities, Error, Failure, LanguageModel, TextRequest, TextResponse, TextStream};
use presswork_content_store::{ContentStore, MemoryStore, NewPage, Op, SqliteStore};
use presswork_pipeline::{Config, Generator};
use presswork_queue::{MemoryQueue, Queue, SqliteQueue};

struct Slow {
    latency: Duration,
    draft: String,
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
        tokio::time::sleep(self.latency).await;
        Ok(TextResponse::new("slow", "slow", &self.draft))
    }

    async fn stream(&self, _: &TextRequest) -> Result<TextStream, Error> {
        Err(Error::Unsupported(Failure::new("slow", "no streams").boxed()))
    }
}

fn draft() -> String {
    let sentence = "Rome keeps Central European Time and moves its clocks twice a year. ";
    serde_json::json!({
        "title": "Time in Rome: offset and daylight saving",
        "description": "Rome keeps UTC+01:00 in winter and moves its clocks forward by one hour in summer.",
        "keywords": ["time in rome", "rome time zone"],
        "body_html": format!("<h2>Offset</h2><p>{}</p>", sentence.repeat(88)),
        "image_prompt": "A station clock in Rome at dusk",
        "hooks": ["Calling Rome? Look here first."],
    })
    .to_string()
}

fn main() {
    let args = Args::read();
    let number = |at: usize| args.rest[at].parse::<u64>().expect("a number");
    let (pages, concurrency, latency) = (args.n, number(0), Duration::from_millis(number(1)));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let folder = std::env::temp_dir().join(format!("presswork-bench-pipeline-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    runtime.block_on(async {
        let (store, queue): (Arc<dyn ContentStore>, Arc<dyn Queue>) = match args.scenario.as_str() {
            "memory" => (Arc::new(MemoryStore::new()), Arc::new(MemoryQueue::new())),
            "sqlite" => (
                Arc::new(SqliteStore::open(folder.join("content.db")).unwrap()),
                Arc::new(SqliteQueue::open(folder.join("queue.db")).unwrap()),
            ),
            other => panic!("no scenario `{other}`"),
        };
        run(store, queue, pages, concurrency, latency).await;
    });
    std::fs::remove_dir_all(&folder).unwrap();
}

async fn run(store: Arc<dyn ContentStore>, queue: Arc<dyn Queue>, pages: u64, concurrency: u64, latency: Duration) {
    let config = Config::from_lookup(|key| match key {
        "PAGES_PER_RUN" => Some(pages.to_string()),
        "GENERATOR_CONCURRENCY" => Some(concurrency.to_string()),
        _ => None,
    });
    let config = Arc::new(config.unwrap());
    let topic = |at: u64| NewPage {
        site: config.site.id.clone(),
        locale: config.site.locale.clone(),
        slug: format!("time-in-rome-{at}"),
        row_key: format!("Europe/Rome/{at}"),
        primary_keyword: format!("time in rome {at}"),
        topic: serde_json::json!({ "zone": "Europe/Rome", "offset": "UTC+01:00" }),
    };
    for from in (0..pages).step_by(100) {
        let topics: Vec<_> = (from..pages.min(from + 100)).map(topic).collect();
        store.plan(&Op::now(), &topics).await.unwrap();
    }
    let model = Arc::new(Slow {
        latency,
        draft: draft(),
    });
    let generator = Generator::new(config, store, queue, model);
    let live = meter::live();
    meter::reset_peak();
    let meter = Meter::start();
    let report = generator.run(&|_| {}).await.unwrap();
    let costs = meter.per(pages);
    assert_eq!(u64::from(report.published), pages, "{report:?}");
    costs.set("peak_bytes", (meter::peak() - live) as f64).print();
}

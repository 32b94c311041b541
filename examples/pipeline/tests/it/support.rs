//! A site, a store, a queue and a model that does what a test says.

use std::sync::Arc;
use std::time::Duration;

use presswork_ai_adapter::{LanguageModel, Scripted};
use presswork_content_store::{ContentStore, MemoryStore, NewPage, Op, Page};
use presswork_pipeline::{Config, Generator, RunReport};
use presswork_queue::{Clock, Consumer, Handler, MemoryQueue, Totals, VirtualClock, process};
use serde_json::{Value, json};

pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn ContentStore>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) queue: Arc<MemoryQueue>,
}

impl World {
    pub(crate) async fn with_topics(count: usize) -> Self {
        let store: Arc<dyn ContentStore> = Arc::new(MemoryStore::new());
        let mut config = Config::default();
        config.gates.words_min = 3;
        config.generator.concurrency = 4;
        let topics: Vec<NewPage> = (0..count)
            .map(|index| topic(&config, &format!("topic-{index:03}")))
            .collect();
        store.plan(&Op::now(), &topics).await.unwrap();
        let clock = Arc::new(VirtualClock::new());
        let queue = MemoryQueue::builder()
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .max_attempts(5)
            .build()
            .unwrap();
        Self {
            config,
            store,
            clock,
            queue: Arc::new(queue),
        }
    }

    pub(crate) fn generator(&self, model: impl LanguageModel + 'static) -> Generator {
        let (store, queue) = (Arc::clone(&self.store), Arc::clone(&self.queue));
        Generator::new(Arc::new(self.config.clone()), store, queue, Arc::new(model))
    }

    pub(crate) async fn run(&self, model: impl LanguageModel + 'static) -> RunReport {
        self.generator(model).run(&|_| {}).await.unwrap()
    }

    pub(crate) async fn page(&self, slug: &str) -> Page {
        let site = &self.config.site;
        self.store
            .get_by_slug(&site.id, &site.locale, slug)
            .await
            .unwrap()
            .unwrap()
    }

    /// Handles every message that is due.
    pub(crate) async fn consume(&self, handler: &dyn Handler) -> Totals {
        let mut totals = Totals::default();
        loop {
            let deliveries = self.queue.receive(10, Duration::ZERO).await.unwrap();
            if deliveries.is_empty() {
                return totals;
            }
            totals += process(&self.queue, deliveries, handler, 4).await.totals;
        }
    }
}

pub(crate) fn topic(config: &Config, key: &str) -> NewPage {
    NewPage {
        site: config.site.id.clone(),
        locale: config.site.locale.clone(),
        slug: key.into(),
        row_key: key.into(),
        primary_keyword: format!("about {key}"),
        topic: json!({ "key": key }),
    }
}

/// A page that passes the gates.
pub(crate) fn good_page() -> Value {
    json!({
        "title": "A title that is long enough to pass",
        "description": "A description that is long enough to pass the gate for descriptions, which wants seventy.",
        "keywords": ["one"],
        "body_html": "<h2>Facts</h2><p>Four words are enough.</p>",
        "image_prompt": "A clock",
        "hooks": ["Did you know?"],
    })
}

pub(crate) fn post_text() -> Value {
    json!({ "text": "Did you know?" })
}

pub(crate) fn writes(pages: usize) -> Scripted {
    (0..pages).fold(Scripted::new(), |model, _| model.reply(good_page().to_string()))
}

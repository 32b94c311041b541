//! Drafts planned topics into published pages.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_channel::mpsc;
use futures_util::{StreamExt, future};
use presswork_ai_adapter::LanguageModel;
use presswork_content_store::{Claim, ContentStore, Op, Page};
use presswork_queue::Queue;

use crate::config::Config;
use crate::relay::{Relay, Relayed};
use crate::report::{Drafted, RunReport};
use crate::{Result, platform};

mod draft;
mod drafting;

use drafting::Drafting;

/// Pages saved before their messages are sent. Each round of the relay asks the store as much as a page does, and a Worker on
/// the free plan may ask 50 times in a run.
const RELAY_EVERY: usize = 25;

pub(crate) use draft::announcement;

/// Turns planned topics into pages: claim, draft, gate, store with its outbox row in one write, send.
///
/// `concurrency` drafts are under way at once; while they run the next topics are claimed and finished pages are stored, so
/// that no model call waits for the store. A store slower than the model slows the drafts down: at most twice as many pages
/// as `concurrency` are drafted and stored at once, and memory does not grow with the topics.
///
/// Every step can be cut off at any moment. A claimed topic whose lease ends is claimed again by the next run; a stored
/// page whose message was not sent is in the outbox, and each run sweeps it first.
pub struct Generator {
    config: Arc<Config>,
    store: Arc<dyn ContentStore>,
    model: Arc<dyn LanguageModel>,
    relay: Relay,
    owner: String,
    stop: Arc<AtomicBool>,
}

impl std::fmt::Debug for Generator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generator")
            .field("site", &self.config.site.id)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

impl Generator {
    /// A generator for the site of `config`.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        store: Arc<dyn ContentStore>,
        queue: Arc<dyn Queue>,
        model: Arc<dyn LanguageModel>,
    ) -> Self {
        let relay = Relay::new(Arc::clone(&store), queue);
        let owner = format!("generator-{}", uuid::Uuid::now_v7());
        Self {
            config,
            store,
            model,
            relay,
            owner,
            stop: Arc::default(),
        }
    }

    /// Puts into each message how far the store has come; see [`Relay::bookmark`].
    #[must_use]
    pub fn bookmark(mut self, bookmark: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        self.relay = self.relay.bookmark(bookmark);
        self
    }

    /// A switch that ends a run early: set it to `true` and no further draft begins; drafts under way finish, and topics
    /// claimed ahead are given back.
    #[must_use]
    pub fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// One run: sweep the outbox, then draft up to `pages_per_run` topics, then send what they left in the outbox.
    ///
    /// `on_page` is called once for each topic as it ends.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store cannot be used. A model, a queue or a gate that refuses is
    /// in the report.
    pub async fn run(&self, on_page: &(dyn Fn(&Drafted) + Sync)) -> Result<RunReport> {
        self.config.site.same_locale(self.store.as_ref()).await?;
        let mut report = RunReport::default();
        report.relayed(self.relay.drain().await?);

        let (saved, signals) = mpsc::unbounded();
        let drafting = Drafting::new(self).run(&mut report, saved, on_page);
        let (drafted, relayed) = future::join(drafting, self.relay_on(signals)).await;
        drafted?;
        report.relayed(relayed?);
        Ok(report)
    }

    /// Claims up to `limit` topics.
    async fn claim(&self, limit: u32) -> Result<Vec<Page>> {
        let settings = &self.config.generator;
        let claim = Claim {
            site: self.config.site.id.clone(),
            owner: self.owner.clone(),
            limit,
            lease: Duration::from_secs(settings.lease_seconds.into()),
            max_attempts: settings.max_attempts,
        };
        Ok(self.store.claim(&Op::at(platform::now_ms()), &claim).await?)
    }

    /// Drains the outbox beside the drafting: after every [`RELAY_EVERY`] pages, and when no more can be saved.
    async fn relay_on(&self, mut signals: mpsc::UnboundedReceiver<()>) -> Result<Relayed> {
        let mut total = Relayed::default();
        while signals.next().await.is_some() {
            let mut saved = 1;
            while saved < RELAY_EVERY && signals.next().await.is_some() {
                saved += 1;
            }
            let pass = self.relay.drain().await?;
            total.sent += pass.sent;
            total.waiting = pass.waiting;
            total.error = pass.error;
        }
        Ok(total)
    }
}

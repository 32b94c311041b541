//! Drafts planned topics into published pages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_channel::mpsc;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, future};
use presswork_ai_adapter::LanguageModel;
use presswork_content_store::{Claim, ContentStore, Op, Page};
use presswork_queue::Queue;

use crate::config::Config;
use crate::relay::{Relay, Relayed};
use crate::report::{Drafted, RunReport};
use crate::{Result, platform};

mod draft;

/// Pages saved before their messages are sent. Each round of the relay asks the store as much as a page does, and a Worker on
/// the free plan may ask 50 times in a run.
const RELAY_EVERY: usize = 25;

pub(crate) use draft::announcement;

/// Turns planned topics into pages: claim, draft, gate, store with its outbox row in one write, send.
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

    /// A switch that ends a run early: set it to `true` and no further topic is claimed; drafts under way finish.
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
        let drafting = self.draft_all(&mut report, saved, on_page);
        let (drafted, relayed) = future::join(drafting, self.relay_on(signals)).await;
        drafted?;
        report.relayed(relayed?);
        Ok(report)
    }

    /// Keeps as many drafts under way as the settings allow until there is no topic left.
    async fn draft_all(
        &self,
        report: &mut RunReport,
        saved: mpsc::UnboundedSender<()>,
        on_page: &(dyn Fn(&Drafted) + Sync),
    ) -> Result<()> {
        let concurrency = self.config.generator.concurrency as usize;
        let mut left = self.config.generator.pages_per_run;
        let mut claimed = Vec::new().into_iter();
        let mut drafts = FuturesUnordered::new();
        loop {
            while drafts.len() < concurrency {
                if claimed.len() == 0 && left > 0 && report.stopped.is_none() && !self.stop.load(Ordering::Relaxed) {
                    let free = u32::try_from(concurrency - drafts.len()).unwrap_or(1);
                    let pages = self.claim(left.min(free)).await?;
                    left = if pages.is_empty() {
                        0
                    } else {
                        left.saturating_sub(u32::try_from(pages.len()).unwrap_or(left))
                    };
                    claimed = pages.into_iter();
                }
                let Some(page) = claimed.next() else { break };
                drafts.push(self.draft(page));
            }
            let Some(drafted) = drafts.next().await else {
                return Ok(());
            };
            let drafted = drafted?;
            if matches!(drafted, Drafted::Published { .. }) {
                // A closed channel means the relay gave up; the outbox has the row.
                let _ = saved.unbounded_send(());
            }
            on_page(&drafted);
            report.count(drafted);
        }
    }

    /// Claims topics that are drafted at once: none waits while its lease runs.
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

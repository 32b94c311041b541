//! Posts published pages, once per target.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future;
use presswork_ai_adapter::{ImageModel, LanguageModel};
use presswork_content_store::{ContentStore, Page, PageId, Status};
use presswork_queue::{Delivery, Handler, Outcome};
use presswork_social::SocialTarget;

use crate::config::Config;
use crate::message::PageMessage;
use crate::platform;

mod picture;
mod target;
mod variant;

/// Consumes page messages: for each target claim the ledger row, write the variant, arm, publish once, record, and only
/// then acknowledge.
///
/// The ledger, not the queue, makes a post happen once: a message that comes again finds the receipt and is
/// acknowledged, or finds a post whose outcome is unknown and asks the network before anything else.
pub struct Poster {
    config: Arc<Config>,
    store: Arc<dyn ContentStore>,
    model: Arc<dyn LanguageModel>,
    targets: Vec<Arc<dyn SocialTarget>>,
    cards: Option<Arc<dyn ImageModel>>,
    owner: String,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl std::fmt::Debug for Poster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let targets: Vec<_> = self.targets.iter().map(|target| target.network()).collect();
        f.debug_struct("Poster")
            .field("targets", &targets)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// What became of one page on one target.
enum Step {
    /// The receipt is in the ledger.
    Done,
    /// Not yet; come again after this, and why.
    Later(Duration, String),
    /// Never without a person; this is why.
    Dead(String),
}

impl Poster {
    /// A poster to `targets`.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        store: Arc<dyn ContentStore>,
        model: Arc<dyn LanguageModel>,
        targets: Vec<Arc<dyn SocialTarget>>,
    ) -> Self {
        let owner = format!("poster-{}", uuid::Uuid::now_v7());
        Self {
            config,
            store,
            model,
            targets,
            cards: None,
            owner,
            clock: Arc::new(platform::now_ms),
        }
    }

    /// Has `model` draw a picture for each post whose target takes files; its alternative text is the page's title.
    #[must_use]
    pub fn cards(mut self, model: Arc<dyn ImageModel>) -> Self {
        self.cards = Some(model);
        self
    }

    /// Takes the time, in epoch milliseconds, from `clock` instead of the system: a test need not wait for minutes.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    async fn page(&self, delivery: &Delivery) -> Result<Page, Outcome> {
        let dead = |reason: String| Outcome::DeadLetter { reason };
        let message: PageMessage = delivery
            .json()
            .map_err(|error| dead(format!("not a page message: {error}")))?;
        let id = PageId::try_from(message.page_id).map_err(|error| dead(error.to_string()))?;
        match self.store.get(&id).await {
            Ok(Some(page)) if page.status == Status::Published => Ok(page),
            Ok(Some(page)) => Err(dead(format!("page {} is {}, not published", page.slug, page.status))),
            Ok(None) => Err(dead(format!("page {id} is not in the store"))),
            Err(error) => {
                tracing::warn!(%error, page = %id, "the store cannot be read");
                Err(Outcome::retry(error))
            }
        }
    }
}

#[async_trait]
impl Handler for Poster {
    async fn handle(&self, delivery: &Delivery) -> Outcome {
        let page = match self.page(delivery).await {
            Ok(page) => page,
            Err(outcome) => return outcome,
        };
        let steps = future::join_all(self.targets.iter().map(|target| self.post(target.as_ref(), &page))).await;
        let mut soonest: Option<(Duration, String)> = None;
        let mut reasons = Vec::new();
        for (target, step) in self.targets.iter().zip(steps) {
            match step {
                Step::Done => {}
                Step::Later(wait, why) => {
                    if soonest.as_ref().is_none_or(|(other, _)| wait < *other) {
                        soonest = Some((wait, format!("{}: {why}", target.network())));
                    }
                }
                Step::Dead(reason) => reasons.push(format!("{}: {reason}", target.network())),
            }
        }
        // A target that can still work is served first; the message is a dead letter when only hopeless ones are left.
        match soonest {
            Some((wait, why)) => Outcome::retry_after(wait, why),
            None if reasons.is_empty() => Outcome::Ack,
            None => Outcome::dead_letter(reasons.join("; ")),
        }
    }
}

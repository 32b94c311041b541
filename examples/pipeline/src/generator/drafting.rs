//! One run's drafts: the model is never kept waiting for the store.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;

use futures_channel::mpsc;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use presswork_content_store::Page;

use super::Generator;
use super::draft::Written;
use crate::report::{Drafted, RunReport};
use crate::{Error, Result, platform};

/// What of a lease is kept for storing the page, when its draft has used all the time it may.
const STORING_MS: i64 = 20_000;

/// Topics claimed ahead, drafts at the model, and pages on their way into the store.
pub(super) struct Drafting<'g> {
    generator: &'g Generator,
    steps: FuturesUnordered<Pin<Box<dyn Future<Output = Step> + Send + 'g>>>,
    /// Claimed, not begun.
    ready: VecDeque<Page>,
    claiming: bool,
    writing: usize,
    storing: usize,
    /// Drafts under way at once.
    concurrency: usize,
    /// Topics claimed before a draft has room for them.
    ahead: usize,
    /// Topics the run may still claim.
    left: u32,
    /// Whether no topic fares better with this model.
    hopeless: bool,
    error: Option<Error>,
}

enum Step {
    Claimed(Result<Vec<Page>>),
    Written(Box<Written>),
    Settled(Result<Drafted>),
    PutBack(Result<()>),
}

impl<'g> Drafting<'g> {
    pub(super) fn new(generator: &'g Generator) -> Self {
        let concurrency = generator.config.generator.concurrency as usize;
        Self {
            generator,
            steps: FuturesUnordered::new(),
            ready: VecDeque::new(),
            claiming: false,
            writing: 0,
            storing: 0,
            concurrency,
            ahead: concurrency,
            left: generator.config.generator.pages_per_run,
            hopeless: false,
            error: None,
        }
    }

    /// Keeps as many drafts under way as the settings allow until there is no topic left. After an error of the store
    /// nothing more is begun, and what is under way is stored if it can be.
    pub(super) async fn run(
        mut self,
        report: &mut RunReport,
        saved: mpsc::UnboundedSender<()>,
        on_page: &(dyn Fn(&Drafted) + Sync),
    ) -> Result<()> {
        loop {
            if self.error.is_some() || self.hopeless || self.generator.stop.load(Ordering::Relaxed) {
                self.left = 0;
                while let Some(page) = self.ready.pop_front() {
                    self.put_back(page);
                }
            }
            self.begin();
            self.claim();
            let Some(step) = self.steps.next().await else {
                return self.error.map_or(Ok(()), Err);
            };
            if let Some(drafted) = self.took(step) {
                if matches!(drafted, Drafted::Published { .. }) {
                    // A closed channel means the relay gave up; the outbox has the row.
                    let _ = saved.unbounded_send(());
                }
                on_page(&drafted);
                report.count(drafted);
            }
        }
    }

    /// Begins drafts of topics that are ready.
    fn begin(&mut self) {
        let generator = self.generator;
        while self.writing < self.concurrency && self.writing + self.storing < 2 * self.concurrency {
            let Some(page) = self.ready.pop_front() else { return };
            // One that did not wait is as fresh as it can be.
            if self.ahead == 0 || self.lasts(&page) {
                self.writing += 1;
                self.steps
                    .push(Box::pin(async { Step::Written(Box::new(generator.draft(page).await)) }));
            } else {
                // Drafts take so long that a topic cannot wait for the next one: from now on none does.
                self.ahead = 0;
                self.left = self.left.saturating_add(1);
                self.put_back(page);
            }
        }
    }

    /// Whether the lease outlives a draft that takes as long as it may.
    fn lasts(&self, page: &Page) -> bool {
        let draft_ms = i64::from(self.generator.config.model.timeout_seconds) * 1_000;
        page.lease_until_ms
            .is_some_and(|until| until - platform::now_ms() >= draft_ms + STORING_MS)
    }

    /// Claims the next topics once half of those claimed ahead have begun.
    fn claim(&mut self) {
        let generator = self.generator;
        let taken = self.writing + self.ready.len();
        let room = (self.concurrency + self.ahead).saturating_sub(taken);
        let held = (2 * self.concurrency + self.ahead).saturating_sub(taken + self.storing);
        let limit = u32::try_from(room.min(held)).unwrap_or(u32::MAX).min(self.left);
        if !self.claiming && limit > 0 && self.ready.len() <= self.ahead / 2 {
            self.claiming = true;
            self.steps
                .push(Box::pin(async move { Step::Claimed(generator.claim(limit).await) }));
        }
    }

    fn put_back(&mut self, page: Page) {
        let generator = self.generator;
        self.storing += 1;
        self.steps
            .push(Box::pin(async move { Step::PutBack(generator.put_back(&page).await) }));
    }

    /// What follows from a step; the outcome of a topic if it ended one.
    fn took(&mut self, step: Step) -> Option<Drafted> {
        let generator = self.generator;
        let failed = match step {
            Step::Claimed(claimed) => {
                self.claiming = false;
                match claimed {
                    Ok(pages) => {
                        let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
                        self.left = if count == 0 { 0 } else { self.left.saturating_sub(count) };
                        self.ready.extend(pages);
                        return None;
                    }
                    Err(error) => error,
                }
            }
            Step::Written(written) => {
                self.writing -= 1;
                self.hopeless |= written.is_hopeless();
                self.storing += 1;
                self.steps
                    .push(Box::pin(async { Step::Settled(generator.settle(*written).await) }));
                return None;
            }
            Step::Settled(settled) => {
                self.storing -= 1;
                match settled {
                    Ok(drafted) => return Some(drafted),
                    Err(error) => error,
                }
            }
            Step::PutBack(put) => {
                self.storing -= 1;
                match put {
                    Ok(()) => return None,
                    Err(error) => error,
                }
            }
        };
        // The first says why; the others follow from it.
        self.error.get_or_insert(failed);
        None
    }
}

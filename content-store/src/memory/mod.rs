//! [`MemoryStore`]: the reference model.

mod dead_letters;
mod edits;
mod outbox;
mod pages;
mod plan;
mod posts;
mod reports;
mod rows;
mod spend;
mod transfer;
mod upkeep;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    Content, DeadLetterId, Error, Field, NewOutbox, NewSpend, Op, OpId, OutboxId, Page, PageId, PlanReport, PostId,
    PostRecord, Result, Revision,
};

const STORE: &str = "memory";

/// A store in memory, gone with its last handle. What it does is what every other store does.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change checks first and then writes without failing, so a panic leaves nothing half-done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a change once: a repeat of its op is answered from what it did.
    fn once<T>(
        &self,
        op: &Op,
        request: String,
        run: impl FnOnce(&mut State) -> Result<Option<Done>>,
        answer: impl FnOnce(&State, Option<&Done>) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.lock();
        if let Some(OpRow { used_for, done, .. }) = state.ops.get(&op.id) {
            if *used_for != request {
                return Err(Error::OpReused {
                    store: STORE,
                    op: op.id.to_string(),
                    used_for: used_for.clone(),
                });
            }
            return answer(&state, Some(done));
        }
        let done = run(&mut state)?;
        let answer = answer(&state, done.as_ref())?;
        if let Some(done) = done {
            let row = OpRow {
                used_for: request,
                done,
                at_ms: op.at_ms,
            };
            state.ops.insert(op.id, row);
        }
        Ok(answer)
    }
}

/// The address of a unique value: site, locale, value.
type Place = (String, String, String);

fn place(page: &Page, value: &str) -> Place {
    (page.site.clone(), page.locale.clone(), value.to_owned())
}

#[derive(Debug, Default)]
struct State {
    ops: HashMap<OpId, OpRow>,
    pages: BTreeMap<PageId, PageRow>,
    row_keys: BTreeMap<Place, PageId>,
    slugs: BTreeMap<Place, PageId>,
    keywords: BTreeMap<Place, PageId>,
    /// Planned and generating pages in the order of claiming.
    open: BTreeSet<(String, i64, PageId)>,
    /// Those of them that were claimed before: only these can be past their attempts.
    tried: BTreeSet<(String, i64, PageId)>,
    revisions: BTreeMap<(PageId, u64), Revision>,
    /// What a page said up to a version.
    snapshots: BTreeMap<(PageId, u64), Snapshot>,
    locks: BTreeMap<PageId, Vec<Field>>,
    /// Where to, and since when; nowhere when that page is gone.
    redirects: BTreeMap<Place, (Option<PageId>, i64)>,
    outbox: BTreeMap<OutboxId, outbox::Row>,
    posts: BTreeMap<PostId, PostRow>,
    post_keys: BTreeMap<String, PostId>,
    /// By their ids, as other stores number them.
    spend: BTreeMap<String, spend::Row>,
    dead_letters: BTreeMap<DeadLetterId, dead_letters::Row>,
}

#[derive(Debug)]
struct OpRow {
    used_for: String,
    done: Done,
    at_ms: i64,
}

#[derive(Debug)]
struct PageRow {
    page: Page,
    source_hash: String,
}

#[derive(Debug)]
struct Snapshot {
    content: Content,
    hash: String,
    at_ms: i64,
}

#[derive(Debug)]
struct PostRow {
    record: PostRecord,
    last_op: OpId,
}

/// What an op did, as far as a repeat has to tell.
#[derive(Debug)]
enum Done {
    Plan(PlanReport),
    Pages(Vec<PageId>),
    Page(PageId),
    Outbox(Vec<OutboxId>),
    Count(u64),
    Post,
    Spend,
    DeadLetter,
    DeadLetters(Vec<DeadLetterId>),
    Deleted,
}

impl State {
    /// Keeps the new page state: its version goes up, its revision is written, the claim order follows.
    fn put(&mut self, op: &Op, mut page: Page, source_hash: String, reason: Option<String>) {
        page.version += 1;
        page.updated_at_ms = op.at_ms;
        let open = (page.site.clone(), page.created_at_ms, page.id);
        let is_open = matches!(page.status, crate::Status::Planned | crate::Status::Generating);
        if is_open && page.attempts > 0 {
            self.tried.insert(open.clone());
        } else {
            self.tried.remove(&open);
        }
        if is_open {
            self.open.insert(open);
        } else {
            self.open.remove(&open);
        }
        let revision = Revision {
            version: page.version,
            op_id: op.id,
            status: page.status,
            reason,
            content_hash: page.content_hash.clone(),
            at_ms: op.at_ms,
        };
        self.revisions.insert((page.id, page.version), revision);
        self.pages.insert(page.id, PageRow { page, source_hash });
    }

    /// Writes what goes with a page.
    fn put_with(&mut self, op: &Op, page: PageId, outbox: &[NewOutbox], costs: &[NewSpend]) {
        for (n, row) in outbox.iter().enumerate() {
            let id = OutboxId::nth(&op.id, n);
            self.outbox.insert(id.clone(), outbox::Row::new(op, id, page, row));
        }
        for (n, cost) in costs.iter().enumerate() {
            let cost = NewSpend {
                page_id: cost.page_id.or(Some(page)),
                ..cost.clone()
            };
            self.put_spend(op, n, cost);
        }
    }
}

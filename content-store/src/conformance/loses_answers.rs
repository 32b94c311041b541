use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    Claim, Content, Counts, Cursor, DeadLetter, DeadLetterClaim, DeadLetterId, DeadLetterList, DeadLetters, Edit,
    Editing, Error, Exported, Field, Imported, Mark, NewDeadLetter, NewPage, NewSpend, Op, OpId, Outbox, OutboxClaim,
    OutboxCounts, OutboxId, OutboxRow, Page, PageId, PageList, PageQuery, PageRef, Pages, PlanReport, PostClaim,
    PostKey, PostLedger, PostList, PostOutcome, PostQuery, PostRecord, PostRef, PostStatus, PrunePlan, Pruned, Record,
    Redirect, Reports, Result, Revision, SavePage, SpendBy, SpendLedger, SpendQuery, SpendSum, SpendTotals, Transfer,
    Transition, Upkeep,
};

/// A store that makes a change and then loses the answer, once per [`lose_next`](Self::lose_next).
#[derive(Debug)]
pub struct LosesAnswers<S> {
    inner: S,
    armed: AtomicBool,
}

impl<S> LosesAnswers<S> {
    /// Wraps a store. Answers come through until [`lose_next`](Self::lose_next).
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            armed: AtomicBool::new(false),
        }
    }

    /// The next write that succeeds is made, and answered with [`Error::OutcomeUnknown`].
    pub fn lose_next(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    fn answer<T>(&self, answer: Result<T>) -> Result<T> {
        if answer.is_ok() && self.armed.swap(false, Ordering::SeqCst) {
            let message = "lost on purpose".to_owned();
            return Err(Error::OutcomeUnknown {
                store: "loses-answers",
                message,
                source: None,
            });
        }
        answer
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Pages> Pages for LosesAnswers<S> {
    async fn plan(&self, op: &Op, topics: &[NewPage]) -> Result<PlanReport> {
        self.answer(self.inner.plan(op, topics).await)
    }
    async fn claim(&self, op: &Op, claim: &Claim) -> Result<Vec<Page>> {
        self.answer(self.inner.claim(op, claim).await)
    }
    async fn save(&self, op: &Op, page: &PageRef, save: &SavePage) -> Result<Page> {
        self.answer(self.inner.save(op, page, save).await)
    }
    async fn transition(&self, op: &Op, page: &PageRef, change: &Transition) -> Result<Page> {
        self.answer(self.inner.transition(op, page, change).await)
    }
    async fn get(&self, id: &PageId) -> Result<Option<Page>> {
        self.inner.get(id).await
    }
    async fn get_by_slug(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Page>> {
        self.inner.get_by_slug(site, locale, slug).await
    }
    async fn redirect(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Redirect>> {
        self.inner.redirect(site, locale, slug).await
    }
    async fn list<'a>(&self, query: &PageQuery, after: Option<&'a Cursor>, limit: u32) -> Result<PageList> {
        self.inner.list(query, after, limit).await
    }
    async fn counts(&self, site: &str) -> Result<Counts> {
        self.inner.counts(site).await
    }
    async fn revisions(&self, id: &PageId) -> Result<Vec<Revision>> {
        self.inner.revisions(id).await
    }
    async fn did_it_land(&self, op: &OpId) -> Result<bool> {
        self.inner.did_it_land(op).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Outbox> Outbox for LosesAnswers<S> {
    async fn claim_outbox(&self, op: &Op, claim: &OutboxClaim) -> Result<Vec<OutboxRow>> {
        self.answer(self.inner.claim_outbox(op, claim).await)
    }
    async fn mark_sent(&self, op: &Op, owner: &str, ids: &[OutboxId]) -> Result<u64> {
        self.answer(self.inner.mark_sent(op, owner, ids).await)
    }
    async fn release_outbox(
        &self,
        op: &Op,
        owner: &str,
        ids: &[OutboxId],
        error: &str,
        not_before_ms: i64,
    ) -> Result<u64> {
        self.answer(self.inner.release_outbox(op, owner, ids, error, not_before_ms).await)
    }
    async fn outbox_counts(&self) -> Result<OutboxCounts> {
        self.inner.outbox_counts().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: PostLedger> PostLedger for LosesAnswers<S> {
    async fn claim_post(&self, op: &Op, key: &PostKey, owner: &str, lease: Duration) -> Result<PostClaim> {
        self.answer(self.inner.claim_post(op, key, owner, lease).await)
    }
    async fn arm_post(
        &self,
        op: &Op,
        post: &PostRef,
        text: &str,
        payload: &Value,
        lease: Duration,
    ) -> Result<PostRecord> {
        self.answer(self.inner.arm_post(op, post, text, payload, lease).await)
    }
    async fn settle_post(&self, op: &Op, post: &PostRef, outcome: &PostOutcome) -> Result<PostRecord> {
        self.answer(self.inner.settle_post(op, post, outcome).await)
    }
    async fn get_post(&self, key: &PostKey) -> Result<Option<PostRecord>> {
        self.inner.get_post(key).await
    }
    async fn list_posts<'a>(&self, query: &PostQuery, after: Option<&'a Cursor>, limit: u32) -> Result<PostList> {
        self.inner.list_posts(query, after, limit).await
    }
    async fn post_counts(&self) -> Result<Counts<PostStatus>> {
        self.inner.post_counts().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SpendLedger> SpendLedger for LosesAnswers<S> {
    async fn record_spend(&self, op: &Op, spend: &[NewSpend]) -> Result<()> {
        self.answer(self.inner.record_spend(op, spend).await)
    }
    async fn spend(&self, query: &SpendQuery) -> Result<SpendTotals> {
        self.inner.spend(query).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: DeadLetters> DeadLetters for LosesAnswers<S> {
    async fn record_dead_letter(&self, op: &Op, letter: &NewDeadLetter) -> Result<DeadLetter> {
        self.answer(self.inner.record_dead_letter(op, letter).await)
    }
    async fn list_dead_letters<'a>(
        &self,
        queue: Option<&'a str>,
        after: Option<&'a Cursor>,
        limit: u32,
    ) -> Result<DeadLetterList> {
        self.inner.list_dead_letters(queue, after, limit).await
    }
    async fn take_dead_letters(&self, op: &Op, claim: &DeadLetterClaim) -> Result<Vec<DeadLetter>> {
        self.answer(self.inner.take_dead_letters(op, claim).await)
    }
    async fn remove_dead_letters<'a>(&self, op: &Op, owner: Option<&'a str>, ids: &[DeadLetterId]) -> Result<u64> {
        self.answer(self.inner.remove_dead_letters(op, owner, ids).await)
    }
    async fn count_dead_letters<'a>(&self, queue: Option<&'a str>) -> Result<u64> {
        self.inner.count_dead_letters(queue).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Upkeep> Upkeep for LosesAnswers<S> {
    async fn prune(&self, plan: &PrunePlan) -> Result<Pruned> {
        self.answer(self.inner.prune(plan).await)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Editing> Editing for LosesAnswers<S> {
    async fn edit(&self, op: &Op, page: &PageRef, edit: &Edit) -> Result<Page> {
        self.answer(self.inner.edit(op, page, edit).await)
    }
    async fn delete(&self, op: &Op, page: &PageRef) -> Result<()> {
        self.answer(self.inner.delete(op, page).await)
    }
    async fn locked(&self, id: &PageId) -> Result<Vec<Field>> {
        self.inner.locked(id).await
    }
    async fn content_at(&self, id: &PageId, version: u64) -> Result<Option<Content>> {
        self.inner.content_at(id, version).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Reports> Reports for LosesAnswers<S> {
    async fn due<'a>(&self, site: &str, before_ms: i64, after: Option<&'a Cursor>, limit: u32) -> Result<PageList> {
        self.inner.due(site, before_ms, after, limit).await
    }
    async fn spend_by(&self, query: &SpendQuery, by: SpendBy) -> Result<Vec<SpendSum>> {
        self.inner.spend_by(query, by).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Transfer> Transfer for LosesAnswers<S> {
    async fn export<'a>(&self, after: Option<&'a Mark>, limit: u32) -> Result<Exported> {
        self.inner.export(after, limit).await
    }
    async fn import(&self, records: &[Record]) -> Result<Imported> {
        self.answer(self.inner.import(records).await)
    }
}

//! A store whose writes take their time.

use std::time::Duration;

use async_trait::async_trait;
use presswork_content_store::*;
use serde_json::Value;

/// [`MemoryStore`], each write of a page `delay` late.
pub(crate) struct SlowStore {
    pub(crate) inner: MemoryStore,
    pub(crate) delay: Duration,
}

#[async_trait]
impl Pages for SlowStore {
    async fn plan(&self, op: &Op, topics: &[NewPage]) -> Result<PlanReport> {
        self.inner.plan(op, topics).await
    }
    async fn claim(&self, op: &Op, claim: &Claim) -> Result<Vec<Page>> {
        tokio::time::sleep(self.delay).await;
        self.inner.claim(op, claim).await
    }
    async fn save(&self, op: &Op, page: &PageRef, save: &SavePage) -> Result<Page> {
        tokio::time::sleep(self.delay).await;
        self.inner.save(op, page, save).await
    }
    async fn transition(&self, op: &Op, page: &PageRef, change: &Transition) -> Result<Page> {
        tokio::time::sleep(self.delay).await;
        self.inner.transition(op, page, change).await
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
impl Outbox for SlowStore {
    async fn claim_outbox(&self, op: &Op, claim: &OutboxClaim) -> Result<Vec<OutboxRow>> {
        self.inner.claim_outbox(op, claim).await
    }
    async fn mark_sent(&self, op: &Op, owner: &str, ids: &[OutboxId]) -> Result<u64> {
        self.inner.mark_sent(op, owner, ids).await
    }
    async fn release_outbox(&self, op: &Op, owner: &str, ids: &[OutboxId], error: &str, at_ms: i64) -> Result<u64> {
        self.inner.release_outbox(op, owner, ids, error, at_ms).await
    }
    async fn outbox_counts(&self) -> Result<OutboxCounts> {
        self.inner.outbox_counts().await
    }
}

#[async_trait]
impl PostLedger for SlowStore {
    async fn claim_post(&self, op: &Op, key: &PostKey, owner: &str, lease: Duration) -> Result<PostClaim> {
        self.inner.claim_post(op, key, owner, lease).await
    }
    async fn arm_post(&self, op: &Op, post: &PostRef, text: &str, sent: &Value, lease: Duration) -> Result<PostRecord> {
        self.inner.arm_post(op, post, text, sent, lease).await
    }
    async fn settle_post(&self, op: &Op, post: &PostRef, outcome: &PostOutcome) -> Result<PostRecord> {
        self.inner.settle_post(op, post, outcome).await
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
impl SpendLedger for SlowStore {
    async fn record_spend(&self, op: &Op, spend: &[NewSpend]) -> Result<()> {
        self.inner.record_spend(op, spend).await
    }
    async fn spend(&self, query: &SpendQuery) -> Result<SpendTotals> {
        self.inner.spend(query).await
    }
}

#[async_trait]
impl DeadLetters for SlowStore {
    async fn record_dead_letter(&self, op: &Op, letter: &NewDeadLetter) -> Result<DeadLetter> {
        self.inner.record_dead_letter(op, letter).await
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
        self.inner.take_dead_letters(op, claim).await
    }
    async fn remove_dead_letters<'a>(&self, op: &Op, owner: Option<&'a str>, ids: &[DeadLetterId]) -> Result<u64> {
        self.inner.remove_dead_letters(op, owner, ids).await
    }
    async fn count_dead_letters<'a>(&self, queue: Option<&'a str>) -> Result<u64> {
        self.inner.count_dead_letters(queue).await
    }
}

#[async_trait]
impl Upkeep for SlowStore {
    async fn prune(&self, plan: &PrunePlan) -> Result<Pruned> {
        self.inner.prune(plan).await
    }
}

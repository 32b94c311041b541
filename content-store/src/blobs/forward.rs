//! Every method of a store, with bodies put away and read back where a page comes along.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::{BlobStore, WithBlobs};
use crate::{
    Claim, Content, Counts, Cursor, DeadLetter, DeadLetterClaim, DeadLetterId, DeadLetterList, DeadLetters, Edit,
    Editing, Exported, Field, Imported, Mark, NewDeadLetter, NewPage, NewSpend, Op, OpId, Outbox, OutboxClaim,
    OutboxCounts, OutboxId, OutboxRow, Page, PageId, PageList, PageQuery, PageRef, Pages, PlanReport, PostClaim,
    PostKey, PostLedger, PostList, PostOutcome, PostQuery, PostRecord, PostRef, PostStatus, PrunePlan, Pruned, Record,
    Redirect, Reports, Result, Revision, SavePage, SpendBy, SpendLedger, SpendQuery, SpendSum, SpendTotals, Transfer,
    Transition, Upkeep,
};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Pages, B: BlobStore> Pages for WithBlobs<S, B> {
    async fn plan(&self, op: &Op, topics: &[NewPage]) -> Result<PlanReport> {
        self.store.plan(op, topics).await
    }
    async fn claim(&self, op: &Op, claim: &Claim) -> Result<Vec<Page>> {
        let mut pages = Vec::new();
        for page in self.store.claim(op, claim).await? {
            pages.push(self.written(page).await?);
        }
        Ok(pages)
    }
    async fn save(&self, op: &Op, page: &PageRef, save: &SavePage) -> Result<Page> {
        match self.away(&save.content).await? {
            Cow::Borrowed(_) => self.written(self.store.save(op, page, save).await?).await,
            Cow::Owned(content) => {
                let save = SavePage {
                    content,
                    to: save.to,
                    outbox: save.outbox.clone(),
                    spend: save.spend.clone(),
                };
                self.written(self.store.save(op, page, &save).await?).await
            }
        }
    }
    async fn transition(&self, op: &Op, page: &PageRef, change: &Transition) -> Result<Page> {
        self.written(self.store.transition(op, page, change).await?).await
    }
    async fn get(&self, id: &PageId) -> Result<Option<Page>> {
        match self.store.get(id).await? {
            Some(page) => Ok(Some(self.page(page).await?)),
            None => Ok(None),
        }
    }
    async fn get_by_slug(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Page>> {
        match self.store.get_by_slug(site, locale, slug).await? {
            Some(page) => Ok(Some(self.page(page).await?)),
            None => Ok(None),
        }
    }
    async fn redirect(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Redirect>> {
        self.store.redirect(site, locale, slug).await
    }
    async fn list<'a>(&self, query: &PageQuery, after: Option<&'a Cursor>, limit: u32) -> Result<PageList> {
        self.store.list(query, after, limit).await
    }
    async fn counts(&self, site: &str) -> Result<Counts> {
        self.store.counts(site).await
    }
    async fn revisions(&self, id: &PageId) -> Result<Vec<Revision>> {
        self.store.revisions(id).await
    }
    async fn did_it_land(&self, op: &OpId) -> Result<bool> {
        self.store.did_it_land(op).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Outbox, B: BlobStore> Outbox for WithBlobs<S, B> {
    async fn claim_outbox(&self, op: &Op, claim: &OutboxClaim) -> Result<Vec<OutboxRow>> {
        self.store.claim_outbox(op, claim).await
    }
    async fn mark_sent(&self, op: &Op, owner: &str, ids: &[OutboxId]) -> Result<u64> {
        self.store.mark_sent(op, owner, ids).await
    }
    async fn release_outbox(
        &self,
        op: &Op,
        owner: &str,
        ids: &[OutboxId],
        error: &str,
        not_before_ms: i64,
    ) -> Result<u64> {
        self.store.release_outbox(op, owner, ids, error, not_before_ms).await
    }
    async fn outbox_counts(&self) -> Result<OutboxCounts> {
        self.store.outbox_counts().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: PostLedger, B: BlobStore> PostLedger for WithBlobs<S, B> {
    async fn claim_post(&self, op: &Op, key: &PostKey, owner: &str, lease: Duration) -> Result<PostClaim> {
        self.store.claim_post(op, key, owner, lease).await
    }
    async fn arm_post(
        &self,
        op: &Op,
        post: &PostRef,
        text: &str,
        payload: &Value,
        lease: Duration,
    ) -> Result<PostRecord> {
        self.store.arm_post(op, post, text, payload, lease).await
    }
    async fn settle_post(&self, op: &Op, post: &PostRef, outcome: &PostOutcome) -> Result<PostRecord> {
        self.store.settle_post(op, post, outcome).await
    }
    async fn get_post(&self, key: &PostKey) -> Result<Option<PostRecord>> {
        self.store.get_post(key).await
    }
    async fn list_posts<'a>(&self, query: &PostQuery, after: Option<&'a Cursor>, limit: u32) -> Result<PostList> {
        self.store.list_posts(query, after, limit).await
    }
    async fn post_counts(&self) -> Result<Counts<PostStatus>> {
        self.store.post_counts().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SpendLedger, B: BlobStore> SpendLedger for WithBlobs<S, B> {
    async fn record_spend(&self, op: &Op, spend: &[NewSpend]) -> Result<()> {
        self.store.record_spend(op, spend).await
    }
    async fn spend(&self, query: &SpendQuery) -> Result<SpendTotals> {
        self.store.spend(query).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: DeadLetters, B: BlobStore> DeadLetters for WithBlobs<S, B> {
    async fn record_dead_letter(&self, op: &Op, letter: &NewDeadLetter) -> Result<DeadLetter> {
        self.store.record_dead_letter(op, letter).await
    }
    async fn list_dead_letters<'a>(
        &self,
        queue: Option<&'a str>,
        after: Option<&'a Cursor>,
        limit: u32,
    ) -> Result<DeadLetterList> {
        self.store.list_dead_letters(queue, after, limit).await
    }
    async fn take_dead_letters(&self, op: &Op, claim: &DeadLetterClaim) -> Result<Vec<DeadLetter>> {
        self.store.take_dead_letters(op, claim).await
    }
    async fn remove_dead_letters<'a>(&self, op: &Op, owner: Option<&'a str>, ids: &[DeadLetterId]) -> Result<u64> {
        self.store.remove_dead_letters(op, owner, ids).await
    }
    async fn count_dead_letters<'a>(&self, queue: Option<&'a str>) -> Result<u64> {
        self.store.count_dead_letters(queue).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Upkeep, B: BlobStore> Upkeep for WithBlobs<S, B> {
    async fn prune(&self, plan: &PrunePlan) -> Result<Pruned> {
        self.store.prune(plan).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Editing, B: BlobStore> Editing for WithBlobs<S, B> {
    async fn edit(&self, op: &Op, page: &PageRef, edit: &Edit) -> Result<Page> {
        let mark = match &edit.body_html {
            Some(body) => self.put(body).await?,
            None => None,
        };
        let edited = match mark {
            None => self.store.edit(op, page, edit).await?,
            Some(mark) => {
                let mut edit = edit.clone();
                edit.body_html = Some(mark);
                self.store.edit(op, page, &edit).await?
            }
        };
        self.written(edited).await
    }
    async fn delete(&self, op: &Op, page: &PageRef) -> Result<()> {
        self.store.delete(op, page).await
    }
    async fn locked(&self, id: &PageId) -> Result<Vec<Field>> {
        self.store.locked(id).await
    }
    async fn content_at(&self, id: &PageId, version: u64) -> Result<Option<Content>> {
        match self.store.content_at(id, version).await? {
            Some(content) => Ok(Some(self.whole(content).await?)),
            None => Ok(None),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Reports, B: BlobStore> Reports for WithBlobs<S, B> {
    async fn due<'a>(&self, site: &str, before_ms: i64, after: Option<&'a Cursor>, limit: u32) -> Result<PageList> {
        self.store.due(site, before_ms, after, limit).await
    }
    async fn spend_by(&self, query: &SpendQuery, by: SpendBy) -> Result<Vec<SpendSum>> {
        self.store.spend_by(query, by).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Transfer, B: BlobStore> Transfer for WithBlobs<S, B> {
    async fn export<'a>(&self, after: Option<&'a Mark>, limit: u32) -> Result<Exported> {
        self.store.export(after, limit).await
    }
    async fn import(&self, records: &[Record]) -> Result<Imported> {
        self.store.import(records).await
    }
}

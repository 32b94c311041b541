//! [`ContentStore`]: what a pipeline needs as one; [`FullStore`]: what people and operators need as well.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    Claim, Content, Counts, Cursor, DeadLetter, DeadLetterClaim, DeadLetterId, DeadLetterList, DeadLetters, Edit,
    Editing, Exported, Field, Imported, Mark, NewDeadLetter, NewPage, NewSpend, Op, OpId, Outbox, OutboxClaim,
    OutboxCounts, OutboxId, OutboxRow, Page, PageId, PageList, PageQuery, PageRef, Pages, PlanReport, PostClaim,
    PostKey, PostLedger, PostList, PostOutcome, PostQuery, PostRecord, PostRef, PostStatus, PrunePlan, Pruned, Record,
    Redirect, Reports, Result, Revision, SavePage, SpendBy, SpendLedger, SpendQuery, SpendSum, SpendTotals, Transfer,
    Transition, Upkeep,
};

/// Everything a pipeline stores: [`Pages`], their [`Outbox`], the [`PostLedger`], the [`SpendLedger`],
/// [`DeadLetters`] and their [`Upkeep`].
///
/// Implemented for whatever implements the six. `Arc<dyn ContentStore>` is a `ContentStore` itself.
///
/// - A store that outlives its process has every acknowledged write when it is opened again
///   (`acknowledged_writes_are_there_after_a_reopen`).
pub trait ContentStore: Pages + Outbox + PostLedger + SpendLedger + DeadLetters + Upkeep {}

impl<T: Pages + Outbox + PostLedger + SpendLedger + DeadLetters + Upkeep + ?Sized> ContentStore for T {}

/// A [`ContentStore`] with what people and operators do beside the pipeline: [`Editing`], [`Reports`] and [`Transfer`].
///
/// Every store of this crate is one. `Arc<dyn FullStore>` coerces to `Arc<dyn ContentStore>`. A Worker takes only the
/// latter, for a `dyn` type carries all its methods.
pub trait FullStore: ContentStore + Editing + Reports + Transfer {}

impl<T: ContentStore + Editing + Reports + Transfer + ?Sized> FullStore for T {}

const _: fn(&dyn FullStore) -> &dyn ContentStore = |store| store;
const _: fn() = || {
    fn pin<T: ContentStore + Send + Sync + ?Sized>() {}
    pin::<Arc<dyn ContentStore>>();
    pin::<Arc<dyn FullStore>>();
    pin::<Box<dyn ContentStore>>();
    pin::<&dyn ContentStore>();
};

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        #[async_trait]
        impl<T: Pages + ?Sized> Pages for $pointer {
            async fn plan(&self, op: &Op, topics: &[NewPage]) -> Result<PlanReport> {
                (**self).plan(op, topics).await
            }
            async fn claim(&self, op: &Op, claim: &Claim) -> Result<Vec<Page>> {
                (**self).claim(op, claim).await
            }
            async fn save(&self, op: &Op, page: &PageRef, save: &SavePage) -> Result<Page> {
                (**self).save(op, page, save).await
            }
            async fn transition(&self, op: &Op, page: &PageRef, change: &Transition) -> Result<Page> {
                (**self).transition(op, page, change).await
            }
            async fn get(&self, id: &PageId) -> Result<Option<Page>> {
                (**self).get(id).await
            }
            async fn get_by_slug(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Page>> {
                (**self).get_by_slug(site, locale, slug).await
            }
            async fn redirect(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Redirect>> {
                (**self).redirect(site, locale, slug).await
            }
            async fn list<'a>(&self, query: &PageQuery, after: Option<&'a Cursor>, limit: u32) -> Result<PageList> {
                (**self).list(query, after, limit).await
            }
            async fn counts(&self, site: &str) -> Result<Counts> {
                (**self).counts(site).await
            }
            async fn revisions(&self, id: &PageId) -> Result<Vec<Revision>> {
                (**self).revisions(id).await
            }
            async fn did_it_land(&self, op: &OpId) -> Result<bool> {
                (**self).did_it_land(op).await
            }
        }

        #[async_trait]
        impl<T: Outbox + ?Sized> Outbox for $pointer {
            async fn claim_outbox(&self, op: &Op, claim: &OutboxClaim) -> Result<Vec<OutboxRow>> {
                (**self).claim_outbox(op, claim).await
            }
            async fn mark_sent(&self, op: &Op, owner: &str, ids: &[OutboxId]) -> Result<u64> {
                (**self).mark_sent(op, owner, ids).await
            }
            async fn release_outbox(
                &self, op: &Op, owner: &str, ids: &[OutboxId], error: &str, not_before_ms: i64,
            ) -> Result<u64> {
                (**self).release_outbox(op, owner, ids, error, not_before_ms).await
            }
            async fn outbox_counts(&self) -> Result<OutboxCounts> {
                (**self).outbox_counts().await
            }
        }

        #[async_trait]
        impl<T: PostLedger + ?Sized> PostLedger for $pointer {
            async fn claim_post(&self, op: &Op, key: &PostKey, owner: &str, lease: Duration) -> Result<PostClaim> {
                (**self).claim_post(op, key, owner, lease).await
            }
            async fn arm_post(
                &self, op: &Op, post: &PostRef, text: &str, payload: &Value, lease: Duration,
            ) -> Result<PostRecord> {
                (**self).arm_post(op, post, text, payload, lease).await
            }
            async fn settle_post(&self, op: &Op, post: &PostRef, outcome: &PostOutcome) -> Result<PostRecord> {
                (**self).settle_post(op, post, outcome).await
            }
            async fn get_post(&self, key: &PostKey) -> Result<Option<PostRecord>> {
                (**self).get_post(key).await
            }
            async fn list_posts<'a>(&self, query: &PostQuery, after: Option<&'a Cursor>, limit: u32) -> Result<PostList> {
                (**self).list_posts(query, after, limit).await
            }
            async fn post_counts(&self) -> Result<Counts<PostStatus>> {
                (**self).post_counts().await
            }
        }

        #[async_trait]
        impl<T: SpendLedger + ?Sized> SpendLedger for $pointer {
            async fn record_spend(&self, op: &Op, spend: &[NewSpend]) -> Result<()> {
                (**self).record_spend(op, spend).await
            }
            async fn spend(&self, query: &SpendQuery) -> Result<SpendTotals> {
                (**self).spend(query).await
            }
        }

        #[async_trait]
        impl<T: DeadLetters + ?Sized> DeadLetters for $pointer {
            async fn record_dead_letter(&self, op: &Op, letter: &NewDeadLetter) -> Result<DeadLetter> {
                (**self).record_dead_letter(op, letter).await
            }
            async fn list_dead_letters<'a>(
                &self, queue: Option<&'a str>, after: Option<&'a Cursor>, limit: u32,
            ) -> Result<DeadLetterList> {
                (**self).list_dead_letters(queue, after, limit).await
            }
            async fn take_dead_letters(&self, op: &Op, claim: &DeadLetterClaim) -> Result<Vec<DeadLetter>> {
                (**self).take_dead_letters(op, claim).await
            }
            async fn remove_dead_letters<'a>(
                &self, op: &Op, owner: Option<&'a str>, ids: &[DeadLetterId],
            ) -> Result<u64> {
                (**self).remove_dead_letters(op, owner, ids).await
            }
            async fn count_dead_letters<'a>(&self, queue: Option<&'a str>) -> Result<u64> {
                (**self).count_dead_letters(queue).await
            }
        }

        #[async_trait]
        impl<T: Editing + ?Sized> Editing for $pointer {
            async fn edit(&self, op: &Op, page: &PageRef, edit: &Edit) -> Result<Page> {
                (**self).edit(op, page, edit).await
            }
            async fn delete(&self, op: &Op, page: &PageRef) -> Result<()> {
                (**self).delete(op, page).await
            }
            async fn locked(&self, id: &PageId) -> Result<Vec<Field>> {
                (**self).locked(id).await
            }
            async fn content_at(&self, id: &PageId, version: u64) -> Result<Option<Content>> {
                (**self).content_at(id, version).await
            }
        }

        #[async_trait]
        impl<T: Reports + ?Sized> Reports for $pointer {
            async fn due<'a>(
                &self, site: &str, before_ms: i64, after: Option<&'a Cursor>, limit: u32,
            ) -> Result<PageList> {
                (**self).due(site, before_ms, after, limit).await
            }
            async fn spend_by(&self, query: &SpendQuery, by: SpendBy) -> Result<Vec<SpendSum>> {
                (**self).spend_by(query, by).await
            }
        }

        #[async_trait]
        impl<T: Transfer + ?Sized> Transfer for $pointer {
            async fn export<'a>(&self, after: Option<&'a Mark>, limit: u32) -> Result<Exported> {
                (**self).export(after, limit).await
            }
            async fn import(&self, records: &[Record]) -> Result<Imported> {
                (**self).import(records).await
            }
        }

        #[async_trait]
        impl<T: Upkeep + ?Sized> Upkeep for $pointer {
            async fn prune(&self, plan: &PrunePlan) -> Result<Pruned> {
                (**self).prune(plan).await
            }
        }
    )+};
}

forward!(Arc<T>, Box<T>, &T);

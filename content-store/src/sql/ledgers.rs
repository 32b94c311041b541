//! The six traits of a store that speaks SQL: check, batch, run.

/// Implements [`ContentStore`](crate::ContentStore)'s six traits for a store with an `origin`, `write` and `read`;
/// `landed_by` is the one that sees every write asked for before it.
macro_rules! ledgers {
    ($store:ty, landed_by: $landed_by:ident) => {
        use std::time::Duration;

        use async_trait::async_trait;
        use serde_json::Value;

        use $crate::sql::{self, dead_letters, outbox, page_reads, pages, plan, posts, spend, upkeep};
        use $crate::{
            Claim, Counts, Cursor, DeadLetter, DeadLetterClaim, DeadLetterId, DeadLetterList, DeadLetters,
            NewDeadLetter, NewPage, NewSpend, Op, OpId, Outbox, OutboxClaim, OutboxCounts, OutboxId, OutboxRow, Page,
            PageId, PageList, PageQuery, PageRef, Pages, PlanReport, PostClaim, PostKey, PostLedger, PostList,
            PostOutcome, PostQuery, PostRecord, PostRef, PostStatus, PrunePlan, Pruned, Redirect, Result, Revision,
            SavePage, SpendLedger, SpendQuery, SpendTotals, Transition, Upkeep, check, cursor, edit, limits, text,
        };

        #[async_trait]
        impl Pages for $store {
            async fn plan(&self, op: &Op, topics: &[NewPage]) -> Result<PlanReport> {
                let rows = check::plan(self.origin.store, op, topics)?;
                if rows.is_empty() {
                    return Ok(PlanReport::default());
                }
                self.write(plan::plan(&self.origin, op, &rows)).await
            }

            async fn claim(&self, op: &Op, claim: &Claim) -> Result<Vec<Page>> {
                let until_ms = check::claim(op, claim)?;
                self.write(pages::claim(&self.origin, op, claim, until_ms)).await
            }

            async fn save(&self, op: &Op, page: &PageRef, save: &SavePage) -> Result<Page> {
                check::save(self.origin.store, op, save)?;
                let mut save = std::borrow::Cow::Borrowed(save);
                let mut over = false;
                loop {
                    match self
                        .write(pages::save(&self.origin, op, page, &save, over))
                        .await?
                    {
                        pages::Saved::Done(page) => return Ok(page),
                        pages::Saved::Over(old, locked) => {
                            save.to_mut().content = edit::keep_locked(&old, &locked, &save.content);
                            over = true;
                        }
                    }
                }
            }

            async fn transition(&self, op: &Op, page: &PageRef, change: &Transition) -> Result<Page> {
                check::transition(op, change)?;
                self.write(pages::transition(&self.origin, op, page, change))
                    .await
            }

            async fn get(&self, id: &PageId) -> Result<Option<Page>> {
                self.read(page_reads::get(&self.origin, id)).await
            }

            async fn get_by_slug(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Page>> {
                self.read(page_reads::get_by_slug(&self.origin, site, locale, slug))
                    .await
            }

            async fn redirect(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Redirect>> {
                self.read(page_reads::redirect(&self.origin, site, locale, slug))
                    .await
            }

            async fn list<'a>(&self, query: &PageQuery, after: Option<&'a Cursor>, limit: u32) -> Result<PageList> {
                let limit = text::rows(limit)?;
                let filter = cursor::pages_filter(query);
                let after = after.map(|cursor| cursor.position(&filter)).transpose()?;
                self.read(page_reads::list(&self.origin, query, filter, after, limit))
                    .await
            }

            async fn counts(&self, site: &str) -> Result<Counts> {
                self.read(page_reads::counts(&self.origin, site)).await
            }

            async fn revisions(&self, id: &PageId) -> Result<Vec<Revision>> {
                self.read(page_reads::revisions(&self.origin, id)).await
            }

            async fn did_it_land(&self, op: &OpId) -> Result<bool> {
                self.$landed_by(sql::did_it_land(op)).await
            }
        }

        #[async_trait]
        impl Outbox for $store {
            async fn claim_outbox(&self, op: &Op, claim: &OutboxClaim) -> Result<Vec<OutboxRow>> {
                let until_ms = check::outbox_claim(op, claim)?;
                self.write(outbox::claim(&self.origin, op, claim, until_ms)).await
            }

            async fn mark_sent(&self, op: &Op, owner: &str, ids: &[OutboxId]) -> Result<u64> {
                check::outbox_ids(op, owner, ids)?;
                self.write(outbox::let_go(&self.origin, op, owner, ids, None))
                    .await
            }

            async fn release_outbox(
                &self,
                op: &Op,
                owner: &str,
                ids: &[OutboxId],
                error: &str,
                not_before_ms: i64,
            ) -> Result<u64> {
                check::outbox_ids(op, owner, ids)?;
                text::free("error", error, limits::TEXT)?;
                text::time("not_before_ms", not_before_ms)?;
                self.write(outbox::let_go(
                    &self.origin,
                    op,
                    owner,
                    ids,
                    Some((error, not_before_ms)),
                ))
                .await
            }

            async fn outbox_counts(&self) -> Result<OutboxCounts> {
                self.read(outbox::counts(&self.origin)).await
            }
        }

        #[async_trait]
        impl PostLedger for $store {
            async fn claim_post(&self, op: &Op, key: &PostKey, owner: &str, lease: Duration) -> Result<PostClaim> {
                text::op(op)?;
                check::post_key(key)?;
                text::key("owner", owner)?;
                let until_ms = text::lease_end(op, lease)?;
                self.write(posts::claim(&self.origin, op, key, owner, until_ms))
                    .await
            }

            async fn arm_post(
                &self,
                op: &Op,
                post: &PostRef,
                text: &str,
                payload: &Value,
                lease: Duration,
            ) -> Result<PostRecord> {
                text::op(op)?;
                text::free("text", text, limits::TEXT)?;
                text::json_size("payload", payload, limits::JSON)?;
                let until_ms = text::lease_end(op, lease)?;
                self.write(posts::arm(&self.origin, op, post, text, payload, until_ms))
                    .await
            }

            async fn settle_post(&self, op: &Op, post: &PostRef, outcome: &PostOutcome) -> Result<PostRecord> {
                check::outcome(op, outcome)?;
                self.write(posts::settle(&self.origin, op, post, outcome)).await
            }

            async fn get_post(&self, key: &PostKey) -> Result<Option<PostRecord>> {
                check::post_key(key)?;
                self.read(posts::get(&self.origin, key)).await
            }

            async fn list_posts<'a>(
                &self,
                query: &PostQuery,
                after: Option<&'a Cursor>,
                limit: u32,
            ) -> Result<PostList> {
                let limit = text::rows(limit)?;
                let filter = cursor::posts_filter(query);
                let after = after.map(|cursor| cursor.position(&filter)).transpose()?;
                self.read(posts::list(&self.origin, query, filter, after, limit))
                    .await
            }

            async fn post_counts(&self) -> Result<Counts<PostStatus>> {
                self.read(posts::counts(&self.origin)).await
            }
        }

        #[async_trait]
        impl SpendLedger for $store {
            async fn record_spend(&self, op: &Op, costs: &[NewSpend]) -> Result<()> {
                check::spend(op, costs)?;
                if costs.is_empty() {
                    return Ok(());
                }
                self.write(spend::record(&self.origin, op, costs)).await
            }

            async fn spend(&self, query: &SpendQuery) -> Result<SpendTotals> {
                self.read(spend::totals(&self.origin, query)).await
            }
        }

        #[async_trait]
        impl DeadLetters for $store {
            async fn record_dead_letter(&self, op: &Op, letter: &NewDeadLetter) -> Result<DeadLetter> {
                check::dead_letter(op, letter)?;
                self.write(dead_letters::record(&self.origin, op, letter)).await
            }

            async fn list_dead_letters<'a>(
                &self,
                queue: Option<&'a str>,
                after: Option<&'a Cursor>,
                limit: u32,
            ) -> Result<DeadLetterList> {
                let limit = text::rows(limit)?;
                let filter = cursor::dead_letters_filter(queue);
                let after = after.map(|cursor| cursor.position(&filter)).transpose()?;
                self.read(dead_letters::list(&self.origin, queue, filter, after, limit))
                    .await
            }

            async fn take_dead_letters(&self, op: &Op, claim: &DeadLetterClaim) -> Result<Vec<DeadLetter>> {
                let until_ms = check::dead_letter_claim(op, claim)?;
                self.write(dead_letters::take(&self.origin, op, claim, until_ms))
                    .await
            }

            async fn remove_dead_letters<'a>(
                &self,
                op: &Op,
                owner: Option<&'a str>,
                ids: &[DeadLetterId],
            ) -> Result<u64> {
                check::dead_letter_ids(op, owner, ids)?;
                self.write(dead_letters::remove(&self.origin, op, owner, ids))
                    .await
            }

            async fn count_dead_letters<'a>(&self, queue: Option<&'a str>) -> Result<u64> {
                self.read(dead_letters::count(&self.origin, queue)).await
            }
        }

        #[async_trait]
        impl Upkeep for $store {
            async fn prune(&self, plan: &PrunePlan) -> Result<Pruned> {
                text::rows(plan.limit)?;
                text::time("before_ms", plan.before_ms)?;
                self.write(upkeep::prune(plan)).await
            }
        }
    };
}

/// Implements, for a store of [`ledgers!`], the traits beside [`ContentStore`](crate::ContentStore); `newest_by` is the read
/// that no copy of the database answers, for what is read to be written back.
macro_rules! managed {
    ($store:ty, newest_by: $newest_by:ident) => {
        use $crate::sql::{edits, transfer};
        use $crate::{
            Content, Edit, Editing, Exported, Field, Imported, Mark, Record, Reports, SpendBy, SpendSum, Transfer,
        };

        #[async_trait]
        impl Editing for $store {
            async fn edit(&self, op: &Op, page: &PageRef, edit: &Edit) -> Result<Page> {
                check::edit(op, edit)?;
                let found = self.$newest_by(edits::get_locked(&self.origin, &page.id)).await?;
                self.write(edits::edit(&self.origin, op, page, edit, found)).await
            }

            async fn delete(&self, op: &Op, page: &PageRef) -> Result<()> {
                text::op(op)?;
                self.write(edits::delete(&self.origin, op, page)).await
            }

            async fn locked(&self, id: &PageId) -> Result<Vec<Field>> {
                self.read(edits::locked(&self.origin, id)).await
            }

            async fn content_at(&self, id: &PageId, version: u64) -> Result<Option<Content>> {
                self.read(edits::content_at(&self.origin, id, version)).await
            }
        }

        #[async_trait]
        impl Reports for $store {
            async fn due<'a>(
                &self,
                site: &str,
                before_ms: i64,
                after: Option<&'a Cursor>,
                limit: u32,
            ) -> Result<PageList> {
                let limit = text::rows(limit)?;
                text::time("before_ms", before_ms)?;
                let filter = cursor::due_filter(site, before_ms);
                let after = after.map(|cursor| cursor.time_and_id(&filter)).transpose()?;
                self.read(page_reads::due(
                    &self.origin,
                    (site, before_ms),
                    filter,
                    after,
                    limit,
                ))
                .await
            }

            async fn spend_by(&self, query: &SpendQuery, by: SpendBy) -> Result<Vec<SpendSum>> {
                self.read(spend::by(&self.origin, query, by)).await
            }
        }

        #[async_trait]
        impl Transfer for $store {
            async fn export<'a>(&self, after: Option<&'a Mark>, limit: u32) -> Result<Exported> {
                let limit = text::rows(limit)?;
                self.read(transfer::export(&self.origin, after, limit)?).await
            }

            async fn import(&self, records: &[Record]) -> Result<Imported> {
                text::count("records", records.len(), limits::MAX_ROWS)?;
                if records.is_empty() {
                    return Ok(Imported::default());
                }
                self.write(transfer::import(&self.origin, records)).await
            }
        }
    };
}

pub(crate) use {ledgers, managed};

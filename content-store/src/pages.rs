//! [`Pages`]: topics become pages, pages live.

use async_trait::async_trait;

use crate::{
    Claim, Counts, Cursor, NewPage, Op, OpId, Page, PageId, PageList, PageQuery, PageRef, PlanReport, Redirect, Result,
    Revision, SavePage, Transition,
};

/// Pages with a life.
///
/// Every write takes an [`Op`] and may be repeated with it. A repeat changes nothing and gives the first result; where
/// that result names pages, they are shown as they stand now.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Pages: Send + Sync {
    /// Writes topics, at most [`limits::MAX_ROWS`](crate::limits::MAX_ROWS), in one transaction.
    ///
    /// - A new row key becomes a planned page (`plan_creates_planned_pages`).
    /// - No topics write nothing and succeed (`plan_of_nothing_is_a_no_op`).
    /// - The same topic again is counted unchanged and touches nothing (`plan_leaves_an_unchanged_topic`).
    /// - Another topic for a planned or failed page replaces it (`plan_updates_a_page_not_yet_made`).
    /// - Another topic for a page already made is counted existing and touches nothing (`plan_never_touches_made_pages`).
    /// - A slug or primary keyword of another row key is [`Conflict`](crate::Error::Conflict), naming the other row,
    ///   and nothing of the batch is written (`plan_refuses_a_taken_slug_or_keyword`).
    /// - Two topics of one batch that want the same key, slug or keyword are a conflict (`plan_refuses_doubles_in_one_batch`).
    /// - The same slug and keyword may stand in another site and another locale (`plan_keeps_sites_and_locales_apart`).
    /// - Text at its limit is kept whole and one byte past it is [`TooLarge`](crate::Error::TooLarge)
    ///   (`plan_keeps_text_at_the_limit_and_refuses_one_past_it`).
    /// - NUL, an id that is not NFC, a malformed slug, a number past 2^53 are [`InvalidInput`](crate::Error::InvalidInput)
    ///   (`plan_refuses_bad_text`).
    /// - SQL, quotes and any Unicode in text are kept as they are (`plan_keeps_metacharacters_as_text`).
    /// - The same op repeated gives the same report and changes nothing (`plan_repeats`).
    async fn plan(&self, op: &Op, topics: &[NewPage]) -> Result<PlanReport>;

    /// Takes topics to write, oldest first.
    ///
    /// - Planned pages become generating, leased to the owner, one attempt more (`claim_leases_planned_pages`).
    /// - Pages come by time of planning, then in the order of their batch (`claim_takes_the_oldest_first`).
    /// - A generating page whose lease is over is taken again; a live lease is left alone (`claim_takes_over_an_expired_lease`).
    /// - A page past `max_attempts` becomes failed and is not given out (`claim_fails_pages_past_their_attempts`).
    /// - A page with a `not_before_ms` in the future waits (`claim_waits_for_not_before`).
    /// - Pages of another site are left alone (`claim_stays_on_its_site`).
    /// - Sixteen claims at once share no page and leave none out (`claims_at_once_are_disjoint`).
    /// - A limit of 0 or past the maximum, an empty lease, no attempts are refused (`claim_refuses_senseless_wishes`).
    /// - The same op repeated gives the pages that op took, as far as they have not moved on (`claim_repeats`).
    async fn claim(&self, op: &Op, claim: &Claim) -> Result<Vec<Page>>;

    /// Hands in a generating page with its messages and costs, in one transaction.
    ///
    /// - Content, status, messages and costs are all there afterwards (`save_writes_page_outbox_and_spend`).
    /// - `published` sets the time of publishing (`save_may_publish_at_once`).
    /// - Only `draft`, `in_review` and `published` may be saved to, only from `generating` (`save_is_only_for_generating_pages`).
    /// - Another version than the stored one is [`StaleVersion`](crate::Error::StaleVersion) and writes nothing, messages
    ///   and costs included (`save_refuses_a_stale_version`).
    /// - A page that does not exist is [`NotFound`](crate::Error::NotFound) (`save_of_a_missing_page_is_not_found`).
    /// - Content at its limit is kept whole and one byte past it is refused (`save_keeps_content_at_the_limit_and_refuses_one_past_it`).
    /// - A page written before is written over: what it said is kept for [`Editing::content_at`](crate::Editing::content_at)
    ///   (`content_of_every_version_is_kept`), and fields that a person wrote stay (`edit_locks_what_it_wrote`).
    /// - An answer lost after the commit, then the same op: one change, the same page (`save_repeats`).
    async fn save(&self, op: &Op, page: &PageRef, save: &SavePage) -> Result<Page>;

    /// Takes one step of [`Status::may_transition`](crate::Status::may_transition).
    ///
    /// - Every pair of statuses: a legal step is taken, any other is [`IllegalTransition`](crate::Error::IllegalTransition)
    ///   and changes nothing (`transition_follows_the_table_for_every_pair`).
    /// - Publishing writes its messages in the same transaction and sets the time once (`transition_publishes_with_outbox`).
    /// - Back to planned keeps reason and time, and gives the lease back (`transition_back_to_planned_keeps_reason_and_time`).
    /// - With `release`, the attempt that ended does not count (`transition_may_give_the_attempt_back`).
    /// - A stale version is refused (`transition_refuses_a_stale_version`).
    /// - The same op repeated is one change; another change with that op is [`OpReused`](crate::Error::OpReused)
    ///   (`transition_repeats`).
    async fn transition(&self, op: &Op, page: &PageRef, change: &Transition) -> Result<Page>;

    /// The page of that id.
    ///
    /// - An unknown id is `None` (`get_of_an_unknown_page_is_none`).
    async fn get(&self, id: &PageId) -> Result<Option<Page>>;

    /// The page at that address.
    ///
    /// - Found by site, locale and slug together (`get_by_slug_finds_the_page`).
    async fn get_by_slug(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Page>>;

    /// Where an address without a page leads: asked when [`get_by_slug`](Self::get_by_slug) found nothing.
    ///
    /// - An old slug of a published page leads to that page, a slug of a deleted one nowhere, any other is `None`
    ///   (`redirect_tells_moved_from_gone`).
    async fn redirect(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Redirect>>;

    /// Pages by id, `limit` (1..=[`limits::MAX_ROWS`](crate::limits::MAX_ROWS)) at a time.
    ///
    /// - Following the cursor shows every page once, while others are written (`list_shows_every_page_once`).
    /// - Only pages of the query's site and status are shown (`list_filters_by_site_and_status`).
    /// - A malformed cursor, or one of another query, is [`InvalidCursor`](crate::Error::InvalidCursor)
    ///   (`list_refuses_foreign_cursors`).
    async fn list<'a>(&self, query: &PageQuery, after: Option<&'a Cursor>, limit: u32) -> Result<PageList>;

    /// How many pages of the site stand at each status.
    ///
    /// - The counts follow every change (`counts_follow_every_change`).
    async fn counts(&self, site: &str) -> Result<Counts>;

    /// The changes of a page, oldest first.
    ///
    /// - One revision per version, from 1, with its op, status, reason and content hash (`revisions_tell_every_change`).
    async fn revisions(&self, id: &PageId) -> Result<Vec<Revision>>;

    /// Whether the change of that op was made. Answers after a lost reply.
    ///
    /// - True after a write, of a page or anything else; false for an op that failed or never arrived
    ///   (`did_it_land_tells_the_truth`).
    async fn did_it_land(&self, op: &OpId) -> Result<bool>;
}

const _: fn(&dyn Pages) = |_| {};

//! [`PostLedger`]: one row per post, so that nothing is posted twice.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    Counts, Cursor, Op, PostClaim, PostKey, PostList, PostOutcome, PostQuery, PostRecord, PostRef, PostStatus, Result,
};

/// The ledger of posts: claim, arm, call the network once, settle.
///
/// `in_flight` is committed before the call that cannot be taken back. Whoever finds such a row after its lease has to
/// reconcile: it never turns into a free retry by itself.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PostLedger: Send + Sync {
    /// Takes a post for `lease`.
    ///
    /// - A new key is claimed, with a record of its own (`claim_post_makes_the_record`).
    /// - A page that does not exist is [`NotFound`](crate::Error::NotFound) (`claim_post_needs_its_page`).
    /// - While another claim lives the answer is busy, with its end (`claim_post_is_busy_while_held`).
    /// - A claim whose lease is over before arming is claimed anew (`claim_post_takes_over_an_unarmed_claim`).
    /// - An in-flight post whose lease is over becomes unknown and is ours to reconcile (`claim_post_finds_an_expired_call_unsettled`).
    /// - An unknown post is given to one reconciler at a time, not before its time (`claim_post_gives_an_unknown_post_to_one`).
    /// - A retry waits for its time, then is claimed (`claim_post_waits_for_a_retry`).
    /// - A posted one gives its receipt, a rejected or parked one is closed (`claim_post_knows_finished_posts`).
    /// - Sixteen claims of one key at once: one gets it (`one_of_many_claims_gets_the_post`).
    /// - The same op repeated gives the same claim (`claim_post_repeats`).
    /// - Once the page is deleted, and the post with it, a repeat is [`NotFound`](crate::Error::NotFound) too, and names the
    ///   page (`claim_post_of_a_deleted_page_is_not_found`).
    async fn claim_post(&self, op: &Op, key: &PostKey, owner: &str, lease: Duration) -> Result<PostClaim>;

    /// Commits that the network is called now: `claimed` becomes `in_flight`, one attempt more, leased anew.
    ///
    /// - Text and payload are kept with the attempt (`arm_post_commits_the_call`).
    /// - A claim that somebody took over is [`StaleVersion`](crate::Error::StaleVersion); any status but claimed is
    ///   [`IllegalTransition`](crate::Error::IllegalTransition) (`arm_post_needs_the_claim`).
    /// - The same op repeated is one attempt (`arm_post_repeats`).
    async fn arm_post(
        &self,
        op: &Op,
        post: &PostRef,
        text: &str,
        payload: &Value,
        lease: Duration,
    ) -> Result<PostRecord>;

    /// Records how it ended, and lets the post go.
    ///
    /// - Every status with every outcome: a legal one is recorded, any other is
    ///   [`IllegalTransition`](crate::Error::IllegalTransition) and changes nothing (`settle_post_follows_the_table_for_every_pair`).
    /// - What the outcome says is in the record (`settle_post_keeps_what_the_outcome_says`).
    /// - A stale version is refused (`settle_post_refuses_a_stale_version`).
    /// - The same op repeated is one change (`settle_post_repeats`).
    async fn settle_post(&self, op: &Op, post: &PostRef, outcome: &PostOutcome) -> Result<PostRecord>;

    /// The record of that post.
    ///
    /// - An unknown key is `None` (`get_post_of_an_unknown_key_is_none`).
    async fn get_post(&self, key: &PostKey) -> Result<Option<PostRecord>>;

    /// Posts by id, `limit` (1..=[`limits::MAX_ROWS`](crate::limits::MAX_ROWS)) at a time.
    ///
    /// - Filters and cursors work as for pages (`list_posts_filters_and_pages`).
    async fn list_posts<'a>(&self, query: &PostQuery, after: Option<&'a Cursor>, limit: u32) -> Result<PostList>;

    /// How many posts stand at each status.
    ///
    /// - The counts follow every change (`post_counts_follow_every_change`).
    async fn post_counts(&self) -> Result<Counts<PostStatus>>;
}

const _: fn(&dyn PostLedger) = |_| {};

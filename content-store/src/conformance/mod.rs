//! What every store must do, as tests.
//!
//! Implement [`Harness`] for a store and expand [`content_store_conformance!`](crate::content_store_conformance): each
//! behaviour listed on the traits becomes one named test.
//!
//! ```
//! use std::sync::Arc;
//! use presswork_content_store::{FullStore, MemoryStore, conformance::Harness};
//!
//! struct InMemory(Arc<MemoryStore>);
//!
//! #[async_trait::async_trait]
//! impl Harness for InMemory {
//!     const DURABLE: bool = false;
//!
//!     async fn fresh() -> Self {
//!         Self(Arc::new(MemoryStore::new()))
//!     }
//!     fn store(&self) -> Arc<dyn FullStore> {
//!         self.0.clone()
//!     }
//!     async fn reopen(&self) -> Arc<dyn FullStore> {
//!         self.0.clone()
//!     }
//! }
//!
//! # mod tests { use super::InMemory;
//! presswork_content_store::content_store_conformance!(InMemory; skip {
//!     acknowledged_writes_are_there_after_a_reopen = "memory ends with its process"
//! });
//! # }
//! # fn main() {}
//! ```
// Test code. What a case means is written once, at its bullet on the trait.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::future_not_send
)]

mod blobs;
mod claims;
mod dead_letters;
mod deletes;
mod edits;
mod fixtures;
mod life;
mod lives;
mod loses_answers;
mod outbox;
mod plans;
mod post_claims;
mod post_lives;
mod reads;
mod reports;
mod saves;
mod spend;
mod transfers;
mod upkeep;

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{FullStore, limits};
pub use blobs::{BLOB_CASES, blob_case};
pub use life::a_life;
pub use loses_answers::LosesAnswers;

#[doc(hidden)]
pub mod cases {
    pub use super::{
        claims::*, dead_letters::*, deletes::*, edits::*, lives::*, outbox::*, plans::*, post_claims::*, post_lives::*,
        reads::*, reports::*, saves::*, spend::*, transfers::*, upkeep::*,
    };
}

macro_rules! values {
    ($harness:ty: $($case:ident),+) => {
        vec![$(Case { name: stringify!($case), body: |harness| Box::pin(cases::$case(harness)) }),+]
    };
}

/// A store under test.
#[async_trait]
pub trait Harness: Sized + Send + Sync + 'static {
    /// Whether a [`reopen`](Self::reopen)ed store finds what was written.
    const DURABLE: bool;

    /// The largest body it takes, in bytes.
    const BODY: usize = limits::BODY;

    /// An empty store of its own.
    async fn fresh() -> Self;

    /// The store.
    fn store(&self) -> Arc<dyn FullStore>;

    /// Another handle on the same data, as a new process would open it.
    async fn reopen(&self) -> Arc<dyn FullStore>;
}

/// One case by its name, for runners that are no test harness: a Worker that runs the case a request names, or a test
/// that starts a server once for all of them.
pub struct Case<H> {
    /// Its name, as on the trait.
    pub name: &'static str,
    body: for<'a> fn(&'a H) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

impl<H> std::fmt::Debug for Case<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

impl<H: Harness> Case<H> {
    /// Runs it on a store.
    ///
    /// # Panics
    /// When the store does not do what the case says.
    pub async fn run(&self, harness: &H) {
        (self.body)(harness).await;
    }
}

/// Every case of the suite. The one that opens the store again is there only where the harness is durable.
///
/// Nothing in the suite needs a runtime of its own, so it runs on wasm32 too. A store that starts out empty may also be
/// one store emptied between the cases: [`migrations::TABLES`](crate::migrations::TABLES) names what to empty.
#[must_use]
pub fn suite<H: Harness>() -> Vec<Case<H>> {
    let mut cases: Vec<Case<H>> = crate::__content_store_case_list!([values], [H]);
    cases.retain(|case| H::DURABLE || case.name != REOPENS);
    cases
}

const REOPENS: &str = "acknowledged_writes_are_there_after_a_reopen";

/// Runs one case, or says why not.
///
/// # Panics
/// When the case fails, or is skipped although the harness declares what it tests.
#[doc(hidden)]
pub async fn run<H: Harness>(case: &str, skips: &[(&str, &str)], body: impl AsyncFnOnce(&H)) {
    if let Some((_, reason)) = skips.iter().find(|(name, _)| *name == case) {
        let optional = case == REOPENS && !H::DURABLE;
        assert!(
            optional,
            "{case} is skipped ({reason}), but the harness declares that it works"
        );
        println!("skipped {case}: {reason}");
        return;
    }
    body(&H::fresh().await).await;
}

/// Fails when a skip names no case.
///
/// # Panics
/// See above.
#[doc(hidden)]
pub fn check_skips(cases: &[&str], skips: &[(&str, &str)]) {
    for (name, _) in skips {
        assert!(cases.contains(name), "{name} is no case of content_store_conformance!");
    }
}

/// Expands every case into a named test of the given harness.
///
/// `content_store_conformance!(H)`, with `; test = wasm_bindgen_test::wasm_bindgen_test` for another test attribute
/// than `tokio::test`, with `; skip { case = "reason" }` for what the harness declares it cannot do.
#[macro_export]
macro_rules! content_store_conformance {
    ($harness:ty) => {
        $crate::content_store_conformance!($harness; test = tokio::test; skip {});
    };
    ($harness:ty; test = $test:meta) => {
        $crate::content_store_conformance!($harness; test = $test; skip {});
    };
    ($harness:ty; skip { $($case:ident = $reason:literal),* $(,)? }) => {
        $crate::content_store_conformance!($harness; test = tokio::test; skip { $($case = $reason),* });
    };
    ($harness:ty; test = $test:meta; skip { $($case:ident = $reason:literal),* $(,)? }) => {
        const SKIPS: &[(&str, &str)] = &[$((stringify!($case), $reason)),*];
        $crate::__content_store_case_list!([$crate::__content_store_cases], [$harness, [$test]]);
    };
}

/// Every case, for whoever asks.
#[doc(hidden)]
#[macro_export]
macro_rules! __content_store_case_list {
    ([$($for_all:tt)*], [$($with:tt)*]) => {
        $($for_all)*! { $($with)*:
            plan_creates_planned_pages, plan_of_nothing_is_a_no_op, plan_leaves_an_unchanged_topic,
            plan_updates_a_page_not_yet_made, plan_never_touches_made_pages, plan_refuses_a_taken_slug_or_keyword,
            plan_refuses_doubles_in_one_batch, plan_keeps_sites_and_locales_apart,
            plan_keeps_text_at_the_limit_and_refuses_one_past_it, plan_refuses_bad_text,
            plan_keeps_metacharacters_as_text, plan_repeats,
            claim_leases_planned_pages, claim_takes_the_oldest_first, claim_takes_over_an_expired_lease,
            claim_fails_pages_past_their_attempts, claim_waits_for_not_before, claim_stays_on_its_site,
            claims_at_once_are_disjoint, claim_refuses_senseless_wishes, claim_repeats,
            save_writes_page_outbox_and_spend, save_may_publish_at_once, save_is_only_for_generating_pages,
            save_refuses_a_stale_version, save_of_a_missing_page_is_not_found,
            save_keeps_content_at_the_limit_and_refuses_one_past_it, save_repeats,
            transition_follows_the_table_for_every_pair, transition_publishes_with_outbox,
            transition_back_to_planned_keeps_reason_and_time, transition_may_give_the_attempt_back, transition_refuses_a_stale_version, transition_repeats,
            get_of_an_unknown_page_is_none, get_by_slug_finds_the_page, list_shows_every_page_once,
            list_filters_by_site_and_status, list_refuses_foreign_cursors, counts_follow_every_change,
            revisions_tell_every_change, did_it_land_tells_the_truth, acknowledged_writes_are_there_after_a_reopen,
            outbox_claim_leases_pending_rows, outbox_claim_takes_over_an_expired_lease,
            outbox_claim_buries_rows_past_their_attempts, outbox_claim_repeats, outbox_claims_at_once_are_disjoint,
            mark_sent_ends_the_row, mark_sent_counts_only_its_own, mark_sent_repeats,
            release_outbox_waits_for_its_time, outbox_counts_follow_every_change,
            claim_post_makes_the_record, claim_post_needs_its_page, claim_post_is_busy_while_held,
            claim_post_takes_over_an_unarmed_claim, claim_post_finds_an_expired_call_unsettled,
            claim_post_gives_an_unknown_post_to_one, claim_post_waits_for_a_retry, claim_post_knows_finished_posts,
            one_of_many_claims_gets_the_post, claim_post_repeats,
            claim_post_of_a_deleted_page_is_not_found,
            arm_post_commits_the_call, arm_post_needs_the_claim, arm_post_repeats,
            settle_post_follows_the_table_for_every_pair, settle_post_keeps_what_the_outcome_says,
            settle_post_refuses_a_stale_version, settle_post_repeats, get_post_of_an_unknown_key_is_none,
            list_posts_filters_and_pages, post_counts_follow_every_change,
            redirect_tells_moved_from_gone,
            edit_writes_what_it_names, edit_locks_what_it_wrote, edit_may_unlock,
            edit_of_a_published_slug_leaves_a_redirect, redirects_do_not_chain, a_slug_in_use_has_no_redirect,
            edit_refuses_a_taken_slug, edit_is_only_for_written_pages, edit_refuses_senseless_wishes,
            edit_refuses_a_stale_version, edit_repeats, content_of_every_version_is_kept,
            delete_frees_what_was_taken, delete_leaves_a_tombstone, delete_keeps_receipts,
            delete_refuses_a_stale_version, delete_repeats,
            record_spend_of_nothing_is_a_no_op, record_spend_repeats, spend_sums_by_site_and_time,
            due_gives_the_oldest_first, due_refuses_foreign_cursors, spend_by_sums_each,
            export_gives_every_row_once, export_refuses_malformed_marks, import_makes_the_same_store, import_repeats,
            import_never_overwrites,
            record_dead_letter_keeps_everything, record_dead_letter_again_is_one_letter, record_dead_letter_again_frees_it,
            record_dead_letter_refuses_what_is_too_much, record_dead_letter_repeats, list_dead_letters_filters_and_pages,
            take_dead_letters_leases_the_free_ones, take_dead_letters_takes_over_an_expired_lease,
            takers_at_once_are_disjoint, take_dead_letters_repeats, remove_dead_letters_ends_what_was_redriven,
            remove_dead_letters_discards_what_is_free, remove_dead_letters_repeats,
            count_dead_letters_follows_every_change,
            prune_deletes_only_history, prune_goes_on_until_nothing_is_left, prune_refuses_senseless_wishes
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __content_store_cases {
    ($harness:ty, [$test:meta]: $($case:ident),+) => {
        $crate::__content_store_cases!(@each $harness, [$test]: $($case)+);

        #[test]
        fn skips_name_cases() {
            $crate::conformance::check_skips(&[$(stringify!($case)),+], SKIPS);
        }
    };
    (@each $harness:ty, [$test:meta]: ) => {};
    (@each $harness:ty, [$test:meta]: $case:ident $($rest:ident)*) => {
        #[$test]
        async fn $case() {
            let body = async |harness: &$harness| $crate::conformance::cases::$case(harness).await;
            $crate::conformance::run::<$harness>(stringify!($case), SKIPS, body).await;
        }
        $crate::__content_store_cases!(@each $harness, [$test]: $($rest)*);
    };
}

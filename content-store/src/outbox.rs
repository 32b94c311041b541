//! [`Outbox`]: messages written with a page, to be sent after it.

use async_trait::async_trait;

use crate::{Op, OutboxClaim, OutboxCounts, OutboxId, OutboxRow, Result};

/// Messages that [`Pages::save`](crate::Pages::save) and [`Pages::transition`](crate::Pages::transition) wrote.
///
/// A sender claims rows, sends them, marks them sent. When it dies in between, its lease ends and another sends them
/// again: at least once, never not at all.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes rows to send, oldest first.
    ///
    /// - Pending rows are leased, with what they say and their page (`outbox_claim_leases_pending_rows`).
    /// - A claimed row whose lease is over is taken again; a live lease is left alone (`outbox_claim_takes_over_an_expired_lease`).
    /// - A row past `max_attempts` becomes dead and is not given out (`outbox_claim_buries_rows_past_their_attempts`).
    /// - The same op repeated gives the rows that op took (`outbox_claim_repeats`).
    /// - Sixteen claims at once share no row (`outbox_claims_at_once_are_disjoint`).
    async fn claim_outbox(&self, op: &Op, claim: &OutboxClaim) -> Result<Vec<OutboxRow>>;

    /// Records that rows were sent. Gives how many of them this owner held.
    ///
    /// - Rows that the owner holds are sent and never claimed again (`mark_sent_ends_the_row`).
    /// - Rows of another owner, sent before or unknown are not counted and not touched (`mark_sent_counts_only_its_own`).
    /// - The same op repeated gives the same number (`mark_sent_repeats`).
    async fn mark_sent(&self, op: &Op, owner: &str, ids: &[OutboxId]) -> Result<u64>;

    /// Gives rows back, to be claimed again from `not_before_ms` on. Gives how many of them this owner held.
    ///
    /// - Released rows wait until their time, then come again with one attempt more (`release_outbox_waits_for_its_time`).
    async fn release_outbox(
        &self,
        op: &Op,
        owner: &str,
        ids: &[OutboxId],
        error: &str,
        not_before_ms: i64,
    ) -> Result<u64>;

    /// How the outbox stands.
    ///
    /// - The counts follow every change (`outbox_counts_follow_every_change`).
    async fn outbox_counts(&self) -> Result<OutboxCounts>;
}

const _: fn(&dyn Outbox) = |_| {};

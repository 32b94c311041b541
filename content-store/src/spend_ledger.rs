//! [`SpendLedger`]: what the models cost.

use async_trait::async_trait;

use crate::{NewSpend, Op, Result, SpendQuery, SpendTotals};

/// The ledger of calls to models. Costs of a page are best written with it, by [`Pages::save`](crate::Pages::save);
/// this trait is for the rest.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SpendLedger: Send + Sync {
    /// Writes calls, at most [`limits::MAX_ROWS`](crate::limits::MAX_ROWS), in one transaction, at the op's time.
    ///
    /// - No calls write nothing and succeed (`record_spend_of_nothing_is_a_no_op`).
    /// - The same op repeated counts once, even when its record was pruned (`record_spend_repeats`).
    async fn record_spend(&self, op: &Op, spend: &[NewSpend]) -> Result<()>;

    /// Sums calls from `from_ms` up to, not including, `until_ms`.
    ///
    /// - Sums follow site and time; missing numbers stay missing, an unknown price is counted as unpriced
    ///   (`spend_sums_by_site_and_time`).
    async fn spend(&self, query: &SpendQuery) -> Result<SpendTotals>;
}

const _: fn(&dyn SpendLedger) = |_| {};

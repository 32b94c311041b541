//! [`Reports`]: what operators ask.

use async_trait::async_trait;

use crate::{Cursor, PageList, Result, SpendBy, SpendQuery, SpendSum};

/// Questions beside the pipeline's. No part of [`ContentStore`](crate::ContentStore). Stale pages are a
/// [`list`](crate::Pages::list) by their status.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Reports: Send + Sync {
    /// Published pages of a site whose content was last changed before that time (epoch ms), the oldest first, `limit`
    /// (1..=[`limits::MAX_ROWS`](crate::limits::MAX_ROWS)) at a time.
    ///
    /// - Pages come by the time of their last change, then by id (`due_gives_the_oldest_first`).
    /// - Pages changed since, not published or of another site are left out (`due_gives_the_oldest_first`).
    /// - A malformed cursor, or one of another question, is [`InvalidCursor`](crate::Error::InvalidCursor)
    ///   (`due_refuses_foreign_cursors`).
    async fn due<'a>(&self, site: &str, before_ms: i64, after: Option<&'a Cursor>, limit: u32) -> Result<PageList>;

    /// Sums of [`spend`](crate::SpendLedger::spend) by day, site or campaign, in their order; only those that have calls.
    ///
    /// - Days are UTC; calls without a site or campaign are summed under an empty name (`spend_by_sums_each`).
    async fn spend_by(&self, query: &SpendQuery, by: SpendBy) -> Result<Vec<SpendSum>>;
}

const _: fn(&dyn Reports) = |_| {};

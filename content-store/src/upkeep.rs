//! [`Upkeep`]: what is only history goes in time.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Keeps a store from growing for ever.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Deletes history from before a time, at most [`PrunePlan::limit`] rows of each kind in one call.
    ///
    /// - Records of ops, sent messages, revisions but the newest and contents that were replaced go when they are older
    ///   (`prune_deletes_only_history`).
    /// - Pages, posts, costs, dead letters and messages not yet sent always stay (`prune_deletes_only_history`).
    /// - Called again it goes on, until nothing is left (`prune_goes_on_until_nothing_is_left`).
    /// - A limit of 0 or past the maximum, or a time out of range, is refused (`prune_refuses_senseless_wishes`).
    ///
    /// An op whose record is gone is not known any more: a repeat of it would be a new change. Keep records for longer
    /// than anything is ever repeated; a month is plenty.
    async fn prune(&self, plan: &PrunePlan) -> Result<Pruned>;
}

/// What may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrunePlan {
    /// Only what is from before this time (epoch ms).
    pub before_ms: i64,
    /// Rows of each kind at most, 1..=[`limits::MAX_ROWS`](crate::limits::MAX_ROWS).
    pub limit: u32,
}

/// What is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// Records of ops.
    pub ops: u64,
    /// Sent messages.
    pub outbox: u64,
    /// Revisions.
    pub revisions: u64,
    /// Contents of earlier versions.
    pub contents: u64,
}

impl Pruned {
    /// Whether there was nothing to delete.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

const _: fn(&dyn Upkeep) = |_| {};

//! What the models cost.

use serde::{Deserialize, Serialize};

use crate::PageId;

/// One call to a model, paid for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSpend {
    /// The page it was made for. The call counts for that page's site.
    pub page_id: Option<PageId>,
    /// What it was for (`draft`, `repair`, `variant`).
    pub purpose: String,
    /// The provider asked.
    pub provider: String,
    /// The model asked.
    pub model: String,
    /// Tokens read. `None` when the provider did not say.
    pub input_tokens: Option<u64>,
    /// Tokens written. `None` when the provider did not say.
    pub output_tokens: Option<u64>,
    /// Price in millionths of a dollar. `None` when no price is known; never a guess.
    pub cost_micros: Option<u64>,
    /// How it ended (`ok`, `invalid`, `refused`).
    pub outcome: String,
}

/// Which calls to sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendQuery {
    /// Calls for pages of this site. `None`: all calls, those without a page too.
    pub site: Option<String>,
    /// From this time on (epoch ms).
    pub from_ms: i64,
    /// Before this time (epoch ms).
    pub until_ms: i64,
}

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendTotals {
    /// Calls.
    pub calls: u64,
    /// Tokens read, as far as known.
    pub input_tokens: u64,
    /// Tokens written, as far as known.
    pub output_tokens: u64,
    /// Price in millionths of a dollar, as far as known.
    pub cost_micros: u64,
    /// Calls whose price is not known: while it is not 0, `cost_micros` is a lower bound.
    pub unpriced_calls: u64,
}

//! The life of a page.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a page stands in its life.
///
/// | from | may become |
/// |---|---|
/// | `planned` | `generating` (only by [`claim`](crate::Pages::claim)), `archived` |
/// | `generating` | `draft`, `in_review`, `published` (only by [`save`](crate::Pages::save)), `planned`, `failed` |
/// | `draft` | `in_review`, `approved`, `published`, `rejected`, `archived` |
/// | `in_review` | `draft`, `approved`, `published`, `rejected`, `archived` |
/// | `approved` | `published`, `in_review`, `archived` |
/// | `published` | `stale`, `archived` |
/// | `stale` | `published`, `archived` |
/// | `rejected` | `planned`, `archived` |
/// | `failed` | `planned`, `archived` |
/// | `archived` | nothing |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// A topic waits for its turn.
    Planned,
    /// Claimed by a writer.
    Generating,
    /// Written, and not yet judged.
    Draft,
    /// Waits for a person.
    InReview,
    /// Judged good, not yet public.
    Approved,
    /// Public.
    Published,
    /// Public, and overtaken by its data.
    Stale,
    /// Taken out.
    Archived,
    /// Judged bad.
    Rejected,
    /// Given up after its attempts.
    Failed,
}

impl Status {
    /// Every status, in the order of a page's life.
    pub const ALL: [Self; 10] = [
        Self::Planned,
        Self::Generating,
        Self::Draft,
        Self::InReview,
        Self::Approved,
        Self::Published,
        Self::Stale,
        Self::Archived,
        Self::Rejected,
        Self::Failed,
    ];

    /// The name as stored and printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Generating => "generating",
            Self::Draft => "draft",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Published => "published",
            Self::Stale => "stale",
            Self::Archived => "archived",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether the life of a page has this step at all (the table above).
    #[must_use]
    pub fn may_become(self, to: Self) -> bool {
        use Status::{Approved, Archived, Draft, Failed, Generating, InReview, Planned, Published, Rejected, Stale};
        let reachable: &[Self] = match self {
            Planned => &[Generating, Archived],
            Generating => &[Draft, InReview, Published, Planned, Failed],
            Draft => &[InReview, Approved, Published, Rejected, Archived],
            InReview => &[Draft, Approved, Published, Rejected, Archived],
            Approved => &[Published, InReview, Archived],
            Published => &[Stale, Archived],
            Stale => &[Published, Archived],
            Rejected | Failed => &[Planned, Archived],
            Archived => &[],
        };
        reachable.contains(&to)
    }

    /// Whether [`transition`](crate::Pages::transition) takes this step: `may_become` without the steps that need
    /// content (`save`) or a lease (`claim`).
    #[must_use]
    pub fn may_transition(self, to: Self) -> bool {
        self.may_become(to) && to != Self::Generating && !(self == Self::Generating && to.is_saved())
    }

    /// Whether [`save`](crate::Pages::save) may end here.
    #[must_use]
    pub fn is_saved(self) -> bool {
        matches!(self, Self::Draft | Self::InReview | Self::Published)
    }

    /// Whether a plan may still replace the topic of such a page.
    pub(crate) fn is_replannable(self) -> bool {
        matches!(self, Self::Planned | Self::Failed)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many rows stand at each status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts<S: Ord = Status>(BTreeMap<S, u64>);

impl<S: Ord + Copy> Counts<S> {
    /// The rows at this status.
    #[must_use]
    pub fn get(&self, status: S) -> u64 {
        self.0.get(&status).copied().unwrap_or(0)
    }

    /// All rows.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The statuses that have rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = (S, u64)> + '_ {
        self.0.iter().map(|(status, count)| (*status, *count))
    }
}

impl<S: Ord> Default for Counts<S> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<S: Ord> FromIterator<(S, u64)> for Counts<S> {
    fn from_iter<I: IntoIterator<Item = (S, u64)>>(rows: I) -> Self {
        let mut counts = BTreeMap::new();
        for (status, count) in rows {
            *counts.entry(status).or_insert(0) += count;
        }
        Self(counts)
    }
}

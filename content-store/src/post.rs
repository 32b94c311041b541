//! A post and what is known about it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Cursor, PageId, PostId, text};

/// What makes a post the same post: one page, announced once per target, account and campaign.
///
/// The text is no part of it: another wording does not make another post. A deliberate repost names a campaign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PostKey {
    /// The page it announces.
    pub page_id: PageId,
    /// The network (`mastodon`).
    pub target: String,
    /// The account on that network.
    pub account: String,
    /// The campaign; empty for the one regular post.
    pub campaign: String,
}

impl PostKey {
    /// SHA-256 in hex over the four parts, each with its length before it. Stable across attempts and processes.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        let page = self.page_id.to_string();
        text::sha256_hex([page.as_str(), &self.target, &self.account, &self.campaign])
    }
}

/// Where a post stands.
///
/// | from | [`settle_post`](crate::PostLedger::settle_post) may lead to |
/// |---|---|
/// | `claimed` | `retry`, `rejected`, `parked` |
/// | `in_flight` | `posted`, `retry`, `rejected`, `unknown`, `parked` |
/// | `unknown` | `posted`, `retry`, `rejected`, `unknown`, `parked` |
/// | `retry` | `parked` |
/// | `rejected` | `retry`, when a person gives it another chance |
/// | `parked` | `retry`, `posted`, when a person looked at the network |
/// | `posted` | nothing |
///
/// `claimed` is reached by [`claim_post`](crate::PostLedger::claim_post) from nothing, `claimed` (lease over) and `retry`;
/// `in_flight` by [`arm_post`](crate::PostLedger::arm_post) from `claimed`; an `in_flight` whose lease is over becomes `unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PostStatus {
    /// Somebody prepares it. Nothing has left the house.
    Claimed,
    /// The call to the network has begun.
    InFlight,
    /// The call began and nobody knows its end.
    Unknown,
    /// Surely not posted; to be tried again.
    Retry,
    /// Posted, with a receipt.
    Posted,
    /// The network refused it for good.
    Rejected,
    /// Set aside for a person.
    Parked,
}

impl PostStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Claimed,
        Self::InFlight,
        Self::Unknown,
        Self::Retry,
        Self::Posted,
        Self::Rejected,
        Self::Parked,
    ];

    /// The name as stored and printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::InFlight => "in_flight",
            Self::Unknown => "unknown",
            Self::Retry => "retry",
            Self::Posted => "posted",
            Self::Rejected => "rejected",
            Self::Parked => "parked",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether a settlement may lead from here to `to` (the table above).
    #[must_use]
    pub fn may_settle(self, to: Self) -> bool {
        use PostStatus::{Claimed, InFlight, Parked, Posted, Rejected, Retry, Unknown};
        let reachable: &[Self] = match self {
            Claimed => &[Retry, Rejected, Parked],
            InFlight | Unknown => &[Posted, Retry, Rejected, Unknown, Parked],
            Retry => &[Parked],
            // A person gives it another chance, having mended what was refused or looked at the network.
            Rejected => &[Retry],
            Parked => &[Retry, Posted],
            Posted => &[],
        };
        reachable.contains(&to)
    }
}

impl fmt::Display for PostStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row of the post ledger at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostRecord {
    /// Its id.
    pub id: PostId,
    /// What makes it the same post.
    pub key: PostKey,
    /// The site of its page.
    pub site: String,
    /// Where it stands.
    pub status: PostStatus,
    /// Counts its changes, from 1.
    pub version: u64,
    /// Calls to the network that began.
    pub attempts: u32,
    /// The text of the last call. `None` before the first.
    pub text: Option<String>,
    /// What else the last call was made of. `null` before the first.
    pub payload: Value,
    /// Not claimed before this time (epoch ms).
    pub not_before_ms: Option<i64>,
    /// Who holds it.
    pub claim_owner: Option<String>,
    /// Until when it is held (epoch ms).
    pub claim_until_ms: Option<i64>,
    /// The network's id of the post.
    pub remote_id: Option<String>,
    /// The post's address.
    pub url: Option<String>,
    /// What an unknown call left behind, for reconciling. `null` when nothing.
    pub evidence: Value,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When the last call began (epoch ms).
    pub in_flight_at_ms: Option<i64>,
    /// When the receipt was recorded (epoch ms).
    pub posted_at_ms: Option<i64>,
    /// When it was first claimed (epoch ms).
    pub created_at_ms: i64,
    /// When it last changed (epoch ms).
    pub updated_at_ms: i64,
}

impl PostRecord {
    /// The reference a write needs: this post, as it was read.
    #[must_use]
    pub fn to_ref(&self) -> PostRef {
        PostRef {
            id: self.id,
            version: self.version,
        }
    }
}

/// A post at the version the caller read. Writes refuse another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostRef {
    /// The post.
    pub id: PostId,
    /// The version the caller read.
    pub version: u64,
}

/// What a claim found.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // made once per post, and moved twice
pub enum PostClaim {
    /// Ours: nothing is out, it may be armed.
    Claimed(PostRecord),
    /// Done before: here is the receipt.
    Posted(PostRecord),
    /// Ours: a call began and its end is not known. Reconcile it, then settle.
    Unsettled(PostRecord),
    /// Somebody else holds it.
    Busy {
        /// Until when (epoch ms).
        until_ms: i64,
    },
    /// It is to be tried again, later.
    NotBefore {
        /// Not before this time (epoch ms).
        at_ms: i64,
    },
    /// Rejected or parked: nothing more will be done without a person.
    Closed(PostRecord),
}

/// How a post ended.
#[derive(Clone, Debug, PartialEq)]
pub enum PostOutcome {
    /// The network has it.
    Posted {
        /// The network's id of it.
        remote_id: String,
        /// Its address.
        url: Option<String>,
    },
    /// It surely was not posted, and may be tried again.
    Retry {
        /// Why.
        error: String,
        /// Not before this time (epoch ms).
        not_before_ms: i64,
    },
    /// It surely was not posted, and never will be.
    Rejected {
        /// Why.
        error: String,
    },
    /// Nobody knows whether it was posted.
    Unknown {
        /// What reconciling needs.
        evidence: Value,
        /// What happened.
        error: String,
        /// Do not look again before this time (epoch ms).
        not_before_ms: i64,
    },
    /// Set aside for a person.
    Parked {
        /// Why.
        error: String,
    },
}

impl PostOutcome {
    /// The status it leads to.
    #[must_use]
    pub fn status(&self) -> PostStatus {
        match self {
            Self::Posted { .. } => PostStatus::Posted,
            Self::Retry { .. } => PostStatus::Retry,
            Self::Rejected { .. } => PostStatus::Rejected,
            Self::Unknown { .. } => PostStatus::Unknown,
            Self::Parked { .. } => PostStatus::Parked,
        }
    }
}

/// Which posts a list shows. Everything that is `None` is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostQuery {
    /// Posts about pages of this site.
    pub site: Option<String>,
    /// Posts about this page.
    pub page_id: Option<PageId>,
    /// Posts to this network.
    pub target: Option<String>,
    /// Posts at this status.
    pub status: Option<PostStatus>,
}

/// One piece of a list of posts.
#[derive(Clone, Debug, PartialEq)]
pub struct PostList {
    /// The posts, by id.
    pub items: Vec<PostRecord>,
    /// Where the next piece starts. `None` at the end.
    pub next: Option<Cursor>,
}

use serde::{Deserialize, Serialize};

use crate::{Post, error::bounded};

/// The receipt of a visible post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Published {
    /// The network's id of the post.
    pub id: String,
    /// Where people can read it, when the network says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Published {
    /// A receipt with the network's id and the post's address.
    pub fn new(id: impl Into<String>, url: Option<String>) -> Self {
        Self { id: id.into(), url }
    }
}

/// What is known of an attempt whose outcome is not: plain data without secrets, to be stored beside the armed record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The HTTP status of the answer, when one arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The network's id of the request, when it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What happened, at most 500 characters.
    pub note: String,
    /// The network's id of the post, or of what becomes the post, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether the network said that it has this post already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

impl Evidence {
    /// Evidence that consists of a note; it is cut to 500 characters.
    pub fn new(note: impl AsRef<str>) -> Self {
        Self {
            note: bounded(note.as_ref()),
            ..Self::default()
        }
    }
}

/// An earlier call of [`publish`](crate::SocialTarget::publish) whose outcome is to be looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The post exactly as it was given to `publish`.
    pub post: Post,
    /// When the attempt was written down, before the call, in milliseconds since 1970 (UTC).
    pub armed_at_ms: i64,
    /// What the unknown outcome left behind; `None` when the process ended before it heard anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl Attempt {
    /// An attempt armed at `armed_at_ms`, milliseconds since 1970 (UTC).
    pub fn new(post: Post, armed_at_ms: i64) -> Self {
        Self {
            post,
            armed_at_ms,
            evidence: None,
        }
    }

    /// Adds what the unknown outcome left behind.
    #[must_use]
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }
}

/// What became of an earlier attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reconciled {
    /// The post is visible; this is its receipt.
    Found(Published),
    /// The post is not there and will not appear: it may be published again.
    Absent,
    /// Neither can be said; a person decides.
    CannotTell {
        /// Why not, in a sentence.
        why: String,
    },
}

/// The account that credentials belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The network's id of the account.
    pub id: String,
    /// The name people mention it by.
    pub handle: String,
    /// Where its profile is, when the network says so.
    pub url: Option<String>,
}

impl Account {
    /// An account by the network's id and its handle.
    pub fn new(id: impl Into<String>, handle: impl Into<String>, url: Option<String>) -> Self {
        Self {
            id: id.into(),
            handle: handle.into(),
            url,
        }
    }
}

//! A message to be sent.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{OutboxId, PageId};

/// A message to be written with a page. The page's id is added by the write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewOutbox {
    /// Where it goes (a queue's name).
    pub topic: String,
    /// What it says.
    pub payload: Value,
}

/// A wish for messages to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxClaim {
    /// Who sends.
    pub owner: String,
    /// How many at most, 1..=[`limits::MAX_ROWS`](crate::limits::MAX_ROWS).
    pub limit: u32,
    /// How long they belong to `owner`. After that anybody may claim them again.
    pub lease: Duration,
    /// Rows claimed this often become `dead` instead, 1 or more.
    pub max_attempts: u32,
}

/// A message claimed for sending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Its id.
    pub id: OutboxId,
    /// Where it goes.
    pub topic: String,
    /// The page it was written with.
    pub page_id: PageId,
    /// What it says.
    pub payload: Value,
    /// Claims so far, this one included.
    pub attempts: u32,
    /// When it was written (epoch ms).
    pub created_at_ms: i64,
}

/// How the outbox stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxCounts {
    /// To be sent.
    pub pending: u64,
    /// Held by a sender, or left by one that died.
    pub claimed: u64,
    /// Sent.
    pub sent: u64,
    /// Given up after its attempts.
    pub dead: u64,
    /// When the oldest pending row was written (epoch ms).
    pub oldest_pending_ms: Option<i64>,
}

//! What travels through the queue: an id, never the page.

use serde::{Deserialize, Serialize};

/// Topic of the outbox rows that announce a published page.
pub const PAGE_PUBLISHED: &str = "page.published";

/// The body of every message: which page is ready to be posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageMessage {
    /// Id of the page in the store.
    pub page_id: String,
}

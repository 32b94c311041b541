//! What travels through the queue: an id, never the page.

use presswork_queue::Delivery;
use serde::{Deserialize, Serialize};

/// Topic of the outbox rows that announce a published page.
pub const PAGE_PUBLISHED: &str = "page.published";

/// The body of every message: which page is ready to be posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageMessage {
    /// Id of the page in the store.
    pub page_id: String,
    /// How far the store had come when this was sent, where replicas answer reads: who reads from there sees the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bookmark: Option<String>,
}

/// From where to read the store for `delivery`. Only the first one says: a bookmark that the database no longer takes must not
/// cost the message all its attempts, so later ones read what is newest.
#[must_use]
pub fn bookmark(delivery: &Delivery) -> Option<String> {
    let first = delivery.attempt().is_none_or(|attempt| attempt == 1);
    let message = delivery.json::<PageMessage>().ok().filter(|_| first)?;
    message.bookmark
}

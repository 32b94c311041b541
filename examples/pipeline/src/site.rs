//! The public site: pages, home page, sitemap, robots and feed, as strings.
//!
//! The same renderer serves the Worker's `fetch`, the local server and the static export. It reads stored pages, which
//! hold sanitised HTML only.

mod feed;
mod page;

pub use feed::{feed, robots, sitemap};
pub use page::{home, page};

use presswork_content_store::PageSummary;

/// A page in a list: what the home page, the sitemap and the feed show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Last part of the address.
    pub slug: String,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// When it was published, epoch milliseconds.
    pub published_at_ms: i64,
    /// Its last significant change, epoch milliseconds.
    pub modified_at_ms: i64,
}

impl Entry {
    /// The entry of a published page; `None` for a page that is not public.
    #[must_use]
    pub fn of(page: &PageSummary) -> Option<Self> {
        let published_at_ms = page.published_at_ms?;
        Some(Self {
            slug: page.slug.clone(),
            title: page.title.clone()?,
            description: page.description.clone().unwrap_or_default(),
            published_at_ms,
            modified_at_ms: page.modified_at_ms.unwrap_or(published_at_ms),
        })
    }
}

/// RFC 3339 in UTC, to the second.
fn rfc3339(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

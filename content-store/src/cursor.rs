//! Where a list goes on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, PageQuery, PageSummary, PostQuery, Result, text};

/// Where the next piece of a list starts: opaque, and good for the query it came from alone.
///
/// As text it may travel through a URL. It is checked where it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor of that text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The cursor as text: `[0-9a-z.-]`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn after(filter: &str, id: &str) -> Self {
        Self(format!("c1.{filter}.{id}"))
    }

    /// As [`after`](Self::after), for a list by the time of the last change.
    pub(crate) fn after_page(filter: &str, page: &PageSummary) -> Self {
        Self(format!("c1.{filter}.{}.{}", page.modified_at_ms.unwrap_or(0), page.id))
    }

    /// The time and id to start after, when this cursor belongs to `filter`.
    pub(crate) fn time_and_id(&self, filter: &str) -> Result<(i64, String)> {
        let rest = self.0.strip_prefix("c1.").and_then(|rest| rest.split_once('.'));
        let parts = rest.and_then(|(of, rest)| {
            let (at_ms, id) = rest.split_once('.')?;
            let good = text::uuid("cursor", id).is_ok();
            Some((of, at_ms.parse::<i64>().ok().filter(|_| good)?, id))
        });
        match parts {
            None => Err(Error::InvalidCursor { reason: "is malformed" }),
            Some((of, ..)) if of != filter => Err(Error::InvalidCursor {
                reason: "belongs to another query",
            }),
            Some((_, at_ms, id)) => Ok((at_ms, id.to_owned())),
        }
    }

    /// The id to start after, when this cursor belongs to `filter`.
    pub(crate) fn position(&self, filter: &str) -> Result<String> {
        let malformed = Error::InvalidCursor { reason: "is malformed" };
        let Some((of, id)) = self.0.strip_prefix("c1.").and_then(|rest| rest.split_once('.')) else {
            return Err(malformed);
        };
        if text::uuid("cursor", id).is_err() {
            return Err(malformed);
        }
        if of != filter {
            return Err(Error::InvalidCursor {
                reason: "belongs to another query",
            });
        }
        Ok(id.to_owned())
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A short name of the pages query, to bind cursors to it.
pub(crate) fn pages_filter(query: &PageQuery) -> String {
    let status = query.status.map_or("", |status| status.as_str());
    short(text::sha256_hex(["pages", &query.site, status]))
}

/// A short name of a list of due pages, to bind cursors to it.
pub(crate) fn due_filter(site: &str, before_ms: i64) -> String {
    short(text::sha256_hex(["due", site, &before_ms.to_string()]))
}

/// A short name of the posts query, to bind cursors to it.
pub(crate) fn posts_filter(query: &PostQuery) -> String {
    let part = |part: Option<&str>| part.map_or_else(|| "-".to_owned(), |part| format!("={part}"));
    let parts = [
        "posts".to_owned(),
        part(query.site.as_deref()),
        part(query.page_id.map(|id| id.to_string()).as_deref()),
        part(query.target.as_deref()),
        part(query.status.map(super::PostStatus::as_str)),
    ];
    short(text::sha256_hex(parts.iter().map(String::as_str)))
}

/// A short name of a list of dead letters, to bind cursors to it.
pub(crate) fn dead_letters_filter(queue: Option<&str>) -> String {
    let which = if queue.is_some() { "of" } else { "all" };
    short(text::sha256_hex(["dead letters", which, queue.unwrap_or("")]))
}

/// 64 bits tell two queries apart; the cursor guards against mix-ups, not against forgery.
fn short(mut hash: String) -> String {
    hash.truncate(16);
    hash
}

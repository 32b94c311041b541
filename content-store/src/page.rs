//! A page and what is said about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{NewOutbox, NewSpend, OpId, PageId, Status};

/// A topic to be made into a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewPage {
    /// The site it belongs to.
    pub site: String,
    /// The language, as a BCP 47 tag (`en`, `zh-Hant-TW`).
    pub locale: String,
    /// The last part of its address: `[a-z0-9]+(-[a-z0-9]+)*`, at most 75 bytes, unique per site and locale.
    pub slug: String,
    /// The key of its data row, unique per site and locale: the identity of the topic.
    pub row_key: String,
    /// What it wants to be found for, unique per site and locale.
    pub primary_keyword: String,
    /// The data row the page is written from.
    pub topic: Value,
}

impl NewPage {
    /// Checks the topic by itself, as [`plan`](crate::Pages::plan) does: an importer can name the line it came from.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::Error::InvalidInput) or [`TooLarge`](crate::Error::TooLarge), naming the field.
    pub fn validate(&self) -> crate::Result<()> {
        crate::check::topic(self).map(drop)
    }
}

/// What a plan did with its topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanReport {
    /// New pages.
    pub created: u64,
    /// Pages not yet made whose topic was replaced.
    pub updated: u64,
    /// Pages whose topic is the same.
    pub unchanged: u64,
    /// Pages already made, whose topic differs and was not touched.
    pub existing: u64,
}

/// What a writer made of a topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The title.
    pub title: String,
    /// The meta description.
    pub description: String,
    /// The keywords.
    pub keywords: Vec<String>,
    /// The sanitised body.
    pub body_html: String,
    /// A prompt for the page's image; may be empty.
    pub image_prompt: String,
    /// One-liners to announce the page with.
    pub hooks: Vec<String>,
    /// The page's own absolute address.
    pub canonical_url: String,
    /// The report of the quality gates.
    pub quality: Value,
    /// The model that wrote it.
    pub model: String,
    /// Words in the body.
    pub word_count: u32,
}

/// A page at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Its id.
    pub id: PageId,
    /// The site it belongs to.
    pub site: String,
    /// The language tag.
    pub locale: String,
    /// The last part of its address.
    pub slug: String,
    /// The key of its data row.
    pub row_key: String,
    /// What it wants to be found for.
    pub primary_keyword: String,
    /// The data row it is written from.
    pub topic: Value,
    /// Where it stands.
    pub status: Status,
    /// Counts its changes, from 1.
    pub version: u64,
    /// Claims since it was planned.
    pub attempts: u32,
    /// Why the last attempt failed or what the reviewer said.
    pub last_error: Option<String>,
    /// Not claimed before this time (epoch ms).
    pub not_before_ms: Option<i64>,
    /// Who is writing it.
    pub lease_owner: Option<String>,
    /// Until when it belongs to that writer (epoch ms).
    pub lease_until_ms: Option<i64>,
    /// What was written. `None` until the first save.
    pub content: Option<Content>,
    /// SHA-256 of the content in hex. `None` until the first save.
    pub content_hash: Option<String>,
    /// When it was planned (epoch ms).
    pub created_at_ms: i64,
    /// When its row last changed (epoch ms).
    pub updated_at_ms: i64,
    /// When it was first published (epoch ms); never moves afterwards.
    pub published_at_ms: Option<i64>,
    /// When its content last changed (epoch ms): the date for a sitemap.
    pub modified_at_ms: Option<i64>,
}

impl Page {
    /// The reference a write needs: this page, as it was read.
    #[must_use]
    pub fn to_ref(&self) -> PageRef {
        PageRef {
            id: self.id,
            version: self.version,
        }
    }
}

/// A page without its topic and content, as lists give it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageSummary {
    /// Its id.
    pub id: PageId,
    /// The site it belongs to.
    pub site: String,
    /// The language tag.
    pub locale: String,
    /// The last part of its address.
    pub slug: String,
    /// The key of its data row.
    pub row_key: String,
    /// What it wants to be found for.
    pub primary_keyword: String,
    /// Where it stands.
    pub status: Status,
    /// Counts its changes, from 1.
    pub version: u64,
    /// Claims since it was planned.
    pub attempts: u32,
    /// Why the last attempt failed or what the reviewer said.
    pub last_error: Option<String>,
    /// The title, once written.
    pub title: Option<String>,
    /// The meta description, once written.
    pub description: Option<String>,
    /// The page's own absolute address, once written.
    pub canonical_url: Option<String>,
    /// When it was planned (epoch ms).
    pub created_at_ms: i64,
    /// When its row last changed (epoch ms).
    pub updated_at_ms: i64,
    /// When it was first published (epoch ms).
    pub published_at_ms: Option<i64>,
    /// When its content last changed (epoch ms).
    pub modified_at_ms: Option<i64>,
}

impl PageSummary {
    /// The reference a write needs: this page, as it was read.
    #[must_use]
    pub fn to_ref(&self) -> PageRef {
        PageRef {
            id: self.id,
            version: self.version,
        }
    }
}

/// A page at the version the caller read. Writes refuse another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRef {
    /// The page.
    pub id: PageId,
    /// The version the caller read.
    pub version: u64,
}

/// A wish for topics to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Pages of this site.
    pub site: String,
    /// Who writes: kept on the page until the lease ends.
    pub owner: String,
    /// How many at most, 1..=[`limits::MAX_ROWS`](crate::limits::MAX_ROWS).
    pub limit: u32,
    /// How long they belong to `owner`. After that anybody may claim them again.
    pub lease: Duration,
    /// Pages claimed this often become `failed` instead, 1 or more.
    pub max_attempts: u32,
}

/// What a writer hands in.
#[derive(Clone, Debug, PartialEq)]
pub struct SavePage {
    /// The content.
    pub content: Content,
    /// `draft`, `in_review` or `published`.
    pub to: Status,
    /// Messages to be sent because of it, written in the same transaction.
    pub outbox: Vec<NewOutbox>,
    /// What it cost, written in the same transaction.
    pub spend: Vec<NewSpend>,
}

/// A step in a page's life that brings no content.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The status to reach.
    pub to: Status,
    /// Why: kept in the revision, and as `last_error` when `to` is `planned`, `failed` or `rejected`.
    pub reason: Option<String>,
    /// With `to: planned` alone: do not claim before this time (epoch ms).
    pub not_before_ms: Option<i64>,
    /// With `to: planned` alone: the page was not to blame (its model was down), so its attempt does not count.
    pub release: bool,
    /// Messages to be sent because of it, written in the same transaction.
    pub outbox: Vec<NewOutbox>,
    /// What it cost, written in the same transaction.
    pub spend: Vec<NewSpend>,
}

impl Transition {
    /// A step without reason, delay, messages or cost.
    #[must_use]
    pub fn to(to: Status) -> Self {
        Self {
            to,
            reason: None,
            not_before_ms: None,
            release: false,
            outbox: Vec::new(),
            spend: Vec::new(),
        }
    }
}

/// Which pages a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageQuery {
    /// Pages of this site.
    pub site: String,
    /// Only at this status.
    pub status: Option<Status>,
}

/// One piece of a list of pages.
#[derive(Clone, Debug, PartialEq)]
pub struct PageList {
    /// The pages, by id.
    pub items: Vec<PageSummary>,
    /// Where the next piece starts. `None` at the end.
    pub next: Option<crate::Cursor>,
}

/// One change of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The version the change made.
    pub version: u64,
    /// The op that made it.
    pub op_id: OpId,
    /// The status it led to.
    pub status: Status,
    /// Why, as far as somebody said.
    pub reason: Option<String>,
    /// SHA-256 of the content in hex, when there is content.
    pub content_hash: Option<String>,
    /// When (epoch ms).
    pub at_ms: i64,
}

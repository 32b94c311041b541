//! Looks for a post among the account's own statuses.

use std::time::Duration;

use serde_json::Value;

use super::{Mastodon, html};
use crate::{
    Attempt, Post, Published, Reconciled, Result,
    http::{list, optional, parse_rfc3339, percent_encoded, text},
};

/// Clocks of server and publisher may differ by this much.
const SKEW_MS: i64 = 60_000;

/// How far back a post is looked for of which the server says that it was there before the attempt.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Statuses of one page, and how many pages are looked at before giving up.
const PAGE: &str = "20";
const PAGES: usize = 5;

impl Mastodon {
    pub(super) async fn look_up(&self, attempt: &Attempt) -> Result<Reconciled> {
        let path = format!(
            "/api/v1/accounts/{}/statuses",
            percent_encoded(&self.account_id().await?)
        );
        let duplicate = attempt.evidence.as_ref().is_some_and(|evidence| evidence.duplicate);
        let since = attempt
            .armed_at_ms
            .saturating_sub(if duplicate { DAY_MS } else { SKEW_MS });
        // Asked before the look, so that a status stored between look and answer is not taken for absent.
        let remaining = self.unsettled(attempt);
        let mut found: Vec<Published> = Vec::new();
        let mut before: Option<String> = None;
        let mut covered = false;
        for _ in 0..PAGES {
            let mut query = vec![("limit", PAGE), ("exclude_reblogs", "true")];
            if let Some(id) = &before {
                query.push(("max_id", id));
            }
            let page = self.get(&path, &query, &[]).await?;
            let page = self.caller.items(&page, &["id"])?;
            let Some(last) = page.last() else {
                covered = true;
                break;
            };
            before = optional(last, "id");
            for status in page {
                let created = parse_rfc3339(status["created_at"].as_str().unwrap_or_default());
                let created = created.ok_or_else(|| self.caller.later("a status has no readable time", None))?;
                if created < since {
                    covered = true;
                } else if matches(status, &attempt.post) {
                    found.push(Published::new(text(status, "id"), optional(status, "url")));
                }
            }
            if covered {
                break;
            }
        }
        match (found.len(), covered) {
            // An older page might hold a second match; a single one is only certain when all were seen.
            (1, true) => Ok(found.pop().map_or(Reconciled::Absent, Reconciled::Found)),
            (0, true) if duplicate => Ok(cannot_tell(
                "the server says that an upload is attached already or gone, and no status of the account shows the post: upload again",
            )),
            (0, true) => match remaining {
                None => Ok(Reconciled::Absent),
                Some(wait) => Err(self
                    .caller
                    .later("the server may still be working on the attempt", Some(wait))),
            },
            (0 | 1, false) => Ok(cannot_tell("the account has posted too much since the attempt")),
            (matches, _) => Ok(cannot_tell(format!("{matches} statuses match the attempt"))),
        }
    }

    /// How much longer the server may be working on the attempt.
    fn unsettled(&self, attempt: &Attempt) -> Option<Duration> {
        // The publish is the first request of its call.
        self.caller.unsettled(attempt.armed_at_ms, Duration::ZERO, self.settle)
    }
}

fn matches(status: &Value, post: &Post) -> bool {
    let warning = post.content_warning.as_deref().unwrap_or_default();
    let shown = |field: &str| status[field].as_str().unwrap_or_default();
    let attached = list(&status["media_attachments"]);
    let has = |id: &str| attached.iter().any(|attachment| attachment["id"] == id);
    html::of_content(shown("content")) == html::of_post(&post.full_text())
        && shown("spoiler_text").trim() == warning.trim()
        && attached.len() == post.media.len()
        && post.media.iter().all(|media| has(&media.id))
        && status["in_reply_to_id"].as_str() == post.reply_to.as_deref()
}

fn cannot_tell(why: impl Into<String>) -> Reconciled {
    Reconciled::CannotTell { why: why.into() }
}

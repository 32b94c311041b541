//! Asks the container what became of it, and looks for the post among the account's own.

use std::time::Duration;

use super::Threads;
use crate::{
    Attempt, Error, Published, Reconciled, Result,
    http::{optional, parse_rfc3339, text as field},
    text,
};

/// Clocks of Threads and publisher may differ by this much.
const SKEW_MS: i64 = 60_000;

/// Posts of one page, and how many pages are looked at before giving up.
const PAGE: &str = "50";
const PAGES: usize = 4;

impl Threads {
    pub(super) async fn look_up(&self, attempt: &Attempt) -> Result<Reconciled> {
        // Asked before the look, so that a post stored between look and answer is not taken for absent.
        let remaining = self.unsettled(attempt);
        let container = attempt.evidence.as_ref().and_then(|evidence| evidence.id.as_deref());
        let status = match container {
            Some(id) => self.status(id).await?.map(|container| field(&container, "status")),
            None => None,
        };
        let (mut found, covered) = self.matching(attempt).await?;
        let published = status.as_deref() == Some("PUBLISHED");
        match (found.len(), covered) {
            (1, true) => Ok(found.pop().map_or(Reconciled::Absent, Reconciled::Found)),
            (0, true) if published => Err(self.later(
                "the post is published and not yet among the account's posts",
                Duration::from_secs(30),
            )),
            (0, true) if status.as_deref() == Some("IN_PROGRESS") => {
                Err(self.later("Threads is still making the post", Duration::from_secs(60)))
            }
            (0, true) => match remaining {
                None => {
                    // The next attempt publishes this container and makes no second one.
                    if let Some(id) = container.filter(|_| status.as_deref() == Some("FINISHED")) {
                        self.unpublished.keep(&attempt.post, id);
                    }
                    Ok(Reconciled::Absent)
                }
                Some(wait) => Err(self.later("Threads may still be working on the attempt", wait)),
            },
            (0 | 1, false) => Ok(cannot_tell("the account has posted too much since the attempt")),
            (matches, _) => Ok(cannot_tell(format!("{matches} posts match the attempt"))),
        }
    }

    /// Posts since the attempt that show its text, and whether all of them were seen.
    async fn matching(&self, attempt: &Attempt) -> Result<(Vec<Published>, bool)> {
        let since_ms = attempt.armed_at_ms.saturating_sub(SKEW_MS);
        let since = since_ms.div_euclid(1_000).to_string();
        let user = self.user_id().await?;
        // Replies are listed apart from posts.
        let edge = if attempt.post.reply_to.is_some() {
            "replies"
        } else {
            "threads"
        };
        let path = format!("/v1.0/{user}/{edge}");
        let wanted = text::canonical(&attempt.post.full_text());
        let (mut found, mut after): (Vec<Published>, Option<String>) = (Vec::new(), None);
        for _ in 0..PAGES {
            let mut query = vec![
                ("fields", "id,text,timestamp,permalink"),
                ("since", since.as_str()),
                ("limit", PAGE),
            ];
            if let Some(after) = &after {
                query.push(("after", after));
            }
            let page = self.get(&path, &query, &[]).await?;
            for post in self.caller.items(&page["data"], &["id"])? {
                let shown = |field: &str| post[field].as_str().unwrap_or_default();
                let recent = made_at_ms(shown("timestamp")).is_none_or(|at| at >= since_ms);
                if recent && text::canonical(shown("text")) == wanted {
                    found.push(Published::new(shown("id"), optional(post, "permalink")));
                }
            }
            let paging = &page["paging"];
            // Only there when another page follows.
            let more = paging["next"].is_string();
            after = optional(&paging["cursors"], "after").filter(|_| more);
            if after.is_none() {
                return Ok((found, true));
            }
        }
        Ok((found, false))
    }

    fn later(&self, message: &str, wait: Duration) -> Error {
        self.caller.later(message, Some(wait))
    }

    /// How much longer Threads may be working on the attempt.
    fn unsettled(&self, attempt: &Attempt) -> Option<Duration> {
        self.caller
            .unsettled(attempt.armed_at_ms, super::latest_send(&attempt.post), self.settle)
    }
}

/// Threads writes the offset without a colon.
fn made_at_ms(timestamp: &str) -> Option<i64> {
    match timestamp.strip_suffix("+0000") {
        Some(utc) => parse_rfc3339(&format!("{utc}Z")),
        None => parse_rfc3339(timestamp),
    }
}

fn cannot_tell(why: impl Into<String>) -> Reconciled {
    Reconciled::CannotTell { why: why.into() }
}

//! Asks for a post by its id, or looks for it among the channel's posts.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Buffer, Mode, Outcome, is_repeat, wire};
use crate::{
    Attempt, Error, Reconciled, Result,
    http::{format_rfc3339, list, optional, parse_rfc3339},
    text,
};

/// Clocks of Buffer and publisher may differ by this much.
const SKEW_MS: i64 = 60_000;

/// How far back a post is looked for of which Buffer says that it was there before the attempt.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Pages of 50 posts that are looked at before giving up.
const PAGES: usize = 4;

impl Buffer {
    pub(super) async fn look_up(&self, attempt: &Attempt) -> Result<Reconciled> {
        if let Some(id) = attempt.evidence.as_ref().and_then(|evidence| evidence.id.as_deref()) {
            return match self.post(id).await {
                Ok(post) => self.standing(&post),
                Err(Error::Rejected { .. }) => Ok(cannot_tell("Buffer had the post and has it no more")),
                Err(error) => Err(error),
            };
        }
        let duplicate = attempt.evidence.as_ref().is_some_and(|evidence| evidence.duplicate);
        let since = attempt
            .armed_at_ms
            .saturating_sub(if duplicate { DAY_MS } else { SKEW_MS });
        // Asked before the look, so that a post stored between look and answer is not taken for absent.
        let remaining = self.unsettled(attempt);
        let input = json!({"organizationId": self.organization().await?,
            "filter": {"channelIds": [self.channel], "createdAt": {"start": format_rfc3339(since)}},
            "sort": [{"field": "createdAt", "direction": "desc"}]});
        let wanted = text::canonical(&attempt.post.full_text());
        let (mut found, mut after, mut covered) = (Vec::new(), None::<String>, false);
        for _ in 0..PAGES {
            let variables = json!({"i": input, "after": after});
            let page = self.query(wire::POSTS, variables, &["/data/posts/pageInfo"]).await?;
            let page = &page["posts"];
            for edge in list(&page["edges"]) {
                let post = &edge["node"];
                if !post["id"].is_string() {
                    return Err(self.caller.later("the answer cannot be read: a post has no id", None));
                }
                // One that the network refused is not there.
                if post["status"] != "error"
                    && text::canonical(post["text"].as_str().unwrap_or_default()) == wanted
                    && list(&post["assets"]).len() == attempt.post.media.len()
                    && self.is_due(post)
                {
                    found.push(post.clone());
                }
            }
            let more = page["pageInfo"]["hasNextPage"] == true;
            after = optional(&page["pageInfo"], "endCursor").filter(|_| more);
            if after.is_none() {
                covered = true;
                break;
            }
        }
        match (&found[..], covered) {
            ([one], true) => self.standing(one),
            ([], true) if duplicate => Ok(cannot_tell(
                "Buffer says that it has the post, and it is not among the channel's posts",
            )),
            ([], true) => match remaining {
                None => Ok(Reconciled::Absent),
                Some(wait) => Err(self
                    .caller
                    .later("Buffer may still be working on the attempt", Some(wait))),
            },
            ([] | [_], false) => Ok(cannot_tell("the channel has too many posts since the attempt")),
            (more, _) => Ok(cannot_tell(format!("{} posts match the attempt", more.len()))),
        }
    }

    /// Whether the post is due when this target's posts are: the same text at another time is another post.
    fn is_due(&self, post: &Value) -> bool {
        let Mode::At(at) = self.mode else { return true };
        let due = post["dueAt"].as_str().and_then(parse_rfc3339);
        due.is_none_or(|due| due.abs_diff(at) < 1_000)
    }

    fn standing(&self, post: &Value) -> Result<Reconciled> {
        match wire::outcome(post) {
            Outcome::Sent(published) => Ok(Reconciled::Found(published)),
            // It will not appear; a new attempt makes a new one.
            Outcome::Failed(message) if is_repeat(&message) => Ok(cannot_tell(
                "the network behind the channel says that it has the text already",
            )),
            Outcome::Failed(_) => Ok(Reconciled::Absent),
            Outcome::Waiting if self.mode == Mode::Now && !self.draft => {
                let wait = Some(Duration::from_secs(30));
                Err(self.caller.later("Buffer is still sending the post", wait))
            }
            Outcome::Waiting => Ok(Reconciled::Found(wire::receipt(post))),
        }
    }

    /// How much longer Buffer may be working on the attempt.
    fn unsettled(&self, attempt: &Attempt) -> Option<Duration> {
        // The publish is the first request of its call.
        self.caller.unsettled(attempt.armed_at_ms, Duration::ZERO, self.settle)
    }
}

fn cannot_tell(why: impl Into<String>) -> Reconciled {
    Reconciled::CannotTell { why: why.into() }
}

//! Looks for a post by what LinkedIn said of it, else among the organisation's posts.

use std::time::Duration;

use super::{LinkedIn, receipt, wire};
use crate::{
    Attempt, Error, Reconciled, Result,
    http::{LATEST_SEND, integer, percent_encoded},
    text,
};

/// Clocks of LinkedIn and publisher may differ by this much.
const SKEW_MS: i64 = 60_000;

/// How far back a post is looked for of which LinkedIn says that it was there before the attempt.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Posts of one page, and how many pages are looked at before giving up.
const PAGE: usize = 50;
const PAGES: usize = 4;

impl LinkedIn {
    pub(super) async fn look_up(&self, attempt: &Attempt) -> Result<Reconciled> {
        if let Some(id) = attempt.evidence.as_ref().and_then(|evidence| evidence.id.as_deref()) {
            return self.named(id).await;
        }
        let duplicate = attempt.evidence.as_ref().is_some_and(|evidence| evidence.duplicate);
        // Asked before the look, so that a post stored between look and answer is not taken for absent.
        let remaining = self.unsettled(attempt);
        if self.is_member() {
            return match remaining {
                _ if duplicate => Ok(cannot_tell("LinkedIn has the post and did not say which it is")),
                _ if !self.trust_refusals => Ok(cannot_tell("the posts of a member cannot be read")),
                Some(wait) => Err(self.later(wait)),
                // Should it be there after all, LinkedIn refuses the repeated text and names the post.
                None => Ok(Reconciled::Absent),
            };
        }
        let since = attempt
            .armed_at_ms
            .saturating_sub(if duplicate { DAY_MS } else { SKEW_MS });
        let wanted = text::canonical(&self.shown(attempt));
        let (mut found, mut covered) = (Vec::new(), false);
        for page in 0..PAGES {
            let (start, count) = ((page * PAGE).to_string(), PAGE.to_string());
            let query = [
                ("q", "author"),
                ("author", &self.author),
                ("start", &start),
                ("count", &count),
                ("sortBy", "CREATED"),
            ];
            let posts = self.get("/rest/posts", &query, &[]).await?;
            let posts = self.caller.items(&posts["elements"], &["id"])?;
            covered = posts.len() < PAGE;
            for post in posts {
                let Some(created) = integer(post, "createdAt") else {
                    return Err(self.caller.later("the answer cannot be read: a post has no time", None));
                };
                let commentary = post["commentary"].as_str().unwrap_or_default();
                if created < since {
                    covered = true;
                } else if text::canonical(&wire::unescaped(commentary)) == wanted {
                    found.push(receipt(post["id"].as_str().unwrap_or_default()));
                }
            }
            if covered {
                break;
            }
        }
        match (found.len(), covered) {
            (1, true) => Ok(found.pop().map_or(Reconciled::Absent, Reconciled::Found)),
            (0, true) if duplicate => Ok(cannot_tell(
                "LinkedIn says that it has the post, and it is not among the author's posts",
            )),
            (0, true) => remaining.map_or(Ok(Reconciled::Absent), |wait| Err(self.later(wait))),
            (0 | 1, false) => Ok(cannot_tell("the author has posted too much since the attempt")),
            (matches, _) => Ok(cannot_tell(format!("{matches} posts match the attempt"))),
        }
    }

    /// The post that a refusal names. LinkedIn has been seen to name posts that were deleted, which an organisation's token
    /// can find out.
    async fn named(&self, id: &str) -> Result<Reconciled> {
        if self.is_member() {
            return Ok(Reconciled::Found(receipt(id)));
        }
        let path = format!("/rest/posts/{}", percent_encoded(id));
        match self.get(&path, &[], &[]).await {
            Ok(_) => Ok(Reconciled::Found(receipt(id))),
            Err(Error::Rejected { report, .. }) if report.status == Some(404) => {
                Ok(cannot_tell(format!("LinkedIn names {id}, and there is no such post")))
            }
            Err(error) => Err(error),
        }
    }

    fn shown(&self, attempt: &Attempt) -> String {
        use crate::SocialTarget;
        self.limits().shown_text(&attempt.post)
    }

    fn later(&self, wait: Duration) -> Error {
        self.caller
            .later("LinkedIn may still be working on the attempt", Some(wait))
    }

    /// How much longer LinkedIn may be working on the attempt.
    fn unsettled(&self, attempt: &Attempt) -> Option<Duration> {
        self.caller.unsettled(attempt.armed_at_ms, LATEST_SEND, self.settle)
    }
}

fn cannot_tell(why: impl Into<String>) -> Reconciled {
    Reconciled::CannotTell { why: why.into() }
}

//! Looks for a post in the account's own timeline, asking for no fields: their names have changed before, and id and text
//! come unasked.

use std::time::Duration;

use super::X;
use crate::{
    Attempt, Post, Published, Reconciled, Result,
    http::{LATEST_SEND, format_rfc3339, integer, optional, text as field},
    text,
};

/// Clocks of X and publisher may differ by this much.
const SKEW_MS: i64 = 30_000;

/// How far back a post is looked for of which X says that it was there before the attempt: it refuses repeats for some
/// hours, of which the exact number is not published.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Posts of one page, and how many pages are looked at before giving up. Each post read costs money.
const PAGE: &str = "10";
const PAGES: usize = 5;

/// The least wait between two looks, since each costs money.
const BETWEEN_LOOKS: Duration = Duration::from_secs(30);

/// When ids of posts begin to count, in milliseconds since 1970
/// ([snowflake](https://docs.x.com/fundamentals/x-ids)).
const EPOCH_MS: i64 = 1_288_834_974_657;

impl X {
    pub(super) async fn look_up(&self, attempt: &Attempt) -> Result<Reconciled> {
        let duplicate = attempt.evidence.as_ref().is_some_and(|evidence| evidence.duplicate);
        let since = attempt
            .armed_at_ms
            .saturating_sub(if duplicate { DAY_MS } else { SKEW_MS });
        // Asked before the look, so that a post that appears between look and answer is not taken for absent.
        let remaining = self.unsettled(attempt);
        let path = format!("/2/users/{}/tweets", self.user_id().await?);
        let start = format_rfc3339(since);
        let mut next: Option<String> = None;
        let mut found: Vec<Published> = Vec::new();
        for _ in 0..PAGES {
            let mut query = vec![("max_results", PAGE), ("start_time", start.as_str())];
            if let Some(token) = &next {
                query.push(("pagination_token", token));
            }
            let page = self.ask(self.request("GET", &path, &query), &[]).await?;
            // An empty page has no `data`, and says so.
            let posts = match integer(&page["meta"], "result_count") {
                Some(0) if page["data"].is_null() => &[],
                _ => self.caller.items(&page["data"], &["id"])?,
            };
            for post in posts {
                let id = field(post, "id");
                if made_at_ms(&id) >= since && matches(&field(post, "text"), &attempt.post) {
                    found.push(self.receipt(id));
                }
            }
            next = optional(&page["meta"], "next_token");
            if next.is_none() {
                break;
            }
        }
        Ok(match (found.len(), next.is_none()) {
            // An older page might hold a second match; a single one is only certain when all were seen.
            (1, true) => found.pop().map_or(Reconciled::Absent, Reconciled::Found),
            (0, true) if duplicate => cannot_tell("X says that it has the post, and it is not in the timeline"),
            (0, true) => match remaining {
                None => Reconciled::Absent,
                Some(wait) => {
                    let wait = wait.min(BETWEEN_LOOKS);
                    return Err(self
                        .caller
                        .later("the post may still appear in the timeline", Some(wait)));
                }
            },
            (0 | 1, false) => cannot_tell("the account has posted too much since the attempt"),
            (matches, _) => cannot_tell(format!("{matches} posts match the attempt")),
        })
    }

    /// How much longer the post may be missing from the timeline.
    fn unsettled(&self, attempt: &Attempt) -> Option<Duration> {
        self.caller.unsettled(attempt.armed_at_ms, LATEST_SEND, self.settle)
    }
}

/// When a post was made: its id says so.
fn made_at_ms(id: &str) -> i64 {
    id.parse::<i64>().map_or(i64::MAX, |id| (id >> 22) + EPOCH_MS)
}

/// X sends links as `t.co` addresses, adds one for media at the end, escapes three characters and cuts long texts.
fn matches(shown: &str, sent: &Post) -> bool {
    let shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let (shown, sent_text) = (text::canonical(&shown), text::canonical(&sent.full_text()));
    let shown = match shown.strip_suffix(text::LINK_SIGN) {
        Some(without) if !sent.media.is_empty() && shown != sent_text => without.trim_end(),
        _ => &shown,
    };
    match shown.strip_suffix('…') {
        Some(head) if sent_text.chars().count() > 280 && head.chars().count() > 140 => {
            sent_text.starts_with(head.trim_end())
        }
        _ => shown == sent_text,
    }
}

fn cannot_tell(why: impl Into<String>) -> Reconciled {
    Reconciled::CannotTell { why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, sent: &Post) -> bool {
        matches(text, sent)
    }

    #[test]
    fn a_text_is_recognised_as_x_sends_it_back() {
        let link = Post::new("Fish & <chips>, e\u{301}")
            .link("https://example.com/long/page")
            .unwrap();
        assert!(shown(
            "Fish &amp; &lt;chips&gt;, \u{e9}\n\nhttps://t.co/abcdefghij",
            &link
        ));
        assert!(!shown("Fish &amp; &lt;chips&gt;, \u{e9}", &link));
        let picture = Post::new("Look").media(crate::UploadedMedia::new("x", "1", None));
        assert!(shown("Look https://t.co/abcdefghij", &picture) && shown("Look", &picture));
        assert!(!shown("Look https://t.co/abcdefghij", &Post::new("Look")));
        let long = Post::new("word ".repeat(200));
        assert!(shown(&format!("{}…", "word ".repeat(50)), &long));
        assert!(!shown("word…", &long) && !shown("word word", &long));
        // An entity that was written as such comes back escaped once more.
        assert!(shown("&amp;lt;", &Post::new("&lt;")));
    }

    #[test]
    fn ids_tell_when_a_post_was_made() {
        assert_eq!(made_at_ms("1050118621198921728"), 1_539_202_764_211);
    }
}

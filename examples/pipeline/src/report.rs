//! What a run did.

use serde::Serialize;

use crate::relay::Relayed;

/// How one topic ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Drafted {
    /// The page is public and its message is in the outbox.
    Published {
        /// Address of the page.
        slug: String,
    },
    /// The page waits for a person.
    InReview {
        /// Address of the page.
        slug: String,
    },
    /// The topic goes back and is tried again later.
    Postponed {
        /// Address of the page.
        slug: String,
        /// What failed.
        reason: String,
        /// Whether the run ends because no other topic would fare better.
        stop: bool,
    },
    /// The topic used up its attempts.
    Failed {
        /// Address of the page.
        slug: String,
        /// What failed last.
        reason: String,
    },
    /// Another run took the topic over while it was drafted; nothing was stored.
    Lost {
        /// Address of the page.
        slug: String,
    },
}

/// What one run of the Generator did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// Pages published.
    pub published: u64,
    /// Pages that wait for review.
    pub in_review: u64,
    /// Topics that are tried again later.
    pub postponed: u64,
    /// Topics that used up their attempts.
    pub failed: u64,
    /// Topics that another run took over while they were drafted here.
    pub lost: u64,
    /// Messages sent to the queue.
    pub sent: u64,
    /// Messages that wait in the outbox because the queue refused.
    pub waiting: u64,
    /// Up to 20 reasons: of topics, and of a queue that refused.
    pub problems: Vec<String>,
    /// Why the run ended early, if it did.
    pub stopped: Option<String>,
}

impl RunReport {
    pub(crate) fn count(&mut self, drafted: Drafted) {
        match drafted {
            Drafted::Published { .. } => self.published += 1,
            Drafted::InReview { .. } => self.in_review += 1,
            Drafted::Lost { .. } => self.lost += 1,
            Drafted::Postponed { slug, reason, stop } => {
                self.postponed += 1;
                if stop {
                    self.stopped.get_or_insert_with(|| reason.clone());
                }
                self.problem(format!("{slug}: {reason}"));
            }
            Drafted::Failed { slug, reason } => {
                self.failed += 1;
                self.problem(format!("{slug}: {reason}"));
            }
        }
    }

    pub(crate) fn relayed(&mut self, pass: Relayed) {
        self.sent += pass.sent;
        self.waiting = pass.waiting;
        if let Some(error) = pass.error {
            self.problem(format!("queue: {error}"));
        }
    }

    fn problem(&mut self, text: String) {
        if self.problems.len() < 20 && !self.problems.contains(&text) {
            self.problems.push(text);
        }
    }
}

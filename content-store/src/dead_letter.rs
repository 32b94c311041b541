//! A message that was given up.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Cursor, DeadLetterId};

/// A message that was given up, to be kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDeadLetter {
    /// The queue it was given up on.
    pub queue: String,
    /// Its id on that queue: the identity of the letter.
    pub message_id: String,
    /// What it says, as it came; any text.
    pub body: String,
    /// Why it was given up.
    pub reason: String,
    /// How often it was delivered.
    pub attempts: u32,
    /// What the last attempt said.
    pub last_error: Option<String>,
    /// When it was first sent (epoch ms).
    pub first_enqueued_ms: i64,
}

/// A dead letter as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its id here.
    pub id: DeadLetterId,
    /// The letter.
    pub letter: NewDeadLetter,
    /// When it was last given up (epoch ms).
    pub dead_at_ms: i64,
    /// Who redrives it.
    pub claim_owner: Option<String>,
    /// Until when it is held (epoch ms).
    pub claim_until_ms: Option<i64>,
}

/// Bodies are for the eyes that ask for them, not for logs.
impl fmt::Debug for NewDeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewDeadLetter")
            .field("queue", &self.queue)
            .field("message_id", &self.message_id)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("reason", &self.reason)
            .field("attempts", &self.attempts)
            .field("last_error", &self.last_error)
            .field("first_enqueued_ms", &self.first_enqueued_ms)
            .finish()
    }
}

impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("id", &self.id)
            .field("letter", &self.letter)
            .field("dead_at_ms", &self.dead_at_ms)
            .field("claim_owner", &self.claim_owner)
            .field("claim_until_ms", &self.claim_until_ms)
            .finish()
    }
}

/// A wish for letters to redrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterClaim {
    /// Who redrives.
    pub owner: String,
    /// Which ones, as a list showed them; at most [`limits::MAX_ROWS`](crate::limits::MAX_ROWS).
    pub ids: Vec<DeadLetterId>,
    /// How long they belong to `owner`. After that anybody may take them again.
    pub lease: Duration,
}

/// One piece of a list of dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterList {
    /// The letters, by id: in the order in which they were first given up.
    pub items: Vec<DeadLetter>,
    /// Where the next piece starts. `None` at the end.
    pub next: Option<Cursor>,
}

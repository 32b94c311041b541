//! Dead letters.

use crate::{DeadLetterClaim, DeadLetterId, NewDeadLetter, Op, Result, limits, text};

pub(crate) fn dead_letter(op: &Op, letter: &NewDeadLetter) -> Result<()> {
    text::op(op)?;
    text::key("queue", &letter.queue)?;
    text::key("message_id", &letter.message_id)?;
    text::size("body", &letter.body, limits::MESSAGE)?;
    text::free("reason", &letter.reason, limits::TEXT)?;
    text::free("last_error", letter.last_error.as_deref().unwrap_or(""), limits::TEXT)?;
    text::time("first_enqueued_ms", letter.first_enqueued_ms)
}

/// The end of the lease.
pub(crate) fn dead_letter_claim(op: &Op, claim: &DeadLetterClaim) -> Result<i64> {
    dead_letter_ids(op, Some(&claim.owner), &claim.ids)?;
    text::lease_end(op, claim.lease)
}

pub(crate) fn dead_letter_ids(op: &Op, owner: Option<&str>, ids: &[DeadLetterId]) -> Result<()> {
    text::op(op)?;
    owner.map_or(Ok(()), |owner| text::key("owner", owner))?;
    text::count("ids", ids.len(), limits::MAX_ROWS)
}

/// Text as a JSON string, which holds what text in a database cannot: NUL.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "d1", feature = "d1-http"))]
pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

//! What the two ways to Cloudflare Queues share: how a message is read, and how a dead letter is written.

use crate::{Delivery, Message, delivery::Content, envelope};

/// The header of a dead letter that says why it was given up.
pub(super) const DEAD_REASON: &str = "presswork-dead-reason";
/// The header of a dead letter that says how often it had been delivered.
pub(super) const DEAD_ATTEMPTS: &str = "presswork-dead-attempts";

/// The most bytes of a dead letter's text: the platform's 128,000 less its own metadata.
const MAX_DEAD_LETTER_BYTES: usize = 127_800;
/// The most characters of a reason, which fit beside the longest message whatever their encoding.
const MAX_REASON: usize = 200;
/// An id that is longer was not written by this program.
const MAX_ID: usize = 64;

/// Reads a message: its content, its own id, the time it was sent. Id and time of the envelope come first: they are
/// those of the first send, also behind a redrive.
pub(super) fn opened(raw: &[u8], sent_ms: i64) -> (Content, Option<String>, i64) {
    match envelope::open(raw) {
        Ok(opened) => {
            let id = opened.id.filter(|id| !id.is_empty() && id.len() <= MAX_ID);
            let content = Content::Decoded(opened.message);
            (content, id, opened.sent_at_ms.unwrap_or(sent_ms))
        }
        Err(_) => (Content::decode(raw), None, sent_ms),
    }
}

/// A dead letter as text.
pub(super) fn dead_letter(delivery: &Delivery, reason: &str) -> String {
    let mut message = Message::new(delivery.body());
    message.headers = delivery.headers().clone().into();
    let reason: String = reason.chars().take(MAX_REASON).collect();
    message = message.header(DEAD_REASON, reason);
    if let Some(attempt) = delivery.attempt() {
        message = message.header(DEAD_ATTEMPTS, attempt.to_string());
    }
    let text = envelope::encode_with_id(&message, delivery.id().as_str(), delivery.enqueued_at_ms());
    match std::str::from_utf8(delivery.body()) {
        // Garbage that only just fitted goes as it came.
        Ok(raw) if text.len() > MAX_DEAD_LETTER_BYTES && delivery.undecodable().is_some() => raw.to_owned(),
        _ => text,
    }
}

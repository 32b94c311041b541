//! How a message lies on the server: `due_ms sent_ms attempts error_length id `, then the last error, then the envelope.
//! The scripts write the times; `lua/shared.lua` reads and writes the rest as this does.

use crate::{DeadLetter, Message, MessageId, Peeked, envelope};

pub(super) struct Record<'a> {
    pub(super) sent_ms: i64,
    /// Deliveries before the one under way.
    pub(super) attempts: u32,
    /// None when another program put it there.
    pub(super) id: Option<&'a str>,
    error: &'a str,
    pub(super) envelope: &'a [u8],
}

impl<'a> Record<'a> {
    pub(super) fn read(stored: &'a [u8]) -> Self {
        Self::whole(stored).unwrap_or(Self {
            sent_ms: 0,
            attempts: 0,
            id: None,
            error: "",
            envelope: stored,
        })
    }

    fn whole(stored: &'a [u8]) -> Option<Self> {
        let (_due, rest) = number(stored)?;
        let (sent_ms, rest) = number(rest)?;
        let (attempts, rest) = number(rest)?;
        let (length, rest) = number(rest)?;
        let end = rest.iter().position(|byte| *byte == b' ').filter(|end| *end > 0)?;
        let (error, envelope) = rest.get(end + 1..)?.split_at_checked(usize::try_from(length).ok()?)?;
        Some(Self {
            sent_ms,
            attempts: u32::try_from(attempts).ok()?,
            id: Some(std::str::from_utf8(&rest[..end]).ok()?),
            error: std::str::from_utf8(error).ok()?,
            envelope,
        })
    }

    /// Appends a new one to `text`, without its times.
    pub(super) fn write(text: &mut Vec<u8>, id: &MessageId, message: &Message, sent_ms: i64) {
        text.extend_from_slice(b"0 0 ");
        text.extend_from_slice(id.as_str().as_bytes());
        text.push(b' ');
        envelope::encode_into(text, message, sent_ms);
    }
}

/// A number and the rest behind its blank.
fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    let mut number: i64 = 0;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => number = number.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?,
            b' ' if at > 0 => return Some((number, &text[at + 1..])),
            _ => return None,
        }
    }
    None
}

/// Reads `dead_ms reason_length reason`, then the record.
pub(super) fn letter(id: MessageId, stored: &[u8]) -> Option<DeadLetter> {
    let (dead_at, rest) = number(stored)?;
    let (length, rest) = number(rest)?;
    let (reason, record) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let record = Record::read(record);
    let message = envelope::decode(record.envelope).unwrap_or_else(|_| Message::new(record.envelope));
    let (body, headers) = message.into_parts();
    let reason = String::from_utf8_lossy(reason).into_owned();
    Some(DeadLetter {
        headers,
        attempts: record.attempts,
        last_error: Some(record.error.to_owned()).filter(|error| !error.is_empty()),
        ..DeadLetter::new(id, body, reason, record.sent_ms, dead_at)
    })
}

/// What waits, due then; `missing` deliveries are not in its record yet.
pub(super) fn peeked(due_ms: i64, missing: u32, name: &str, stored: &[u8]) -> Peeked {
    let record = Record::read(stored);
    let id = MessageId::new(record.id.unwrap_or(name));
    Peeked {
        attempts: Some(record.attempts + missing),
        due_ms: Some(due_ms),
        ..Peeked::from_envelope(id, record.sent_ms, record.envelope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_and_whatever_is_none_is_an_envelope() {
        let record = Record::read(b"7 1764000000000 3 5 id-1 a b c{\"v\":1}");
        assert_eq!(
            (record.sent_ms, record.attempts, record.id),
            (1_764_000_000_000, 3, Some("id-1"))
        );
        assert_eq!((record.error, record.envelope), ("a b c", &b"{\"v\":1}"[..]));
        for foreign in [
            "",
            "garbage",
            "7",
            "7 7 7 7",
            "7 7 7 7 ",
            "7 7 7 9 id short",
            "7 7 7 7  two",
            "x 7 7 0 id y",
        ] {
            let record = Record::read(foreign.as_bytes());
            assert_eq!((record.id, record.envelope), (None, foreign.as_bytes()), "{foreign}");
        }
    }
}

//! The rules for text, in one place: the same input gives the same result or the same error on every backend.
//!
//! Nothing is normalised silently. Keys must be NFC already, because two spellings of one key are two rows.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Error, Op, Result, limits, platform};

pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> Error {
    Error::InvalidInput {
        field,
        reason: reason.into(),
    }
}

/// SHA-256 in hex over parts, each with its length before it, so that no two lists of parts look alike.
pub(crate) fn sha256_hex<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' + half - 10 });
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        hex.push(digit(byte >> 4));
        hex.push(digit(byte & 15));
    }
    hex
}

pub(crate) fn uuid(field: &'static str, text: &str) -> Result<Uuid> {
    match Uuid::try_parse(text) {
        Ok(id) if id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text => Ok(id),
        _ => Err(invalid(field, "is not a UUID in hyphenated lowercase form")),
    }
}

pub(crate) fn size(field: &'static str, text: &str, limit: usize) -> Result<()> {
    if text.len() > limit {
        return Err(Error::TooLarge {
            field,
            limit,
            found: text.len(),
        });
    }
    Ok(())
}

/// Text for people: any Unicode but NUL, which Postgres refuses and SQLite cuts at.
pub(crate) fn free(field: &'static str, text: &str, limit: usize) -> Result<()> {
    size(field, text, limit)?;
    // In blocks without a way out of them, which the compiler looks through many bytes at once.
    let block = |block: &[u8]| block.iter().fold(false, |found, byte| found | (*byte == 0));
    if text.as_bytes().chunks(64).any(block) {
        return Err(invalid(field, "holds a NUL character"));
    }
    Ok(())
}

/// Text that names something and may be empty.
pub(crate) fn key_or_empty(field: &'static str, text: &str) -> Result<()> {
    size(field, text, limits::KEY)?;
    if text.chars().any(char::is_control) {
        return Err(invalid(field, "holds a control character"));
    }
    if !platform::is_nfc(text) {
        return Err(invalid(field, "is not in Unicode normal form C"));
    }
    Ok(())
}

/// Text that names something.
pub(crate) fn key(field: &'static str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(invalid(field, "is empty"));
    }
    key_or_empty(field, text)
}

pub(crate) fn slug(text: &str) -> Result<()> {
    size("slug", text, limits::SLUG)?;
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if text.split('-').all(word) {
        Ok(())
    } else {
        Err(invalid(
            "slug",
            "is not lowercase letters and digits in words joined by single hyphens",
        ))
    }
}

/// JSON with sorted keys, so that equal values have equal text whatever order they arrived in.
pub(crate) fn json(field: &'static str, value: &Value, limit: usize) -> Result<String> {
    let mut text = String::new();
    write_sorted(value, &mut text);
    size(field, &text, limit)?;
    Ok(text)
}

/// How long the value is as JSON, in whatever order of keys.
pub(crate) fn json_size(field: &'static str, value: &impl Serialize, limit: usize) -> Result<()> {
    let mut found = Counted(0);
    serde_json::to_writer(&mut found, value).map_err(|error| invalid(field, format!("is no JSON: {error}")))?;
    if found.0 > limit {
        let found = found.0;
        return Err(Error::TooLarge { field, limit, found });
    }
    Ok(())
}

struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        self.0 += part.len();
        Ok(part.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn write_sorted(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (n, (key, value)) in entries.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                let _ = write!(out, "{}:", Value::String(key.clone()));
                write_sorted(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_sorted(item, out);
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

pub(crate) fn time(field: &'static str, ms: i64) -> Result<()> {
    if (0..=limits::NUMBER).contains(&ms) {
        Ok(())
    } else {
        Err(invalid(field, format!("is {ms}; a time is 0..=2^53-1 milliseconds")))
    }
}

pub(crate) fn number(field: &'static str, number: u64) -> Result<i64> {
    match i64::try_from(number) {
        Ok(number) if number <= limits::NUMBER => Ok(number),
        _ => Err(invalid(field, format!("is {number}; numbers end at 2^53-1"))),
    }
}

pub(crate) fn op(op: &Op) -> Result<()> {
    time("op time", op.at_ms)
}

/// The end of a lease that starts with the op.
pub(crate) fn lease_end(op: &Op, lease: Duration) -> Result<i64> {
    let ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
    if ms == 0 {
        return Err(invalid("lease", "is shorter than a millisecond"));
    }
    let end = op.at_ms.saturating_add(ms);
    time("lease end", end)?;
    Ok(end)
}

/// A number of rows asked for.
pub(crate) fn rows(limit: u32) -> Result<usize> {
    match usize::try_from(limit) {
        Ok(rows) if (1..=limits::MAX_ROWS).contains(&rows) => Ok(rows),
        _ => Err(invalid(
            "limit",
            format!("is {limit}; it must be 1..={}", limits::MAX_ROWS),
        )),
    }
}

/// A number of rows given.
pub(crate) fn count(field: &'static str, found: usize, limit: usize) -> Result<()> {
    if found > limit {
        return Err(invalid(field, format!("holds {found} rows; the limit is {limit}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_json_has_equal_text() {
        let one: Value = serde_json::from_str(r#"{"b":[1,{"y":null,"x":2.5}],"a":"ü\""}"#).unwrap();
        let text = json("topic", &one, 100).unwrap();
        assert_eq!(text, r#"{"a":"ü\"","b":[1,{"x":2.5,"y":null}]}"#);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), one);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(sha256_hex(["ab", "c"]), sha256_hex(["a", "bc"]));
    }

    #[test]
    fn slugs() {
        for good in ["a", "7", "cape-town-2", &"x".repeat(75)] {
            assert!(slug(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "ä", "a b", "a/b", &"x".repeat(76)] {
            assert!(slug(bad).is_err(), "{bad}");
        }
    }
}

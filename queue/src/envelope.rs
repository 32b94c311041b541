//! The form in which a message travels: versioned JSON text, the same on every backend.
//!
//! ```json
//! {"v":1,"body":"{\"page\":7}","headers":{"trace":"00-…"},"sent_at_ms":1764000000000}
//! ```
//!
//! A body that is UTF-8 travels as it is; any other travels with `"encoding":"base64"`. Text survives every transport:
//! typed sends through the Workers binding turn maps into `{}`, the REST API takes no bytes.
//! A queue that names no ids adds its own as `id`. Unknown fields are ignored; an unknown version or encoding is an error of that one message.

use std::{borrow::Cow, collections::BTreeMap, io};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::Message;

/// The version this program writes, and the only one it reads.
pub const VERSION: u64 = 1;

#[derive(Serialize)]
struct Writing<'a> {
    v: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    body: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: &'a BTreeMap<String, String>,
    sent_at_ms: i64,
}

#[derive(Deserialize)]
struct Reading<'a> {
    v: Option<u64>,
    /// Of any type, for an envelope is not refused because of it.
    id: Option<serde_json::Value>,
    #[serde(borrow)]
    body: Option<Cow<'a, str>>,
    #[serde(borrow)]
    encoding: Option<Cow<'a, str>>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    sent_at_ms: Option<serde_json::Value>,
}

/// What an envelope holds.
#[cfg_attr(not(any(feature = "cloudflare", feature = "cloudflare-http")), allow(dead_code))] // the other queues keep id and time themselves
pub(crate) struct Opened {
    pub(crate) message: Message,
    pub(crate) id: Option<String>,
    pub(crate) sent_at_ms: Option<i64>,
}

fn writing(message: &Message, sent_at_ms: i64) -> Writing<'_> {
    let (body, encoding) = match std::str::from_utf8(&message.body) {
        Ok(text) => (Cow::Borrowed(text), None),
        Err(_) => (Cow::Owned(STANDARD.encode(&message.body)), Some("base64")),
    };
    Writing {
        v: VERSION,
        id: None,
        body,
        encoding,
        headers: &message.headers,
        sent_at_ms,
    }
}

/// Writes the envelope of `message`, sent at `sent_at_ms` of Unix time.
pub fn encode(message: &Message, sent_at_ms: i64) -> String {
    // Strings, integers and a map with string keys always have a JSON form.
    serde_json::to_string(&writing(message, sent_at_ms)).unwrap_or_default()
}

/// Writes the envelope of `message` with the id it has, for a queue that names none when it takes a message.
#[cfg(any(feature = "cloudflare", feature = "cloudflare-http"))]
pub(crate) fn encode_with_id(message: &Message, id: &str, sent_at_ms: i64) -> String {
    let writing = Writing {
        id: Some(id),
        ..writing(message, sent_at_ms)
    };
    serde_json::to_string(&writing).unwrap_or_default()
}

/// The length of the envelope for a time of 13 digits, which all times until the year 2286 are.
pub(crate) fn encoded_len(message: &Message) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, &writing(message, 1_000_000_000_000)) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

/// Reads an envelope; the error says what is wrong without quoting the content.
///
/// # Errors
/// A sentence for [`Error::Undecodable`](crate::Error::Undecodable).
pub fn decode(raw: &[u8]) -> Result<Message, String> {
    open(raw).map(|opened| opened.message)
}

pub(crate) fn open(raw: &[u8]) -> Result<Opened, String> {
    let reading: Reading<'_> = serde_json::from_slice(raw)
        .map_err(|error| format!("not an envelope: line {}, column {}", error.line(), error.column()))?;
    match reading.v {
        None => return Err("not an envelope: no version".to_owned()),
        Some(VERSION) => {}
        Some(other) => {
            return Err(format!(
                "envelope version {other} is unknown; this program reads {VERSION}"
            ));
        }
    }
    let body = reading.body.ok_or("not an envelope: no body")?;
    let body = match reading.encoding.as_deref() {
        None => body.into_owned().into_bytes(),
        Some("base64") => STANDARD
            .decode(body.as_bytes())
            .map_err(|_| "the body is not valid base64")?,
        Some(_) => return Err("the body has an unknown encoding".to_owned()),
    };
    Ok(Opened {
        message: Message {
            body,
            headers: reading.headers,
            ..Message::default()
        },
        id: reading.id.and_then(|id| id.as_str().map(str::to_owned)),
        sent_at_ms: reading.sent_at_ms.and_then(|ms| ms.as_i64()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_travels_as_it_is() {
        let text = encode(&Message::new("{\"page\":7}").header("k", "v"), 1_764_000_000_000);
        assert_eq!(
            text,
            r#"{"v":1,"body":"{\"page\":7}","headers":{"k":"v"},"sent_at_ms":1764000000000}"#
        );
    }

    #[test]
    fn bytes_travel_as_base64_and_lengths_agree() {
        let all: Vec<u8> = (0..=255).collect();
        for body in [all, b"plain \"quoted\" \n".to_vec(), Vec::new(), "🦀\0".into()] {
            let message = Message::new(body).header("a\"b", "ü");
            let text = encode(&message, 1_764_000_000_000);
            assert_eq!(text.len(), message.encoded_len());
            assert_eq!(decode(text.as_bytes()).as_ref(), Ok(&message));
        }
    }

    #[test]
    fn what_is_no_envelope_says_why() {
        for (raw, why) in [
            ("garbage", "not an envelope: line 1"),
            ("{\"id\":7}", "no version"),
            ("[]", "not an envelope"),
            ("{\"v\":9,\"body\":\"\"}", "envelope version 9 is unknown"),
            ("{\"v\":1}", "no body"),
            ("{\"v\":1,\"body\":\"x\",\"encoding\":\"base64\"}", "base64"),
            ("{\"v\":1,\"body\":\"x\",\"encoding\":\"rot13\"}", "unknown encoding"),
        ] {
            let error = decode(raw.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{raw}: {error}");
        }
    }

    #[test]
    fn unknown_fields_are_ignored() {
        assert_eq!(decode(br#"{"v":1,"body":"x","later":[1]}"#), Ok(Message::new("x")));
    }
}

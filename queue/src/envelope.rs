//! The form in which a message travels: versioned JSON text, the same on every backend.
//!
//! ```json
//! {"v":1,"body":"{\"page\":7}","headers":{"trace":"00-…"},"sent_at_ms":1764000000000}
//! ```
//!
//! A body that is UTF-8 travels as it is; any other travels with `"encoding":"base64"`. Text survives every transport:
//! typed sends through the Workers binding turn maps into `{}`, the REST API takes no bytes.
//! A queue that names no ids adds its own as `id`. Unknown fields are ignored; an unknown version or encoding is an error of that one message.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use crate::Message;

/// The version this program writes, and the only one it reads.
pub const VERSION: u64 = 1;

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

/// Writes the envelope of `message`, sent at `sent_at_ms` of Unix time.
pub fn encode(message: &Message, sent_at_ms: i64) -> String {
    let mut text = Vec::new();
    encode_into(&mut text, message, sent_at_ms);
    String::from_utf8(text).unwrap_or_default()
}

/// As [`encode`], behind what `text` holds.
pub(crate) fn encode_into(text: &mut Vec<u8>, message: &Message, sent_at_ms: i64) {
    write(text, message, None, sent_at_ms);
}

/// Writes the envelope of `message` with the id it has, for a queue that names none when it takes a message.
#[cfg(any(feature = "cloudflare", feature = "cloudflare-http"))]
pub(crate) fn encode_with_id(message: &Message, id: &str, sent_at_ms: i64) -> String {
    let mut text = Vec::new();
    write(&mut text, message, Some(id), sent_at_ms);
    String::from_utf8(text).unwrap_or_default()
}

/// Bodies are most of what is sent and seldom need an escape; a writer that looks at each byte would be most of the work.
fn write(text: &mut Vec<u8>, message: &Message, id: Option<&str>, sent_at_ms: i64) {
    // Some room for what has to be escaped.
    text.reserve(message.body.len() + message.body.len() / 8 + 2 * FRAME);
    text.extend_from_slice(b"{\"v\":1,");
    if let Some(id) = id {
        text.extend_from_slice(b"\"id\":");
        write_string(text, id);
        text.push(b',');
    }
    text.extend_from_slice(b"\"body\":");
    match std::str::from_utf8(&message.body) {
        Ok(body) => write_string(text, body),
        Err(_) => {
            write_string(text, &STANDARD.encode(message.body()));
            text.extend_from_slice(b",\"encoding\":\"base64\"");
        }
    }
    let mut before: &[u8] = b",\"headers\":{";
    for (key, value) in message.headers() {
        text.extend_from_slice(before);
        write_string(text, key);
        text.push(b':');
        write_string(text, value);
        before = b",";
    }
    if !message.headers().is_empty() {
        text.push(b'}');
    }
    text.extend_from_slice(b",\"sent_at_ms\":");
    text.extend_from_slice(sent_at_ms.to_string().as_bytes());
    text.push(b'}');
}

/// Writes a string of JSON: <https://www.rfc-editor.org/rfc/rfc8259#section-7>.
fn write_string(text: &mut Vec<u8>, string: &str) {
    text.push(b'"');
    for chunk in string.as_bytes().chunks(32) {
        // The whole chunk at once, without a branch per byte.
        if !chunk.iter().fold(false, |any, byte| any | is_escaped(*byte)) {
            text.extend_from_slice(chunk);
            continue;
        }
        let mut rest = chunk;
        while let Some(at) = rest.iter().position(|byte| is_escaped(*byte)) {
            text.extend_from_slice(&rest[..at]);
            let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit & 15)];
            match rest[at] {
                b'"' => text.extend_from_slice(b"\\\""),
                b'\\' => text.extend_from_slice(b"\\\\"),
                b'\n' => text.extend_from_slice(b"\\n"),
                b'\r' => text.extend_from_slice(b"\\r"),
                b'\t' => text.extend_from_slice(b"\\t"),
                0x08 => text.extend_from_slice(b"\\b"),
                0x0c => text.extend_from_slice(b"\\f"),
                other => text.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(other >> 4), hex(other)]),
            }
            rest = &rest[at + 1..];
        }
        text.extend_from_slice(rest);
    }
    text.push(b'"');
}

fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Everything but body, encoding and headers, for a time of 13 digits, which all times until the year 2286 are.
const FRAME: usize = r#"{"v":1,"body":"","sent_at_ms":1000000000000}"#.len();

/// The length of the envelope.
pub(crate) fn encoded_len(message: &Message) -> usize {
    let body = match std::str::from_utf8(&message.body) {
        Ok(text) => escaped_len(text),
        Err(_) => message.body.len().div_ceil(3) * 4 + r#","encoding":"base64""#.len(),
    };
    let headers: usize = message
        .headers()
        .iter()
        .map(|(key, value)| header_len(escaped_len(key), escaped_len(value)))
        .sum();
    // Each header brings its comma; the first has none, but the frame of them all does.
    let frame = if headers == 0 { 0 } else { r#""headers":{}"#.len() };
    FRAME + body + headers + frame
}

/// No envelope of `message` is longer; found without looking at every byte.
pub(crate) fn len_at_most(message: &Message) -> usize {
    // The longest escape is `\u001f`.
    let headers = message.headers().iter();
    let headers: usize = headers
        .map(|(key, value)| header_len(key.len() * 6, value.len() * 6))
        .sum();
    FRAME + message.body.len() * 6 + headers + 64
}

/// `"key":"value",`
fn header_len(key: usize, value: usize) -> usize {
    key + value + 6
}

/// How long `text` is between the quotes of JSON.
fn escaped_len(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
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
            body: Arc::new(body),
            headers: reading.headers.into(),
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
            let bare = Message::new(body);
            let one = bare.clone().header("a\"b", "ü");
            let two = one.clone().header("", "\u{1f}\u{7f}\u{8}\u{c}\r\t");
            for message in [bare, one, two] {
                let text = encode(&message, 1_764_000_000_000);
                assert_eq!(text.len(), message.encoded_len(), "{text}");
                assert!(text.len() <= len_at_most(&message), "{text}");
                assert_eq!(decode(text.as_bytes()).as_ref(), Ok(&message));
            }
        }
        for place in 0..70 {
            let text: String = (0..70).map(|at| if at == place { '"' } else { 'ü' }).collect();
            let message = Message::new(text.clone());
            let read: serde_json::Value = serde_json::from_str(&encode(&message, 7)).unwrap();
            assert_eq!(read, serde_json::json!({"v": VERSION, "body": text, "sent_at_ms": 7}));
        }
        for code in (0..0x250).chain([0x2028, 0xfffd, 0x1f980]) {
            let text: String = char::from_u32(code).into_iter().collect();
            let message = Message::new(text.repeat(3));
            assert_eq!(
                encode(&message, 1_764_000_000_000).len(),
                message.encoded_len(),
                "{text:?}"
            );
            assert!(message.encoded_len() <= len_at_most(&message), "{text:?}");
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

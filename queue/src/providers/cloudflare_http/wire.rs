//! What travels: the requests, the answers, and what a body means.
//! <https://developers.cloudflare.com/api/resources/queues/subresources/messages/>

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// One message to send. Always text: the one content type that comes back as it went, on every path.
#[derive(Serialize)]
pub(super) struct Outgoing {
    pub(super) body: String,
    content_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_seconds: Option<u32>,
}

impl Outgoing {
    pub(super) fn new(body: String, delay: Duration) -> Self {
        Self {
            body,
            content_type: "text",
            // No delay leaves the queue its own.
            delay_seconds: Some(seconds(delay)).filter(|seconds| *seconds > 0),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Batch {
    pub(super) messages: Vec<Outgoing>,
}

#[derive(Serialize)]
pub(super) struct Pull {
    pub(super) batch_size: usize,
    pub(super) visibility_timeout_ms: i64,
}

#[derive(Serialize)]
pub(super) struct Peek {
    pub(super) batch_size: usize,
}

#[derive(Default, Serialize)]
pub(super) struct Verdicts<'a> {
    pub(super) acks: Vec<Ack<'a>>,
    pub(super) retries: Vec<Retry<'a>>,
}

#[derive(Serialize)]
pub(super) struct Ack<'a> {
    pub(super) lease_id: &'a str,
}

#[derive(Serialize)]
pub(super) struct Retry<'a> {
    pub(super) lease_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delay_seconds: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct Refs<'a> {
    pub(super) refs: Vec<Ref<'a>>,
}

#[derive(Serialize)]
pub(super) struct Ref<'a> {
    #[serde(rename = "ref")]
    pub(super) reference: &'a str,
}

/// The envelope of every answer.
#[derive(Deserialize)]
pub(super) struct Reply<T> {
    #[serde(default)]
    pub(super) success: Option<bool>,
    #[serde(default)]
    pub(super) errors: Vec<Problem>,
    pub(super) result: Option<T>,
}

#[derive(Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    pub(super) code: u32,
    #[serde(default)]
    pub(super) message: String,
}

/// An answer of which nothing is read.
#[derive(Deserialize)]
pub(super) struct Anything {}

#[derive(Deserialize)]
pub(super) struct Messages {
    #[serde(default)]
    pub(super) messages: Vec<Incoming>,
}

#[derive(Deserialize)]
pub(super) struct Incoming {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    body: Option<serde_json::Value>,
    pub(super) attempts: Option<u32>,
    pub(super) timestamp_ms: Option<f64>,
    #[serde(default)]
    pub(super) lease_id: String,
    #[serde(default, rename = "ref")]
    pub(super) reference: String,
    #[serde(default)]
    metadata: BTreeMap<String, serde_json::Value>,
}

impl Incoming {
    /// When it was sent, in milliseconds of Unix time, if the service says.
    #[allow(clippy::cast_possible_truncation)] // a time, which has 13 digits
    pub(super) fn sent_at_ms(&self) -> Option<i64> {
        self.timestamp_ms.map(|ms| ms as i64)
    }

    /// The bytes of the body. Text comes as it is, everything else in base64; some answers show JSON as it is too.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let text = match &self.body {
            None => return Vec::new(),
            Some(serde_json::Value::String(text)) => text,
            Some(other) => return other.to_string().into_bytes(),
        };
        let kind = self.metadata.get("CF-Content-Type").and_then(|kind| kind.as_str());
        match kind {
            None | Some("text") => text.clone().into_bytes(),
            Some(kind) => {
                let decoded = STANDARD.decode(text).ok();
                let is_json = |bytes: &Vec<u8>| serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
                let decoded = decoded.filter(|bytes| kind != "json" || is_json(bytes));
                decoded.unwrap_or_else(|| text.clone().into_bytes())
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Settled {
    #[serde(rename = "ackCount")]
    pub(super) acks: Option<usize>,
    #[serde(rename = "retryCount")]
    pub(super) retries: Option<usize>,
    /// A map from lease to reason; an array of reasons in older services.
    #[serde(default)]
    pub(super) warnings: serde_json::Value,
}

#[derive(Deserialize)]
pub(super) struct Metrics {
    pub(super) backlog_count: Option<f64>,
    pub(super) backlog_bytes: Option<f64>,
    pub(super) oldest_message_timestamp_ms: Option<f64>,
}

#[derive(Deserialize)]
pub(super) struct Purge {
    /// Set when it is done.
    #[serde(default)]
    pub(super) completed: serde_json::Value,
}

/// Whole seconds, rounded up: never early.
pub(super) fn seconds(delay: Duration) -> u32 {
    let whole = delay.as_secs().saturating_add(u64::from(delay.subsec_nanos() > 0));
    u32::try_from(whole).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(kind: &str, body: &str) -> Vec<u8> {
        let message = format!(r#"{{"body":{body},"metadata":{{"CF-Content-Type":"{kind}"}}}}"#);
        serde_json::from_str::<Incoming>(&message).unwrap().bytes()
    }

    #[test]
    fn bodies_of_every_type_are_read() {
        assert_eq!(
            body("text", r#""eyJhIjoxfQ==""#),
            b"eyJhIjoxfQ==",
            "text is never decoded"
        );
        assert_eq!(body("json", r#""eyJhIjoxfQ==""#), b"{\"a\":1}");
        assert_eq!(
            body("json", r#""{\"a\":1}""#),
            b"{\"a\":1}",
            "as one page of the documents shows it"
        );
        assert_eq!(body("json", r#"{"a":1}"#), b"{\"a\":1}");
        assert_eq!(body("bytes", r#""AP8=""#), [0, 255]);
        assert_eq!(body("v8", r#""/w8=""#), [255, 15]);
        assert_eq!(body("bytes", r#""not base64""#), b"not base64");
        assert_eq!(serde_json::from_str::<Incoming>("{}").unwrap().bytes(), b"");
    }

    #[test]
    fn a_message_is_sent_as_text_without_a_wrapper() {
        let one = serde_json::to_string(&Outgoing::new("x".to_owned(), Duration::ZERO)).unwrap();
        assert_eq!(one, r#"{"body":"x","content_type":"text"}"#);
        let later = Outgoing::new("x".to_owned(), Duration::from_millis(1_001));
        assert_eq!(
            serde_json::to_string(&later).unwrap(),
            r#"{"body":"x","content_type":"text","delay_seconds":2}"#
        );
    }
}

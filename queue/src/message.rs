//! What is sent: [`Message`], and the [`MessageId`] it gets.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde::Serialize;

use crate::{Error, Result, envelope};

/// A message to send: bytes, headers, and how it wants to be treated.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub(crate) body: Vec<u8>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) delay: Duration,
}

impl Message {
    /// A message of these bytes. Any bytes will do.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    /// A message of `payload` as JSON; read back with [`Delivery::json`](crate::Delivery::json).
    ///
    /// # Errors
    /// [`Error::InvalidMessage`] when `payload` has no JSON form, such as a map whose keys are not strings.
    pub fn json<T: Serialize + ?Sized>(payload: &T) -> Result<Self> {
        match serde_json::to_vec(payload) {
            Ok(body) => Ok(Self::new(body)),
            Err(error) => Err(Error::InvalidMessage {
                provider: "message",
                message: format!("the payload has no JSON form: {error}"),
            }),
        }
    }

    /// Adds a header; the same key again replaces it.
    #[must_use]
    pub fn header(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(key.into(), value.into());
        self
    }

    /// Makes a repeated send of one intent harmless: a second message with this key, within the queue's
    /// [`idempotency_ttl`](crate::Capabilities::idempotency_ttl), is not stored.
    ///
    /// Keep the key over repeated attempts and change it with the intent. At most 512 bytes, not empty.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Delivers no sooner than `delay` from now; parts of a millisecond round up.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The headers.
    pub fn headers(&self) -> &BTreeMap<String, String> {
        &self.headers
    }

    /// The idempotency key, if one was set. It does not travel: a delivery does not show it.
    pub fn key(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }

    /// The least time before the first delivery.
    pub fn delay_time(&self) -> Duration {
        self.delay
    }

    /// The bytes this message takes on the wire, envelope included. Limits count these.
    pub fn encoded_len(&self) -> usize {
        envelope::encoded_len(self)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies may be private and may be long; logs get their size.
        f.debug_struct("Message")
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("headers", &self.headers.keys())
            .field("idempotency_key", &self.idempotency_key)
            .field("delay", &self.delay)
            .finish()
    }
}

/// The id a queue gave a message. Opaque; cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(Arc<str>);

impl MessageId {
    /// An id as the backend wrote it.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for MessageId {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<String> for MessageId {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}

//! What is sent: [`Message`], and the [`MessageId`] it gets.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde::Serialize;

use crate::{Error, Result, envelope, text::Text};

/// A message to send: bytes, headers, and how it wants to be treated. Cheap to clone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub(crate) body: Arc<Vec<u8>>,
    pub(crate) headers: Headers,
    pub(crate) idempotency_key: Option<Arc<str>>,
    pub(crate) delay: Duration,
}

/// Headers, shared until someone changes them; none cost nothing.
#[derive(Clone, Default)]
pub(crate) struct Headers(Option<Arc<BTreeMap<String, String>>>);

impl Headers {
    pub(crate) fn map(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.0.as_deref().unwrap_or(&NONE)
    }

    pub(crate) fn edit(&mut self) -> &mut BTreeMap<String, String> {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    pub(crate) fn into_map(self) -> BTreeMap<String, String> {
        self.0.map(Arc::unwrap_or_clone).unwrap_or_default()
    }
}

impl From<BTreeMap<String, String>> for Headers {
    fn from(map: BTreeMap<String, String>) -> Self {
        Self(Some(map).filter(|map| !map.is_empty()).map(Arc::new))
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.map() == other.map()
    }
}

impl Eq for Headers {}

impl Message {
    /// A message of these bytes. Any bytes will do.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: Arc::new(body.into()),
            headers: Headers::default(),
            idempotency_key: None,
            delay: Duration::ZERO,
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
        self.headers.edit().insert(key.into(), value.into());
        self
    }

    /// Makes a repeated send of one intent harmless: a second message with this key, within the queue's
    /// [`idempotency_ttl`](crate::Capabilities::idempotency_ttl), is not stored.
    ///
    /// Keep the key over repeated attempts and change it with the intent. At most 512 bytes, not empty.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into().into());
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
        self.headers.map()
    }

    /// The idempotency key, if one was set. It does not travel: a delivery does not show it.
    pub fn key(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }

    /// The least time before the first delivery.
    pub fn delay_time(&self) -> Duration {
        self.delay
    }

    pub(crate) fn into_parts(self) -> (Vec<u8>, BTreeMap<String, String>) {
        (Arc::unwrap_or_clone(self.body), self.headers.into_map())
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
            .field("headers", &self.headers().keys())
            .field("idempotency_key", &self.idempotency_key)
            .field("delay", &self.delay)
            .finish()
    }
}

/// The id a queue gave a message. Opaque; cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(Text);

impl MessageId {
    /// An id as the backend wrote it.
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(Text::new(id.as_ref()))
    }

    /// The id of a backend that numbers its messages.
    pub(crate) fn of_number(number: u64) -> Self {
        Self(Text::of_number(number))
    }

    pub(crate) fn as_number(&self) -> Option<u64> {
        self.0.as_number()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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

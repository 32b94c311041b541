//! What is received: [`Delivery`], the [`Lease`] it stands under, and its [`Settlement`].

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::de::DeserializeOwned;

use crate::{Error, Message, MessageId, Outcome, Result, envelope, text::Text};

/// One delivery of one message.
#[derive(Clone)]
pub struct Delivery {
    lease: Lease,
    attempt: Option<u32>,
    enqueued_at_ms: i64,
    content: Content,
}

#[derive(Clone)]
pub(crate) enum Content {
    Decoded(Message),
    Undecodable { raw: Arc<[u8]>, reason: Arc<str> },
}

impl Content {
    /// Reads an envelope; what is none becomes [`Content::Undecodable`].
    pub(crate) fn decode(raw: &[u8]) -> Self {
        match envelope::decode(raw) {
            Ok(message) => Self::Decoded(message),
            Err(reason) => Self::Undecodable {
                raw: raw.into(),
                reason: reason.into(),
            },
        }
    }
}

impl Delivery {
    /// The delivery of the envelope `raw`, as a backend read it. Cannot fail: what is no envelope is delivered as
    /// [`undecodable`](Self::undecodable).
    pub fn from_envelope(lease: Lease, attempt: Option<u32>, enqueued_at_ms: i64, raw: &[u8]) -> Self {
        Self::with_content(lease, attempt, enqueued_at_ms, Content::decode(raw))
    }

    pub(crate) fn with_content(lease: Lease, attempt: Option<u32>, enqueued_at_ms: i64, content: Content) -> Self {
        Self {
            lease,
            attempt,
            enqueued_at_ms,
            content,
        }
    }

    /// The same delivery of other content.
    pub(crate) fn with_message(self, message: Message) -> Self {
        Self {
            content: Content::Decoded(message),
            ..self
        }
    }

    /// The same delivery, which cannot be read because of `reason`.
    pub(crate) fn without_body(self, reason: &str) -> Self {
        Self {
            content: Content::Undecodable {
                raw: Arc::from([].as_slice()),
                reason: reason.into(),
            },
            ..self
        }
    }

    /// The message's id.
    pub fn id(&self) -> &MessageId {
        &self.lease.id
    }

    /// Which delivery of this message it is, starting at 1; `None` where the backend does not say.
    pub fn attempt(&self) -> Option<u32> {
        self.attempt
    }

    /// The body; the raw bytes from the queue when they could not be decoded.
    pub fn body(&self) -> &[u8] {
        match &self.content {
            Content::Decoded(message) => &message.body,
            Content::Undecodable { raw, .. } => raw,
        }
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`Error::Undecodable`] when the envelope or the body does not read as `T`; the message names the place, not the content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        if let Some(error) = self.undecodable() {
            return Err(error);
        }
        serde_json::from_slice(self.body()).map_err(|error| Error::Undecodable {
            id: self.id().clone(),
            // serde_json quotes the value it stumbled over; the place is enough.
            message: format!(
                "the body does not read as the expected type at line {}, column {}",
                error.line(),
                error.column()
            ),
        })
    }

    /// The error when the envelope could not be read, else `None`.
    pub fn undecodable(&self) -> Option<Error> {
        match &self.content {
            Content::Decoded(_) => None,
            Content::Undecodable { reason, .. } => Some(Error::Undecodable {
                id: self.id().clone(),
                message: reason.to_string(),
            }),
        }
    }

    /// The headers; none when the envelope could not be read.
    pub fn headers(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        match &self.content {
            Content::Decoded(message) => message.headers(),
            Content::Undecodable { .. } => &NONE,
        }
    }

    /// When the message was first sent, in milliseconds of Unix time.
    pub fn enqueued_at_ms(&self) -> i64 {
        self.enqueued_at_ms
    }

    /// The lease this delivery is settled under.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("lease", &self.lease)
            .field("attempt", &self.attempt)
            .field("enqueued_at_ms", &self.enqueued_at_ms)
            .field("body", &format_args!("{} bytes", self.body().len()))
            .field("decoded", &matches!(self.content, Content::Decoded(_)))
            .finish()
    }
}

/// The right to settle one delivery, until it is superseded by a later one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    id: MessageId,
    token: Text,
    expires_at_ms: Option<i64>,
}

impl Lease {
    /// A lease on message `id` under the backend's `token`.
    pub fn new(id: MessageId, token: impl AsRef<str>) -> Self {
        Self {
            id,
            token: Text::new(token.as_ref()),
            expires_at_ms: None,
        }
    }

    /// A lease of a backend that counts them.
    pub(crate) fn of_number(id: MessageId, token: u64) -> Self {
        Self {
            id,
            token: Text::of_number(token),
            expires_at_ms: None,
        }
    }

    pub(crate) fn as_number(&self) -> Option<u64> {
        self.token.as_number()
    }

    /// Sets the end of the lease, in milliseconds of Unix time.
    #[must_use]
    pub fn expires_at(mut self, ms: i64) -> Self {
        self.expires_at_ms = Some(ms);
        self
    }

    /// The message's id.
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// What the backend tells this lease from others by.
    pub fn token(&self) -> &str {
        self.token.as_str()
    }

    /// When the lease ends, in milliseconds of Unix time by the queue's clock; `None` where there is no end.
    pub fn expires_at_ms(&self) -> Option<i64> {
        self.expires_at_ms
    }
}

/// A verdict on one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The lease of the delivery.
    pub lease: Lease,
    /// What becomes of the message.
    pub verdict: Outcome,
}

impl Settlement {
    /// A verdict on the delivery under `lease`.
    pub fn new(lease: Lease, verdict: Outcome) -> Self {
        Self { lease, verdict }
    }
}

/// What came of one [`Settlement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settled {
    /// The verdict was applied.
    Done,
    /// The lease no longer counts: the message was settled or delivered anew. Nothing was changed.
    Stale,
    /// The retry found no attempts left: the message is a dead letter now.
    Exhausted,
    /// The dead letter could not be stored elsewhere now: the message is delivered again.
    Postponed,
}

const _: fn() = || {
    fn pin<T: Send + Sync + 'static>() {}
    pin::<Delivery>();
    pin::<Settlement>();
    pin::<Message>();
};

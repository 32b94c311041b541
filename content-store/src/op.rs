//! Ids, and the op: one logical change.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Result, platform, text};

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub(crate) Uuid);

        impl $name {
            /// A new id, later in order than every id this process made before.
            #[must_use]
            #[allow(clippy::new_without_default)] // two defaults would differ
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Takes the hyphenated lowercase form alone, so that one id has one spelling.
            fn from_str(text: &str) -> Result<Self> {
                text::uuid($field, text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

uuid_id!(
    /// The id of one logical change (UUIDv7).
    OpId,
    "op id"
);
uuid_id!(
    /// The id of a page (UUIDv7).
    PageId,
    "page id"
);
uuid_id!(
    /// The id of a post ledger row (UUIDv7).
    PostId,
    "post id"
);

uuid_id!(
    /// The id of a dead letter (UUIDv7).
    DeadLetterId,
    "dead letter id"
);

/// The id of an outbox row: the op that wrote it and its place in that write (`<op id>/<n>`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutboxId(String);

impl OutboxId {
    /// The id of the `n`-th row that `op` wrote, counted from 0.
    #[must_use]
    pub fn nth(op: &OpId, n: usize) -> Self {
        // Padded, so that the order of ids is the order of writing.
        Self(format!("{op}/{n:03}"))
    }

    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "d1", feature = "d1-http"))]
    pub(crate) fn from_row(text: String) -> Self {
        Self(text)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OutboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One logical change: its id and the caller's time.
///
/// Make one `Op` per change and keep it until the change is answered. When the answer is lost
/// ([`Error::OutcomeUnknown`]), repeat the call with the *same* `Op`: it changes nothing a second time and
/// gives the first result. A *different* change with a used op is refused ([`Error::OpReused`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Op {
    /// The id of the change.
    pub id: OpId,
    /// The time of the change in epoch milliseconds, UTC. Stores never look at a clock of their own.
    pub at_ms: i64,
}

impl Op {
    /// A new change, now.
    #[must_use]
    pub fn now() -> Self {
        Self::at(platform::now_ms())
    }

    /// A new change at the given time (epoch milliseconds, UTC).
    ///
    /// The time is checked where the op is used: outside 0..=2^53-1 every write answers
    /// [`Error::InvalidInput`].
    #[must_use]
    pub fn at(at_ms: i64) -> Self {
        Self { id: OpId::new(), at_ms }
    }

    /// A change whose id the caller keeps, for one that outlives its process.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when the time is outside 0..=2^53-1.
    pub fn with_id(id: OpId, at_ms: i64) -> Result<Self> {
        let op = Self { id, at_ms };
        text::op(&op)?;
        Ok(op)
    }
}

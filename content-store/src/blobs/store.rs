//! [`BlobStore`]: bytes by the hash over them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// Bytes by the hash over them: a key is never put with other bytes, so every call may be repeated.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Keeps bytes. When it answers, they survive the process, in a store that does.
    ///
    /// - What was put is what [`get`](Self::get) gives, and a second put changes nothing but the time of the last put
    ///   (`put_keeps_the_bytes_and_may_be_repeated`).
    async fn put(&self, key: &BlobKey, bytes: &[u8]) -> Result<()>;

    /// The bytes of a key.
    ///
    /// - `None` for a key that was never put, or was deleted (`get_of_an_unknown_key_is_none`).
    async fn get(&self, key: &BlobKey) -> Result<Option<Vec<u8>>>;

    /// Forgets a key.
    ///
    /// - A key that is not there is no error, and others stay (`delete_forgets_one_key_and_may_be_repeated`).
    async fn delete(&self, key: &BlobKey) -> Result<()>;

    /// Keys after `after` in their order, from the first without one, at most `limit` (1..=[`limits::MAX_ROWS`](crate::limits::MAX_ROWS)).
    ///
    /// - Followed to its end it gives every key once, with the time of its last put (`list_gives_every_key_once`).
    async fn list<'a>(&self, after: Option<&'a BlobKey>, limit: u32) -> Result<Vec<BlobEntry>>;
}

const _: fn(&dyn BlobStore) = |_| {};

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        #[async_trait]
        impl<T: BlobStore + ?Sized> BlobStore for $pointer {
            async fn put(&self, key: &BlobKey, bytes: &[u8]) -> Result<()> {
                (**self).put(key, bytes).await
            }
            async fn get(&self, key: &BlobKey) -> Result<Option<Vec<u8>>> {
                (**self).get(key).await
            }
            async fn delete(&self, key: &BlobKey) -> Result<()> {
                (**self).delete(key).await
            }
            async fn list<'a>(&self, after: Option<&'a BlobKey>, limit: u32) -> Result<Vec<BlobEntry>> {
                (**self).list(after, limit).await
            }
        }
    )+};
}

forward!(Arc<T>, Box<T>, &T);

/// SHA-256 over a blob, as 64 hex digits: what `sha256sum` prints.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobKey(String);

impl BlobKey {
    /// The key of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(crate::text::hex(&Sha256::digest(bytes)))
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`InvalidInput`](Error::InvalidInput): it is not 64 lowercase hex digits.
    pub fn parse(text: &str) -> Result<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(crate::text::invalid("blob key", "is not 64 lowercase hex digits"))
        }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BlobKey {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<BlobKey> for String {
    fn from(key: BlobKey) -> Self {
        key.0
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobEntry {
    /// The key.
    pub key: BlobKey,
    /// When it was last put (epoch ms), by the clock of whoever keeps it.
    pub put_at_ms: i64,
}

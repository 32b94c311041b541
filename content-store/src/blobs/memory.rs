use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{BlobEntry, BlobKey, BlobStore};
use crate::{Result, platform, text};

type Blobs = BTreeMap<BlobKey, (i64, Vec<u8>)>;

/// Blobs in memory, for tests.
#[derive(Debug, Default)]
pub struct MemoryBlobs(Mutex<Blobs>);

impl MemoryBlobs {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn blobs(&self) -> MutexGuard<'_, Blobs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn put(&self, key: &BlobKey, bytes: &[u8]) -> Result<()> {
        self.blobs().insert(key.clone(), (platform::now_ms(), bytes.to_vec()));
        Ok(())
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Vec<u8>>> {
        Ok(self.blobs().get(key).map(|(_, bytes)| bytes.clone()))
    }

    async fn delete(&self, key: &BlobKey) -> Result<()> {
        self.blobs().remove(key);
        Ok(())
    }

    async fn list<'a>(&self, after: Option<&'a BlobKey>, limit: u32) -> Result<Vec<BlobEntry>> {
        let limit = text::rows(limit)?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let blobs = self.blobs();
        let entries = blobs.range((from, Bound::Unbounded)).take(limit);
        Ok(entries
            .map(|(key, (put_at_ms, _))| BlobEntry {
                key: key.clone(),
                put_at_ms: *put_at_ms,
            })
            .collect())
    }
}

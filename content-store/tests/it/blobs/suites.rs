//! The suite with nearly every body outside of its row.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use presswork_content_store::{
    FileBlobs, FullStore, MemoryBlobs, MemoryStore, SqliteStore, WithBlobs, conformance::Harness, limits,
};
use tempfile::TempDir;

const OVER: usize = 8;

// A copy of a store has the rows alone, so all stores of a case share their blobs.
static MEMORY: OnceLock<Arc<MemoryBlobs>> = OnceLock::new();
static FOLDER: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());

/// There as long as a store of the case is.
fn folder() -> Arc<TempDir> {
    let mut shared = FOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let made = Arc::new(tempfile::tempdir().unwrap());
        *shared = Arc::downgrade(&made);
        made
    })
}

mod memory {
    use super::*;
    use async_trait::async_trait;

    struct InMemory(Arc<dyn FullStore>);

    #[async_trait]
    impl Harness for InMemory {
        const DURABLE: bool = false;
        const BODY: usize = limits::BLOB;

        async fn fresh() -> Self {
            let blobs = Arc::clone(MEMORY.get_or_init(Arc::default));
            Self(Arc::new(WithBlobs::new(MemoryStore::new(), blobs).over(OVER).unwrap()))
        }

        fn store(&self) -> Arc<dyn FullStore> {
            self.0.clone()
        }

        async fn reopen(&self) -> Arc<dyn FullStore> {
            self.0.clone()
        }
    }

    presswork_content_store::content_store_conformance!(InMemory; skip {
        acknowledged_writes_are_there_after_a_reopen = "a store in memory ends with its process"
    });
}

mod sqlite {
    use super::*;
    use async_trait::async_trait;

    struct Files {
        store: Arc<dyn FullStore>,
        path: PathBuf,
        blobs: Arc<TempDir>,
        _folder: TempDir,
    }

    fn open(path: &Path, blobs: &TempDir) -> Arc<dyn FullStore> {
        let store = SqliteStore::open(path).unwrap();
        let blobs = FileBlobs::open(blobs.path()).unwrap();
        Arc::new(WithBlobs::new(store, blobs).over(OVER).unwrap())
    }

    #[async_trait]
    impl Harness for Files {
        const DURABLE: bool = true;
        const BODY: usize = limits::BLOB;

        async fn fresh() -> Self {
            let (own, blobs) = (tempfile::tempdir().unwrap(), folder());
            let path = own.path().join("content.db");
            Self {
                store: open(&path, &blobs),
                path,
                blobs,
                _folder: own,
            }
        }

        fn store(&self) -> Arc<dyn FullStore> {
            self.store.clone()
        }

        async fn reopen(&self) -> Arc<dyn FullStore> {
            open(&self.path, &self.blobs)
        }
    }

    presswork_content_store::content_store_conformance!(Files);
}

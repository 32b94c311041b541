use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use presswork_content_store::conformance::Harness;
use presswork_content_store::{FullStore, SqliteStore};
use tempfile::TempDir;

struct File {
    store: Arc<SqliteStore>,
    path: PathBuf,
    _folder: TempDir,
}

#[async_trait]
impl Harness for File {
    const DURABLE: bool = true;

    async fn fresh() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("content.db");
        Self {
            store: Arc::new(SqliteStore::open(&path).unwrap()),
            path,
            _folder: folder,
        }
    }

    fn store(&self) -> Arc<dyn FullStore> {
        self.store.clone()
    }

    async fn reopen(&self) -> Arc<dyn FullStore> {
        Arc::new(SqliteStore::open(&self.path).unwrap())
    }
}

presswork_content_store::content_store_conformance!(File);

#[tokio::test]
async fn histories_are_those_of_memory() {
    crate::histories::are_those_of_memory::<File>(48).await;
}

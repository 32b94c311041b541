use std::sync::Arc;

use async_trait::async_trait;
use presswork_content_store::conformance::Harness;
use presswork_content_store::{FullStore, MemoryStore};

struct InMemory(Arc<MemoryStore>);

#[async_trait]
impl Harness for InMemory {
    const DURABLE: bool = false;

    async fn fresh() -> Self {
        Self(Arc::new(MemoryStore::new()))
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

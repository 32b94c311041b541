//! One server, every case in a schema of its own, some at once.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Weak};

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use presswork_content_store::conformance::{Harness, suite};
use presswork_content_store::{FullStore, PostgresStore};

use super::server::Server;

/// Held by the test alone, so that the server ends with it, however that ends.
static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static SCHEMAS: AtomicUsize = AtomicUsize::new(0);

struct Schema {
    store: Arc<PostgresStore>,
    url: String,
}

async fn open(url: &str) -> PostgresStore {
    PostgresStore::builder(url).connections(8).connect().await.unwrap()
}

#[async_trait]
impl Harness for Schema {
    const DURABLE: bool = true;

    async fn fresh() -> Self {
        let server = SERVER.lock().unwrap().upgrade().unwrap();
        let n = SCHEMAS.fetch_add(1, Ordering::Relaxed);
        let url = server.schema(&format!("case_{n}")).await;
        Self {
            store: Arc::new(open(&url).await),
            url,
        }
    }

    fn store(&self) -> Arc<dyn FullStore> {
        self.store.clone()
    }

    async fn reopen(&self) -> Arc<dyn FullStore> {
        Arc::new(open(&self.url).await)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conformance() {
    let Some(server) = Server::start(&["fsync=off", "full_page_writes=off"]).await else {
        return;
    };
    let server = Arc::new(server);
    *SERVER.lock().unwrap() = Arc::downgrade(&server);
    let only = std::env::var("CONTENT_STORE_CASE").ok();
    let cases = suite::<Schema>()
        .into_iter()
        .filter(|case| only.as_deref().is_none_or(|only| case.name == only));
    let run = async |case: presswork_content_store::conformance::Case<Schema>| {
        let harness = Schema::fresh().await;
        let ended = AssertUnwindSafe(case.run(&harness)).catch_unwind().await;
        ended.err().map(|_| case.name)
    };
    let failed: Vec<_> = stream::iter(cases)
        .map(run)
        .buffer_unordered(4)
        .filter_map(async |name| name)
        .collect()
        .await;
    assert!(failed.is_empty(), "failed, as printed above: {failed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_are_those_of_memory() {
    let Some(server) = Server::start(&["fsync=off", "full_page_writes=off"]).await else {
        return;
    };
    let server = Arc::new(server);
    *SERVER.lock().unwrap() = Arc::downgrade(&server);
    crate::histories::are_those_of_memory::<Schema>(8).await;
}

//! The store's suite on a D1 database, which each case finds empty.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use presswork_content_store::conformance::{Harness, suite};
use presswork_content_store::{D1Store, FullStore, migrations::TABLES};
use worker::{D1Database, Env, send::IntoSendFuture};

static ENV: OnceLock<Env> = OnceLock::new();

fn database() -> D1Database {
    ENV.get()
        .expect("an event came before")
        .d1("DB")
        .expect("the binding DB")
}

struct OnD1;

#[async_trait]
impl Harness for OnD1 {
    const DURABLE: bool = true;

    async fn fresh() -> Self {
        let database = database();
        let empty = TABLES
            .iter()
            .map(|table| database.prepare(format!("DELETE FROM {table}")));
        let emptied = database.batch(empty.collect()).into_send().await;
        emptied.expect("the tables are emptied");
        Self
    }

    fn store(&self) -> Arc<dyn FullStore> {
        Arc::new(D1Store::new(database()))
    }

    async fn reopen(&self) -> Arc<dyn FullStore> {
        self.store()
    }
}

/// The cases, by name.
pub(crate) fn names() -> Vec<&'static str> {
    suite::<OnD1>().iter().map(|case| case.name).collect()
}

/// Runs a case; panics when it does not hold.
pub(crate) async fn run(env: &Env, case: &str) {
    ENV.get_or_init(|| env.clone());
    let suite = suite::<OnD1>();
    let case = suite
        .iter()
        .find(|known| known.name == case)
        .expect("a case of that name");
    case.run(&OnD1::fresh().await).await;
}

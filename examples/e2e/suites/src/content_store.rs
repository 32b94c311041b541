//! The store's suite on D1 databases, which each case finds empty.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use presswork_content_store::conformance::{Harness, suite};
use presswork_content_store::{D1Store, FullStore, migrations::TABLES};
use worker::{D1Database, Env, send::IntoSendFuture};

static ENV: OnceLock<Env> = OnceLock::new();

/// Databases that the running case has taken.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// One of the databases `DB_0`, `DB_1` and so on.
struct OnD1(usize);

impl OnD1 {
    fn database(&self) -> D1Database {
        let env = ENV.get().expect("an event came before");
        env.d1(&format!("DB_{}", self.0))
            .expect("as many databases as a case takes")
    }
}

#[async_trait]
impl Harness for OnD1 {
    const DURABLE: bool = true;

    async fn fresh() -> Self {
        let fresh = Self(TAKEN.fetch_add(1, Ordering::Relaxed));
        let database = fresh.database();
        let empty = TABLES
            .iter()
            .map(|table| database.prepare(format!("DELETE FROM {table}")));
        let emptied = database.batch(empty.collect()).into_send().await;
        emptied.expect("the tables are emptied");
        fresh
    }

    fn store(&self) -> Arc<dyn FullStore> {
        Arc::new(D1Store::new(self.database()))
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
    TAKEN.store(0, Ordering::Relaxed);
    let suite = suite::<OnD1>();
    let case = suite
        .iter()
        .find(|known| known.name == case)
        .expect("a case of that name");
    case.run(&OnD1::fresh().await).await;
}

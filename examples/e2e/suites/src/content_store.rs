//! The store's suite on D1 databases, which each case finds empty; parts of it in a session, and with every body in R2.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use presswork_content_store::conformance::{BLOB_CASES, Harness, blob_case, suite};
use presswork_content_store::{
    Claim, Content, D1Start, D1Store, FullStore, NewPage, Op, Pages, R2Blobs, SavePage, Status, WithBlobs, limits,
    migrations::TABLES,
};
use worker::{D1Database, Env, send::IntoSendFuture};

static ENV: OnceLock<Env> = OnceLock::new();

/// Databases that the running case has taken.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

const PLAIN: u8 = 0;
const SESSION: u8 = 1;
const LARGE: u8 = 2;

/// One of the databases `DB_0`, `DB_1` and so on, and how it is used.
struct OnD1<const WAY: u8>(usize);

impl<const WAY: u8> OnD1<WAY> {
    fn database(&self) -> D1Database {
        env()
            .d1(&format!("DB_{}", self.0))
            .expect("as many databases as a case takes")
    }
}

fn env() -> &'static Env {
    ENV.get().expect("an event came before")
}

fn bucket(prefix: &str) -> R2Blobs {
    R2Blobs::new(env().bucket("BODIES").expect("a bucket"), prefix)
}

#[async_trait]
impl<const WAY: u8> Harness for OnD1<WAY> {
    const DURABLE: bool = true;
    const BODY: usize = if WAY == LARGE { limits::BLOB } else { limits::BODY };

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
        let store = D1Store::new(self.database());
        match WAY {
            SESSION => Arc::new(store.session(&D1Start::Newest).expect("a session")),
            LARGE => Arc::new(WithBlobs::new(store, bucket("suite/")).over(8).expect("a size")),
            _ => Arc::new(store),
        }
    }

    async fn reopen(&self) -> Arc<dyn FullStore> {
        self.store()
    }
}

const BOOKMARK: &str = "a_bookmark_leads_to_what_was_written";

/// The cases, by name.
pub(crate) fn names() -> Vec<String> {
    let names = |way: &str, kept: fn(&str) -> bool| {
        let suite = suite::<OnD1<PLAIN>>().into_iter().map(|case| case.name);
        suite
            .filter(|name| kept(name))
            .map(|name| format!("{way}{name}"))
            .collect::<Vec<_>>()
    };
    let blobs = BLOB_CASES.iter().map(|case| format!("blobs/{case}"));
    let mut all = names("", |_| true);
    all.extend(names("session/", |name| {
        name.ends_with("_repeats") || name.starts_with("did_it_land")
    }));
    all.extend(names("large/", |name| {
        name.starts_with("save_") || name.starts_with("content_")
    }));
    all.extend(blobs);
    all.push(BOOKMARK.to_owned());
    all
}

/// Runs a case; panics when it does not hold.
pub(crate) async fn run(env: &Env, case: &str) {
    ENV.get_or_init(|| env.clone());
    TAKEN.store(0, Ordering::Relaxed);
    match case.split_once('/') {
        None if case == BOOKMARK => a_bookmark_leads_to_what_was_written().await,
        None => one::<PLAIN>(case).await,
        Some(("session", case)) => one::<SESSION>(case).await,
        Some(("large", case)) => one::<LARGE>(case).await,
        Some(("blobs", case)) => blob_case(case, &bucket(&format!("{case}/"))).await,
        Some((way, _)) => unreachable!("{way} is no way"),
    }
}

async fn one<const WAY: u8>(case: &str) {
    let suite = suite::<OnD1<WAY>>();
    let case = suite
        .iter()
        .find(|known| known.name == case)
        .expect("a case of that name");
    case.run(&OnD1::<WAY>::fresh().await).await;
}

/// As the generator and the poster do it.
async fn a_bookmark_leads_to_what_was_written() {
    let database = OnD1::<PLAIN>::fresh().await;
    let open = |start| D1Store::new(database.database()).session(&start).expect("a session");
    let writer = open(D1Start::Newest);
    assert_eq!(writer.bookmark().expect("a word"), None);
    let topic = NewPage {
        site: "site".to_owned(),
        locale: "en".to_owned(),
        slug: "page".to_owned(),
        row_key: "row".to_owned(),
        primary_keyword: "keyword".to_owned(),
        topic: serde_json::Value::Null,
    };
    writer.plan(&Op::now(), &[topic]).await.expect("a plan");
    let planned = writer.bookmark().expect("a word").expect("a bookmark");
    let claim = Claim {
        site: "site".to_owned(),
        owner: "writer".to_owned(),
        limit: 1,
        lease: Duration::from_secs(60),
        max_attempts: 1,
    };
    let page = writer.claim(&Op::now(), &claim).await.expect("a claim").remove(0);
    let save = SavePage {
        content: Content::default(),
        to: Status::Published,
        outbox: Vec::new(),
        spend: Vec::new(),
    };
    writer.save(&Op::now(), &page.to_ref(), &save).await.expect("a page");
    let saved = writer.bookmark().expect("a word").expect("a bookmark");
    assert!(
        saved > planned,
        "bookmarks are in the order of writes: {planned} {saved}"
    );
    for start in [D1Start::After(saved), D1Start::Newest, D1Start::Anywhere] {
        let reader = open(start);
        let read = reader.get(&page.id).await.expect("an answer").expect("a page");
        assert_eq!(read.status, Status::Published);
    }
    assert_eq!(D1Store::new(database.database()).bookmark().expect("a word"), None);
}

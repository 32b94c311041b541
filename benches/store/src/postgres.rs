//! A page on Postgres, 16 at once: by tokio-postgres by hand, through deadpool by hand, and by the store.
//!
//! Every run plans and claims the same number of pages on a site of its own, so that start-up costs the same in each.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use meter::Meter;
use presswork_content_store::{Claim, Content, Op, Page, PageRef, Pages, PostgresStore, SavePage, Status};
use tokio_postgres::{Client, NoTls, Row, Statement, types::ToSql};

use crate::{
    own::planned,
    raw::{COLUMNS, hash},
    save as saved,
};

const TASKS: usize = 16;
const PLANNED: usize = 1_000;

pub async fn run(what: &str, n: usize, url: &str) {
    // Futures of async closures are not known to be `Send`; here is one thread anyway.
    tokio::task::LocalSet::new().run_until(measure(what, n, url)).await;
}

async fn measure(what: &str, n: usize, url: &str) {
    let store = Arc::new(PostgresStore::builder(url).connections(TASKS).connect().await.unwrap());
    let pages = prepare(&store).await;
    let save = Arc::new(saved());
    store.save(&Op::now(), &pages[PLANNED - 1], &save).await.unwrap();
    let one = pages[PLANNED - 1];
    // The share of each task; a get reads one page again and again.
    let share = |task: usize| -> Vec<PageRef> {
        let pages: Vec<_> = if what.starts_with("get") {
            vec![one; n]
        } else {
            pages[..n].to_vec()
        };
        pages.into_iter().skip(task).step_by(TASKS).collect()
    };
    let mut tasks = Vec::new();
    let pool = pool(url);
    let (ready, go) = (
        tokio::sync::Barrier::new(TASKS + 1),
        tokio::sync::Barrier::new(TASKS + 1),
    );
    let gates = Arc::new((ready, go));
    for task in 0..TASKS {
        let (what, share, gates) = (what.to_owned(), share(task), Arc::clone(&gates));
        let (store, pool, save, url) = (Arc::clone(&store), pool.clone(), Arc::clone(&save), url.to_owned());
        tasks.push(tokio::task::spawn_local(async move {
            let by_hand = if what.ends_with("raw") {
                Some(ByHand::connect(&url).await)
            } else {
                None
            };
            gates.0.wait().await;
            gates.1.wait().await;
            for page in share {
                match (what.as_str(), &by_hand) {
                    ("get-raw", Some(by_hand)) => check(by_hand.get(&page).await),
                    ("save-raw", Some(by_hand)) => by_hand.save(&page, &save).await,
                    ("get-deadpool", _) => check(get_pooled(&pool, &page).await),
                    ("save-deadpool", _) => save_pooled(&pool, &page, &save).await,
                    ("get-own", _) => check(store.get(&page.id).await.unwrap().unwrap()),
                    ("save-own", _) => drop(store.save(&Op::now(), &page, &save).await.unwrap()),
                    _ => panic!("no scenario `{what}`"),
                }
            }
        }));
    }
    gates.0.wait().await;
    let meter = Meter::start();
    gates.1.wait().await;
    for task in tasks {
        task.await.unwrap();
    }
    meter.per(n as u64).print();
}

fn check(page: Page) {
    assert!(page.content.unwrap().body_html.len() > 5900);
}

async fn prepare(store: &PostgresStore) -> Vec<PageRef> {
    let site = format!("bench-{}", uuid::Uuid::now_v7());
    let claim = Claim {
        site: site.clone(),
        owner: "bench".to_owned(),
        limit: 100,
        lease: Duration::from_secs(3600),
        max_attempts: 3,
    };
    let mut pages = Vec::new();
    for from in (0..PLANNED).step_by(100) {
        let topics: Vec<_> = (from..from + 100).map(|at| planned(&site, at)).collect();
        store.plan(&Op::now(), &topics).await.unwrap();
        pages.extend(store.claim(&Op::now(), &claim).await.unwrap().iter().map(Page::to_ref));
    }
    pages
}

fn pool(url: &str) -> Pool {
    let config = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_config(url.parse().unwrap(), NoTls, config);
    Pool::builder(manager).max_size(TASKS).build().unwrap()
}

const GET: &str = "SELECT @ FROM content_metadata WHERE id = $1";
const OP: &str = "INSERT INTO content_op (op_id, nonce, request, at_ms) VALUES ($1, $1, 'save', $2)";
const UPDATE: &str = "UPDATE content_metadata SET status = $3, version = version + 1, updated_at_ms = $4, last_error = NULL, \
    lease_owner = NULL, lease_until_ms = NULL, not_before_ms = NULL, published_at_ms = COALESCE(published_at_ms, $4), \
    modified_at_ms = $4, content_hash = $5, title = $6, description = $7, keywords_json = $8, image_prompt = $9, \
    hooks_json = $10, canonical_url = $11, quality_json = $12, model = $13, word_count = $14, body_html = $15 \
    WHERE id = $1 AND version = $2 AND status = 'generating'";
const REVISION: &str = "INSERT INTO content_revision (content_id, version, op_id, status, content_hash, at_ms) \
    VALUES ($1, $2, $3, $4, $5, $6)";
const OUTBOX: &str = "INSERT INTO outbox (id, topic, page_id, payload_json, status, attempts, available_at_ms, created_at_ms) \
    VALUES ($1, $2, $3, $4, 'pending', 0, $5, $5)";

/// One connection with its statements prepared.
struct ByHand {
    client: Client,
    get: Statement,
    writes: [Statement; 4],
}

impl ByHand {
    async fn connect(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let get = client.prepare(&GET.replace('@', COLUMNS)).await.unwrap();
        let mut writes = Vec::new();
        for sql in [OP, UPDATE, REVISION, OUTBOX] {
            writes.push(client.prepare(sql).await.unwrap());
        }
        let writes = writes.try_into().unwrap_or_else(|_| unreachable!());
        Self { client, get, writes }
    }

    async fn get(&self, page: &PageRef) -> Page {
        read(&self.client.query_one(&self.get, &[&page.id.to_string()]).await.unwrap())
    }

    async fn save(&self, page: &PageRef, save: &SavePage) {
        self.client.batch_execute("BEGIN").await.unwrap();
        let run =
            async |at: usize, args: &[&(dyn ToSql + Sync)]| self.client.execute(&self.writes[at], args).await.unwrap();
        write(run, page, save).await;
        self.client.batch_execute("COMMIT").await.unwrap();
    }
}

async fn get_pooled(pool: &Pool, page: &PageRef) -> Page {
    let client = pool.get().await.unwrap();
    let get = client.prepare_cached(&GET.replace('@', COLUMNS)).await.unwrap();
    read(&client.query_one(&get, &[&page.id.to_string()]).await.unwrap())
}

async fn save_pooled(pool: &Pool, page: &PageRef, save: &SavePage) {
    let mut client = pool.get().await.unwrap();
    let transaction = client.transaction().await.unwrap();
    let mut writes = Vec::new();
    for sql in [OP, UPDATE, REVISION, OUTBOX] {
        writes.push(transaction.prepare_cached(sql).await.unwrap());
    }
    let run = async |at: usize, args: &[&(dyn ToSql + Sync)]| transaction.execute(&writes[at], args).await.unwrap();
    write(run, page, save).await;
    transaction.commit().await.unwrap();
}

async fn write(run: impl AsyncFn(usize, &[&(dyn ToSql + Sync)]) -> u64, page: &PageRef, save: &SavePage) {
    let content = &save.content;
    let op = uuid::Uuid::now_v7().to_string();
    let id = page.id.to_string();
    let at = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64;
    let keywords = serde_json::to_string(&content.keywords).unwrap();
    let hooks = serde_json::to_string(&content.hooks).unwrap();
    let (hash, quality) = (hash(content), content.quality.to_string());
    let (version, status, words) = (page.version as i64, save.to.as_str(), i64::from(content.word_count));
    run(0, &[&op, &at]).await;
    let changed = run(
        1,
        &[
            &id,
            &version,
            &status,
            &at,
            &hash,
            &content.title,
            &content.description,
            &keywords,
            &content.image_prompt,
            &hooks,
            &content.canonical_url,
            &quality,
            &content.model,
            &words,
            &content.body_html,
        ],
    )
    .await;
    assert_eq!(changed, 1);
    run(2, &[&id, &(version + 1), &op, &status, &hash, &at]).await;
    for (n, message) in save.outbox.iter().enumerate() {
        run(
            3,
            &[
                &format!("{op}/{n}"),
                &message.topic,
                &id,
                &message.payload.to_string(),
                &at,
            ],
        )
        .await;
    }
}

fn read(row: &Row) -> Page {
    let str = |at: usize| row.get::<_, &str>(at);
    let list = |at: usize| serde_json::from_str(str(at)).unwrap();
    let json = |at: usize| serde_json::from_str(str(at)).unwrap();
    Page {
        id: str(0).parse().unwrap(),
        site: row.get(1),
        locale: row.get(2),
        slug: row.get(3),
        row_key: row.get(4),
        primary_keyword: row.get(5),
        topic: json(6),
        status: Status::ALL
            .into_iter()
            .find(|status| str(7) == status.as_str())
            .unwrap(),
        version: row.get::<_, i64>(8) as u64,
        attempts: row.get::<_, i64>(9) as u32,
        last_error: row.get(10),
        not_before_ms: row.get(11),
        lease_owner: row.get(12),
        lease_until_ms: row.get(13),
        created_at_ms: row.get(14),
        updated_at_ms: row.get(15),
        published_at_ms: row.get(16),
        modified_at_ms: row.get(17),
        content_hash: row.get(18),
        content: Some(Content {
            title: row.get(19),
            description: row.get(20),
            keywords: list(21),
            image_prompt: row.get(22),
            hooks: list(23),
            canonical_url: row.get(24),
            quality: json(25),
            model: row.get(26),
            word_count: row.get::<_, i64>(27) as u32,
            body_html: row.get(28),
        }),
    }
}

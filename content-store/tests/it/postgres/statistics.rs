//! A server guesses how to find a row: before anybody has analysed its tables, and after. No guess may make a call read a
//! whole site for each page.

use std::time::Duration;

use presswork_content_store::{
    Claim, Content, NewOutbox, NewPage, Op, Outbox, OutboxClaim, PageQuery, Pages, PostgresStore, Reports, SavePage,
    Status,
};
use tokio_postgres::{Client, NoTls};

use super::server::Server;

const PAGES: u32 = 3_000;
const LEASE: Duration = Duration::from_secs(60);

fn topics(from: u32, to: u32) -> Vec<NewPage> {
    let topic = |n: u32| NewPage {
        site: "site".to_owned(),
        locale: "en".to_owned(),
        slug: format!("page-{n}"),
        row_key: format!("row {n}"),
        primary_keyword: format!("keyword {n}"),
        topic: n.into(),
    };
    (from..to).map(topic).collect()
}

/// Rows read of pages and messages, by an index or without one, since the server began. A connection tells its counts
/// when it ends.
async fn rows_read(client: &Client) -> i64 {
    const OTHERS: &str =
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    while client.query_one(OTHERS, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    const READ: &str = "SELECT ((SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes \
        WHERE relname IN ('content_metadata', 'outbox')) + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables \
        WHERE relname IN ('content_metadata', 'outbox')))::int8";
    client.query_one(READ, &[]).await.unwrap().get(0)
}

/// What each kind of call reads, at most `most` rows in all.
struct Watched {
    url: String,
    client: Client,
    when: &'static str,
}

impl Watched {
    async fn reads(&self, what: &str, most: u32, calls: impl AsyncFnOnce(&PostgresStore)) {
        let before = rows_read(&self.client).await;
        let store = PostgresStore::connect(&self.url).await.unwrap();
        calls(&store).await;
        drop(store);
        let read = rows_read(&self.client).await - before;
        let when = self.when;
        println!("{when}: {what}: {read} rows read");
        assert!(
            read < i64::from(most),
            "{when}: {what} read {read} rows; at most {most} are expected"
        );
    }

    /// `from` is the first page that no plan has named.
    async fn every_call(&self, from: u32) {
        // A statement may read the site once, but never once for each of its 100 topics.
        self.reads("a plan of 100 topics", 20 * PAGES, async |store| {
            let report = store.plan(&Op::now(), &topics(from - 50, from + 50)).await.unwrap();
            assert_eq!((report.created, report.unchanged + report.existing), (50, 50));
        })
        .await;
        self.reads("100 pages by slug", PAGES, async |store| {
            for n in 0..100 {
                let page = store.get_by_slug("site", "en", &format!("page-{n}")).await.unwrap();
                assert_eq!(page.unwrap().row_key, format!("row {n}"));
            }
        })
        .await;
        for status in [None, Some(Status::Planned), Some(Status::Published)] {
            self.reads("20 pieces of a list", PAGES, async |store| {
                let site = "site".to_owned();
                let (query, mut after) = (PageQuery { site, status }, None);
                for _ in 0..20 {
                    after = store.list(&query, after.as_ref(), 10).await.unwrap().next;
                }
            })
            .await;
        }
        let claim = Claim {
            site: "site".to_owned(),
            owner: "writer".to_owned(),
            limit: 100,
            lease: LEASE,
            max_attempts: 3,
        };
        let mut pages = Vec::new();
        self.reads("a claim of 100 pages", 20 * PAGES, async |store| {
            pages = store.claim(&Op::now(), &claim).await.unwrap();
            assert_eq!(pages.len(), 100);
        })
        .await;
        self.reads("100 pages saved", PAGES, async |store| {
            for page in &pages {
                let message = NewOutbox {
                    topic: "pages".to_owned(),
                    payload: page.id.to_string().into(),
                };
                let save = SavePage {
                    content: Content::default(),
                    to: Status::Published,
                    outbox: vec![message],
                    spend: Vec::new(),
                };
                store.save(&Op::now(), &page.to_ref(), &save).await.unwrap();
            }
        })
        .await;
        self.reads("20 pieces of what is due", PAGES, async |store| {
            let mut after = None;
            for _ in 0..20 {
                after = store.due("site", 1 << 52, after.as_ref(), 5).await.unwrap().next;
            }
        })
        .await;
        self.reads("a claim of 100 messages, sent", PAGES, async |store| {
            let claim = OutboxClaim {
                owner: "sender".to_owned(),
                limit: 100,
                lease: LEASE,
                max_attempts: 3,
            };
            let rows = store.claim_outbox(&Op::now(), &claim).await.unwrap();
            let ids: Vec<_> = rows.into_iter().map(|row| row.id).collect();
            assert_eq!(store.mark_sent(&Op::now(), "sender", &ids).await.unwrap(), 100);
        })
        .await;
    }
}

#[tokio::test]
async fn no_call_reads_a_site_for_a_page() {
    let Some(server) = Server::start(&["fsync=off", "autovacuum=off"]).await else {
        return;
    };
    let url = server.url("");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let task = tokio::spawn(connection);
    let store = PostgresStore::connect(&url).await.unwrap();
    for from in (0..PAGES).step_by(1_000) {
        store.plan(&Op::now(), &topics(from, from + 1_000)).await.unwrap();
    }
    drop(store);
    let when = "before the tables were analysed";
    let mut watched = Watched { url, client, when };
    watched.every_call(PAGES).await;
    watched.client.batch_execute("ANALYZE").await.unwrap();
    watched.when = "after";
    watched.every_call(PAGES + 50).await;
    task.abort();
}

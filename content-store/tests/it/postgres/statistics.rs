//! A table that nobody has analysed yet: the server guesses, and no guess may make a call read a whole site for each page.

use presswork_content_store::{NewPage, Op, Pages, PostgresStore};
use tokio_postgres::{Client, NoTls};

use super::server::Server;

const PAGES: i64 = 3_000;

fn topics(from: i64, to: i64) -> Vec<NewPage> {
    let topic = |n: i64| NewPage {
        site: "site".to_owned(),
        locale: "en".to_owned(),
        slug: format!("page-{n}"),
        row_key: format!("row {n}"),
        primary_keyword: format!("keyword {n}"),
        topic: n.into(),
    };
    (from..to).map(topic).collect()
}

/// Rows read of pages, by an index or without one, since the server began. A connection tells its counts when it ends, so
/// they are there when the rows are that it wrote.
async fn rows_read(client: &Client, written: i64) -> i64 {
    loop {
        let read =
            "SELECT coalesce(sum(idx_tup_read), 0)::int8 FROM pg_stat_user_indexes WHERE relname = 'content_metadata'";
        let by_index: i64 = client.query_one(read, &[]).await.unwrap().get(0);
        let table = "SELECT seq_tup_read, n_tup_ins FROM pg_stat_user_tables WHERE relname = 'content_metadata'";
        let row = client.query_one(table, &[]).await.unwrap();
        if row.get::<_, i64>(1) == written {
            return by_index + row.get::<_, i64>(0);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_page_is_found_without_reading_its_site() {
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
    let loaded = rows_read(&client, PAGES).await;

    let store = PostgresStore::connect(&url).await.unwrap();
    let report = store.plan(&Op::now(), &topics(PAGES - 50, PAGES + 50)).await.unwrap();
    assert_eq!((report.created, report.unchanged), (50, 50));
    drop(store);
    let planned = rows_read(&client, PAGES + 50).await - loaded;
    // A statement may read the site once, but never once for each of its 100 topics.
    assert!(planned < 20 * PAGES, "a plan of 100 topics read {planned} rows");

    let store = PostgresStore::connect(&url).await.unwrap();
    for n in 0..100 {
        let page = store.get_by_slug("site", "en", &format!("page-{n}")).await.unwrap();
        assert_eq!(page.unwrap().row_key, format!("row {n}"));
    }
    store.plan(&Op::now(), &topics(PAGES + 50, PAGES + 51)).await.unwrap();
    drop(store);
    let found = rows_read(&client, PAGES + 51).await - loaded - planned;
    assert!(found < 20 * PAGES, "100 pages by slug read {found} rows");
    task.abort();
}

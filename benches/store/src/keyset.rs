//! A list of very many pages: the thousandth piece must cost what the first one costs.

use std::path::Path;

use meter::Meter;
use presswork_content_store::{Cursor, PageQuery, Pages, SqliteStore};
use rusqlite::Connection;

use crate::database;

const LIMIT: u32 = 100;

fn query() -> PageQuery {
    PageQuery {
        site: "almanac".to_owned(),
        status: None,
    }
}

/// `n` planned pages, written past the store: it would take an hour to plan them.
pub async fn prepare(folder: &Path, n: usize) {
    drop(SqliteStore::open(database(folder)).unwrap());
    let connection = Connection::open(database(folder)).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; BEGIN;
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {n})
             INSERT INTO content_metadata (id, site, locale, slug, row_key, primary_keyword, source_hash, status, version,
                 attempts, created_at_ms, updated_at_ms, topic_json)
             SELECT printf('0199f0a0-0000-7000-8000-%012x', n), 'almanac', 'en', 'page-' || n, 'row-' || n, 'keyword ' || n,
                 '', 'planned', 1, 0, n, n, '{{}}' FROM n;
             COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"
        ))
        .unwrap();
    println!("{{}}");
}

/// Reads the `which`-th piece `n` times.
pub async fn page(folder: &Path, n: usize, which: u32) {
    let store = SqliteStore::open(database(folder)).unwrap();
    let mut after: Option<Cursor> = None;
    for _ in 1..which {
        after = store.list(&query(), after.as_ref(), LIMIT).await.unwrap().next;
    }
    let meter = Meter::start();
    for _ in 0..n {
        let list = store.list(&query(), after.as_ref(), LIMIT).await.unwrap();
        assert_eq!(list.items.len(), LIMIT as usize);
    }
    meter.per(n as u64).print();
}

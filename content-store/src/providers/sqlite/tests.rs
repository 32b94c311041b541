//! What only a file can suffer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{Error, NewPage, Op, Pages, PostLedger, migrations};

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content.db");
    (folder, path)
}

fn topic(n: usize, size: usize) -> NewPage {
    NewPage {
        site: "site".to_owned(),
        locale: "en".to_owned(),
        slug: format!("page-{n}"),
        row_key: format!("row {n}"),
        primary_keyword: format!("keyword {n}"),
        topic: json!("x".repeat(size)),
    }
}

/// The message names the file and what to do.
fn names(error: &Error, path: &Path, advice: &str) {
    let message = error.to_string();
    assert!(
        message.contains(&path.display().to_string()) && message.contains(advice),
        "{message}"
    );
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing() {
    let (_folder, path) = file();
    let store = SqliteStore::builder(&path)
        .pragma("PRAGMA max_page_count = 100")
        .build()
        .unwrap();
    store.plan(&Op::now(), &[topic(0, 10)]).await.unwrap();
    let batches: Vec<_> = (1..=12)
        .map(|n| {
            if n == 6 {
                (0..50).map(|m| topic(1_000 + m, 20_000)).collect()
            } else {
                vec![topic(n, 10)]
            }
        })
        .collect();
    let answers = join_all(batches.iter().map(async |batch| store.plan(&Op::now(), batch).await)).await;
    for (n, answer) in answers.iter().enumerate() {
        if n == 5 {
            let error = answer.as_ref().unwrap_err();
            assert!(matches!(error, Error::Full { .. }), "{error:?}");
            assert!(!error.is_retryable());
            names(error, &path, "free disk space");
        } else {
            assert_eq!(
                answer.as_ref().unwrap().created,
                1,
                "the neighbours of the big one are written"
            );
        }
    }
    assert_eq!(store.counts("site").await.unwrap().total(), 12);
    drop(store);
    assert_eq!(
        SqliteStore::open(&path).unwrap().counts("site").await.unwrap().total(),
        12
    );
}

#[tokio::test]
async fn a_read_only_file_is_read_and_not_written() {
    let (_folder, path) = file();
    SqliteStore::open(&path)
        .unwrap()
        .plan(&Op::now(), &[topic(1, 10)])
        .await
        .unwrap();
    let store = SqliteStore::builder(&path)
        .pragma("PRAGMA query_only = ON")
        .build()
        .unwrap();
    assert_eq!(store.counts("site").await.unwrap().total(), 1);
    let error = store.plan(&Op::now(), &[topic(2, 10)]).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    names(&error, &path, "writable");
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let (_folder, path) = file();
    let garbage = "not a database ".repeat(1_000);
    std::fs::write(&path, &garbage).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    names(&error, &path, "restore a backup");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), garbage);
}

#[tokio::test]
async fn a_damaged_file_is_corrupt() {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path).unwrap();
    let topics: Vec<_> = (0..200).map(|n| topic(n, 2_000)).collect();
    store.plan(&Op::now(), &topics).await.unwrap();
    drop(store);
    let whole = std::fs::read(&path).unwrap();
    // One index entry that no row has: only a look at everything finds it.
    let at = whole.windows(7).rposition(|bytes| bytes == b"page-77").unwrap();
    let mut bytes = whole.clone();
    bytes[at + 6] = b'0';
    std::fs::write(&path, &bytes).unwrap();
    let checked = SqliteStore::open(&path).unwrap().check_integrity().await;
    assert!(matches!(checked, Err(Error::Corrupt { .. })), "{checked:?}");
    let mut bytes = whole;
    bytes.iter_mut().skip(4_096).for_each(|byte| *byte = 0xA5);
    std::fs::write(&path, bytes).unwrap();
    let answer = match SqliteStore::open(&path) {
        Ok(store) => store.plan(&Op::now(), &[topic(900, 10)]).await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(matches!(answer, Err(Error::Corrupt { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_file_locked_by_somebody_else_is_busy_until_it_is_free() {
    let (_folder, path) = file();
    let store = SqliteStore::builder(&path)
        .busy_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let op = Op::now();
    let error = store.plan(&op, &[topic(1, 10)]).await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }) && error.is_retryable(), "{error:?}");
    names(&error, &path, "stop that process");
    assert_eq!(store.counts("site").await.unwrap().total(), 0, "readers do not wait");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(store.plan(&op, &[topic(1, 10)]).await.unwrap().created, 1);
}

#[tokio::test]
async fn two_stores_take_turns_on_one_file() {
    let (_folder, path) = file();
    let stores = [SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap()];
    let plans = (0..40).map(|n| {
        let store = &stores[n % 2];
        async move { store.plan(&Op::now(), &[topic(n, 10)]).await.unwrap() }
    });
    join_all(plans).await;
    assert_eq!(stores[0].counts("site").await.unwrap().total(), 40);
}

#[tokio::test]
async fn leases_of_a_dead_process_can_be_ended() {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path).unwrap();
    store.plan(&Op::now(), &[topic(1, 10)]).await.unwrap();
    let hour = Duration::from_secs(3_600);
    let claim = |owner: &str| crate::Claim {
        site: "site".to_owned(),
        owner: owner.to_owned(),
        limit: 1,
        lease: hour,
        max_attempts: 1,
    };
    let page = store.claim(&Op::now(), &claim("dies")).await.unwrap().remove(0);
    let key = crate::PostKey {
        page_id: page.id,
        target: "mastodon".to_owned(),
        account: "me".to_owned(),
        campaign: String::new(),
    };
    let crate::PostClaim::Claimed(post) = store.claim_post(&Op::now(), &key, "dies", hour).await.unwrap() else {
        panic!("a new post is claimed");
    };
    store
        .arm_post(&Op::now(), &post.to_ref(), "Hello", &json!(null), hour)
        .await
        .unwrap();
    assert_eq!(store.claim(&Op::now(), &claim("next")).await.unwrap(), []);

    store.release_leases().await.unwrap();
    let again = store.claim(&Op::now(), &claim("next")).await.unwrap();
    assert_eq!((again[0].id, again[0].attempts), (page.id, 1));
    // An armed post is never free again by itself: it has to be reconciled.
    let post = store.claim_post(&Op::now(), &key, "next", hour).await.unwrap();
    assert!(matches!(post, crate::PostClaim::Unsettled(_)), "{post:?}");
}

#[test]
fn a_newer_schema_is_refused() {
    let (_folder, path) = file();
    drop(SqliteStore::open(&path).unwrap());
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("INSERT INTO d1_migrations (name) VALUES ('0099_future.sql')")
        .unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(
        matches!(&error, Error::NewerSchema { found, .. } if found == "0099_future.sql"),
        "{error:?}"
    );
    names(&error, &path, "update this program");
}

#[tokio::test]
async fn a_half_applied_migration_is_finished() {
    let (_folder, path) = file();
    let other = Connection::open(&path).unwrap();
    for statement in &migrations::MIGRATIONS[0].statements[..3] {
        other.execute_batch(statement).unwrap();
    }
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.plan(&Op::now(), &[topic(1, 10)]).await.unwrap().created, 1);
}

#[tokio::test]
async fn a_database_migrated_by_files_is_taken_as_it_is() {
    let (_folder, path) = file();
    let other = Connection::open(&path).unwrap();
    other.execute_batch(migrations::LEDGER).unwrap();
    for (name, sql) in migrations::export() {
        other.execute_batch(&sql).unwrap();
        other
            .execute("INSERT INTO d1_migrations (name) VALUES (?1)", [name])
            .unwrap();
    }
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.plan(&Op::now(), &[topic(1, 10)]).await.unwrap().created, 1);
    let applied: i64 = other
        .query_row("SELECT count(*) FROM d1_migrations", [], |row| row.get(0))
        .unwrap();
    assert_eq!(usize::try_from(applied).unwrap(), migrations::MIGRATIONS.len());
}

#[tokio::test]
async fn a_backup_is_whole_and_on_its_own() {
    let (folder, path) = file();
    let store = SqliteStore::open(&path).unwrap();
    let copy = folder.path().join("copy.db");
    let writes = join_all((0..40).map(|n| {
        let store = &store;
        async move { store.plan(&Op::now(), &[topic(n, 2_000)]).await.unwrap() }
    }));
    let (_, copied) = futures_util::future::join(writes, store.backup(&copy)).await;
    copied.unwrap();
    store.check_integrity().await.unwrap();
    let error = store.backup(&copy).await.unwrap_err();
    assert!(error.to_string().contains("exists already"), "{error}");
    let error = store.backup(folder.path().join("no/such/folder.db")).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    // One moment of the writing: page and revision stand together.
    let copy = SqliteStore::open(&copy).unwrap();
    copy.check_integrity().await.unwrap();
    let query = crate::PageQuery {
        site: "site".to_owned(),
        status: None,
    };
    for page in copy.list(&query, None, 100).await.unwrap().items {
        assert_eq!(copy.revisions(&page.id).await.unwrap().len(), 1);
    }
}

#[test]
fn senseless_settings_are_refused() {
    let (folder, path) = file();
    for (builder, name) in [
        (SqliteStore::builder(""), "path"),
        (SqliteStore::builder(":memory:"), "path"),
        (SqliteStore::builder("file:x?mode=memory"), "path"),
        (SqliteStore::builder(&path).readers(0), "readers"),
        (SqliteStore::builder(&path).readers(17), "readers"),
        (SqliteStore::builder(&path).busy_timeout(Duration::MAX), "busy_timeout"),
    ] {
        let answer = builder.build();
        assert!(
            matches!(&answer, Err(Error::InvalidInput { field, .. }) if *field == name),
            "{answer:?}"
        );
    }
    let missing = folder.path().join("no/such/folder/content.db");
    let error = SqliteStore::open(&missing).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    names(&error, &missing, "unable to open");
}

/// Every read and claim finds its rows by an index: no statement scans a table that grows.
#[test]
fn no_statement_scans_pages() {
    let (_folder, path) = file();
    drop(SqliteStore::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    let origin = Origin {
        store: STORE,
        place: "test".into(),
    };
    let op = Op::now();
    let claim = crate::Claim {
        site: "site".to_owned(),
        owner: "writer".to_owned(),
        limit: 1,
        lease: Duration::from_secs(1),
        max_attempts: 1,
    };
    let topics = [topic(1, 1)];
    let rows = crate::check::plan(STORE, &op, &topics).unwrap();
    let query = crate::PageQuery {
        site: "site".to_owned(),
        status: Some(crate::Status::Planned),
    };
    let outbox = crate::OutboxClaim {
        owner: "sender".to_owned(),
        limit: 1,
        lease: Duration::from_secs(1),
        max_attempts: 1,
    };
    let statements = [
        crate::sql::pages::claim(&origin, &op, &claim, 1).statements,
        crate::sql::plan::plan(&origin, &op, &rows).statements,
        crate::sql::page_reads::list(&origin, &query, String::new(), None, 1).statements,
        crate::sql::page_reads::counts(&origin, "site").statements,
        crate::sql::outbox::claim(&origin, &op, &outbox, 1).statements,
    ];
    for statement in statements.iter().flatten() {
        let mut explain = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sql))
            .unwrap();
        let args = rusqlite::params_from_iter(&statement.args);
        let steps: Vec<String> = explain
            .query_map(args, |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for step in &steps {
            let scans = step.starts_with("SCAN c") || step.starts_with("SCAN outbox");
            assert!(
                !scans || step.contains("USING INDEX ix_outbox_ready"),
                "{}\n{steps:#?}",
                statement.sql
            );
        }
    }
}

//! Two versions of the program on one database. An earlier release is here as what it asked and was answered, statement by
//! statement (`tests/it/earlier/`, written by that release itself): it goes on asking while this version migrates the
//! database and writes to it, and gets every answer it got when it was alone.

use std::time::Duration;

use presswork_content_store::{
    Claim, Content, Edit, FullStore, NewPage, Op, SavePage, SqliteStore, Status, migrations,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};
use serde::Deserialize;
use serde_json::{Value, json};

/// The last migration that each release knew, and its calls.
pub(crate) const RELEASES: [(usize, &str); 1] = [(3, include_str!("earlier/0003.jsonl"))];

#[derive(Deserialize)]
pub(crate) struct Asked {
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
    pub(crate) args: Vec<Value>,
    rows: Vec<Vec<Value>>,
}

impl Asked {
    /// Fails when the answer is not the one of then.
    pub(crate) fn answered(&self, mut rows: Vec<Vec<Value>>) {
        let mut then = self.rows.clone();
        for row in rows.iter_mut().chain(&mut then) {
            row.iter_mut().for_each(compact);
        }
        if self.sqlite.contains("RETURNING") || self.sqlite.contains("GROUP BY") {
            rows.sort_by_key(|row| json!(row).to_string());
            then.sort_by_key(|row| json!(row).to_string());
        }
        assert_eq!(rows, then, "{}", self.sqlite);
    }
}

/// Postgres writes lists with spaces.
fn compact(cell: &mut Value) {
    let list = cell.as_str().filter(|text| text.starts_with('['));
    if let Some(Ok(list)) = list.map(serde_json::from_str::<Value>) {
        *cell = list.to_string().into();
    }
}

pub(crate) fn calls(release: &str) -> Vec<Vec<Asked>> {
    release
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What this version does between two calls of the other, on a site of its own.
pub(crate) async fn meanwhile(store: &dyn FullStore, n: usize) {
    let late = || Op::at(1_800_000_000_000);
    let topic = NewPage {
        site: "new".to_owned(),
        locale: "en".to_owned(),
        slug: format!("page-{n}"),
        row_key: format!("row {n}"),
        primary_keyword: format!("keyword {n}"),
        topic: Value::Null,
    };
    store.plan(&late(), &[topic]).await.unwrap();
    let claim = Claim {
        site: "new".to_owned(),
        owner: "writer".to_owned(),
        limit: 1,
        lease: Duration::from_secs(60),
        max_attempts: 3,
    };
    let page = store.claim(&late(), &claim).await.unwrap().remove(0);
    let save = SavePage {
        content: Content::default(),
        to: Status::Published,
        outbox: Vec::new(),
        spend: Vec::new(),
    };
    let page = store.save(&late(), &page.to_ref(), &save).await.unwrap();
    let edit = Edit {
        slug: Some(format!("moved-{n}")),
        title: Some("By hand".to_owned()),
        ..Edit::default()
    };
    store.edit(&late(), &page.to_ref(), &edit).await.unwrap();
}

/// This version sees what the other wrote.
pub(crate) async fn afterwards(store: &dyn FullStore, calls: usize) {
    let page = store.get_by_slug("site", "en", "page-0").await.unwrap().unwrap();
    assert_eq!(page.status, Status::Stale);
    assert_eq!(store.content_at(&page.id, page.version).await.unwrap(), page.content);
    let edit = Edit {
        title: Some("By hand".to_owned()),
        ..Edit::default()
    };
    let edited = store.edit(&Op::now(), &page.to_ref(), &edit).await.unwrap();
    assert_eq!(store.content_at(&page.id, page.version).await.unwrap(), page.content);
    assert_eq!(edited.version, page.version + 1);
    assert_eq!(store.counts("new").await.unwrap().get(Status::Published), calls as u64);
}

#[tokio::test]
async fn an_earlier_release_goes_on_on_sqlite() {
    for (newest, release) in RELEASES {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("content.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch("PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000")
            .unwrap();
        old.execute_batch(migrations::LEDGER).unwrap();
        for migration in &migrations::MIGRATIONS[..newest] {
            old.execute_batch(&migration.statements.join(";")).unwrap();
            old.execute("INSERT INTO d1_migrations (name) VALUES (?1)", [migration.name])
                .unwrap();
        }
        let calls = calls(release);
        let (before, during) = calls.split_at(4);
        before.iter().for_each(|call| ask(&old, call));
        let new = SqliteStore::open(&path).unwrap();
        for (n, call) in during.iter().enumerate() {
            meanwhile(&new, n).await;
            ask(&old, call);
        }
        afterwards(&new, during.len()).await;
    }
}

fn ask(connection: &Connection, call: &[Asked]) {
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    for asked in call {
        let args = asked.args.iter().map(|arg| match arg {
            Value::Null => rusqlite::types::Value::Null,
            Value::Number(number) => number.as_i64().unwrap().into(),
            other => other.as_str().unwrap().to_owned().into(),
        });
        let mut prepared = connection.prepare_cached(&asked.sqlite).unwrap();
        let columns = prepared.column_count();
        let mut rows = prepared.query(params_from_iter(args)).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let cells = (0..columns).map(|at| match row.get_ref(at).unwrap() {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => number.into(),
                ValueRef::Text(text) => std::str::from_utf8(text).unwrap().into(),
                other => panic!("{other:?}"),
            });
            found.push(cells.collect());
        }
        asked.answered(found);
    }
    connection.execute_batch("COMMIT").unwrap();
}

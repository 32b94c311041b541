//! Rows in bulk: one file, however many they are.

use std::time::Duration;

use presswork_content_store::conformance::{Harness, a_life};
use presswork_content_store::{
    BulkImport, Claim, Content, Error, MemoryStore, NewPage, Op, Pages, Record, SavePage, Status, Transfer, digest,
    limits,
};
use serde_json::json;

use super::Rest;
use super::fake::{Fault, refusal};

/// A life, and a page at every limit with quotes and letters of several bytes.
async fn lived() -> MemoryStore {
    let store = MemoryStore::new();
    a_life(&store).await;
    let topic = NewPage {
        site: "large".to_owned(),
        locale: "en".to_owned(),
        slug: "large".to_owned(),
        row_key: "'; DROP TABLE content_metadata; --".to_owned(),
        primary_keyword: "it's\tlarge".replace('\t', " "),
        topic: json!("'".repeat(limits::TOPIC - 2)),
    };
    store.plan(&Op::now(), &[topic]).await.unwrap();
    let claim = Claim {
        site: "large".to_owned(),
        owner: "o'writer".to_owned(),
        limit: 1,
        lease: Duration::from_secs(60),
        max_attempts: 3,
    };
    let page = store.claim(&Op::now(), &claim).await.unwrap().remove(0);
    let save = SavePage {
        content: Content {
            title: "'".repeat(limits::TITLE),
            description: ";\n".repeat(limits::DESCRIPTION / 2),
            body_html: "ü';\n".repeat(limits::BODY / 5),
            hooks: vec!["h".repeat(4_001), "'".repeat(4_000)],
            quality: json!("q".repeat(limits::JSON - 2)),
            ..Content::default()
        },
        to: Status::Draft,
        outbox: Vec::new(),
        spend: Vec::new(),
    };
    store.save(&Op::now(), &page.to_ref(), &save).await.unwrap();
    store
}

async fn records(store: &dyn Transfer) -> Vec<Record> {
    let (mut records, mut mark) = (Vec::new(), None);
    loop {
        let piece = store.export(mark.as_ref(), 1_000).await.unwrap();
        records.extend(piece.records);
        mark = piece.next;
        if mark.is_none() {
            return records;
        }
    }
}

async fn ended(rest: &Rest, mut state: BulkImport) -> Result<u64, Error> {
    loop {
        match state {
            BulkImport::Done { statements } => return Ok(statements),
            BulkImport::Running { bookmark } => state = rest.store.bulk_import(&bookmark).await?,
        }
    }
}

#[tokio::test]
async fn everything_arrives_and_a_repeat_changes_nothing() {
    let (rest, old) = (Rest::fresh().await, lived().await);
    let records = records(&old).await;
    rest.fake.state.asked.lock().unwrap().clear();
    let state = rest.store.import_in_bulk(&records).await.unwrap();
    assert!(matches!(state, BulkImport::Running { .. }), "{state:?}");
    assert!(ended(&rest, state).await.unwrap() > records.len() as u64);
    assert!(
        rest.fake.state.asked.lock().unwrap().is_empty(),
        "no row went by itself"
    );
    assert_eq!(digest(&*rest.store).await.unwrap(), digest(&old).await.unwrap());

    // D1 has the file already.
    let state = rest.store.import_in_bulk(&records).await.unwrap();
    ended(&rest, state).await.unwrap();
    assert_eq!(digest(&*rest.store).await.unwrap(), digest(&old).await.unwrap());
    assert_eq!(
        rest.store.import_in_bulk(&[]).await.unwrap(),
        BulkImport::Done { statements: 0 }
    );
    let left = rest.fake.tables();
    assert!(!left.contains(&"content_import".to_owned()), "{left:?}");
}

/// Wherever D1 stops, the same call again brings the rest.
#[tokio::test]
async fn an_import_that_broke_off_is_repeated_whole() {
    let (rest, old) = (Rest::fresh().await, lived().await);
    let records = records(&old).await;
    for stop in [0, 1, 7, 40, 60] {
        rest.fake.state.files.lock().unwrap().stop_after = Some(stop);
        let state = rest.store.import_in_bulk(&records).await.unwrap();
        let error = ended(&rest, state).await.unwrap_err();
        assert!(
            matches!(&error, Error::OutcomeUnknown { message, .. } if message.contains("code was updated")),
            "{stop}: {error:?}"
        );
    }
    let state = rest.store.import_in_bulk(&records).await.unwrap();
    ended(&rest, state).await.unwrap();
    assert_eq!(digest(&*rest.store).await.unwrap(), digest(&old).await.unwrap());
}

#[tokio::test]
async fn rows_that_are_there_are_left() {
    let (rest, old) = (Rest::fresh().await, lived().await);
    a_life(&*rest.store).await;
    let before = records(&*rest.store).await;
    let state = rest.store.import_in_bulk(&records(&old).await).await.unwrap();
    ended(&rest, state).await.unwrap();
    let after = records(&*rest.store).await;
    assert!(before.iter().all(|record| after.contains(record)));
    assert!(after.len() > before.len());
}

#[tokio::test]
async fn each_step_that_fails_says_what_it_means() {
    let (rest, old) = (Rest::fresh().await, lived().await);
    let records = records(&old).await;
    rest.fake.state.files.lock().unwrap().garble = true;
    let error = rest.store.import_in_bulk(&records).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");

    rest.fake.state.files.lock().unwrap().busy = true;
    let error = rest.store.import_in_bulk(&records).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable { message, .. } if message.contains("HTTP 503")),
        "{error:?}"
    );
    // Everybody on the way could read rows that go out unencrypted.
    rest.fake.state.files.lock().unwrap().elsewhere = Some("http://203.0.113.9/upload?X-Amz-Signature=s3cret");
    let error = rest.store.import_in_bulk(&records).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable { message, .. } if message.contains("malformed")),
        "{error:?}"
    );

    rest.fake.fail_next(Fault::Instead(
        429,
        refusal(10429, "slow down"),
        vec![("retry-after", "7")],
    ));
    let error = rest.store.import_in_bulk(&records).await.unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    rest.fake.fail_next(Fault::After(500, refusal(7500, "internal error")));
    let error = rest.store.import_in_bulk(&records).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown { .. }), "{error:?}");
    let error = rest.store.bulk_import("0000").await.unwrap_err();
    assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    let state = rest.store.import_in_bulk(&records).await.unwrap();
    ended(&rest, state).await.unwrap();
    assert_eq!(digest(&*rest.store).await.unwrap(), digest(&old).await.unwrap());
}

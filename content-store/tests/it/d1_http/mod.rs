//! D1 over REST, against a fake of the service.

mod bulk;
mod counts;
mod fake;
mod files;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use presswork_content_store::conformance::Harness;
use presswork_content_store::{D1HttpBuilder, D1HttpStore, Error, FullStore, NewPage, Op, Pages};
use serde_json::json;

use fake::{ACCOUNT, DATABASE, Fake, Fault, TOKEN, refusal};

struct Rest {
    fake: Fake,
    store: Arc<D1HttpStore>,
}

fn builder(fake: &Fake) -> D1HttpBuilder {
    D1HttpStore::builder(ACCOUNT, DATABASE, TOKEN).base_url(format!("{}/client/v4", fake.server.uri()))
}

#[async_trait]
impl Harness for Rest {
    const DURABLE: bool = true;

    async fn fresh() -> Self {
        let fake = Fake::start().await;
        let store = builder(&fake).build().unwrap();
        store.migrate().await.unwrap();
        Self {
            store: Arc::new(store),
            fake,
        }
    }

    fn store(&self) -> Arc<dyn FullStore> {
        self.store.clone()
    }

    async fn reopen(&self) -> Arc<dyn FullStore> {
        let store = builder(&self.fake).build().unwrap();
        store.migrate().await.unwrap();
        Arc::new(store)
    }
}

presswork_content_store::content_store_conformance!(Rest);

#[tokio::test]
async fn histories_are_those_of_memory() {
    crate::histories::are_those_of_memory::<Rest>(16).await;
}

fn topic() -> NewPage {
    NewPage {
        site: "site".to_owned(),
        locale: "en".to_owned(),
        slug: "page".to_owned(),
        row_key: "row".to_owned(),
        primary_keyword: "word".to_owned(),
        topic: json!(null),
    }
}

/// Error 7500 in both meanings, 429 with its headers, refusals, and what is lost before and after the change.
#[tokio::test]
async fn answers_mean_what_they_say() {
    let rest = Rest::fresh().await;
    let topics = [topic()];
    let plan = async |fault: Fault| {
        rest.fake.fail_next(fault);
        let op = Op::now();
        (op, rest.store.plan(&op, &topics).await.unwrap_err())
    };

    let (op, error) = plan(Fault::After(500, refusal(7500, "internal error; reference = abc"))).await;
    assert!(matches!(error, Error::OutcomeUnknown { .. }), "{error:?}");
    assert!(
        rest.store.did_it_land(&op.id).await.unwrap(),
        "it was made, and only its answer lost"
    );
    assert_eq!(rest.store.plan(&op, &topics).await.unwrap().created, 1);

    for (status, body) in [
        (502, json!("bad gateway")),
        (200, json!({ "success": true, "result": [] })),
        (200, json!("cut off")),
    ] {
        let (_, error) = plan(Fault::Instead(status, body, Vec::new())).await;
        assert!(matches!(error, Error::OutcomeUnknown { .. }), "{error:?}");
    }
    let (_, error) = plan(Fault::Instead(
        400,
        refusal(7500, "no such table: content_op: SQLITE_ERROR"),
        Vec::new(),
    ))
    .await;
    assert!(
        matches!(&error, Error::Rejected { message, .. } if message.contains("migrations")),
        "{error:?}"
    );
    let (_, error) = plan(Fault::Instead(
        400,
        refusal(7400, "nobody knows these words"),
        Vec::new(),
    ))
    .await;
    assert!(
        matches!(error, Error::Rejected { .. }) && !error.is_retryable(),
        "{error:?}"
    );
    let (_, error) = plan(Fault::Instead(403, refusal(10000, "Authentication error"), Vec::new())).await;
    assert!(
        matches!(&error, Error::Rejected { message, .. } if message.contains("token")),
        "{error:?}"
    );
    let (_, error) = plan(Fault::Instead(
        400,
        refusal(7500, "D1 DB is overloaded. Too many requests queued."),
        Vec::new(),
    ))
    .await;
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");

    for (headers, seconds) in [
        (vec![("retry-after", "7")], Some(7)),
        (vec![("retry-after", "999999")], Some(300)),
        (vec![("ratelimit", "\"default\";r=0;t=30")], Some(30)),
        (vec![], None),
    ] {
        let (_, error) = plan(Fault::Instead(429, refusal(10429, "slow down"), headers)).await;
        assert!(
            matches!(error, Error::RateLimited { .. }) && error.is_retryable(),
            "{error:?}"
        );
        assert_eq!(error.retry_after(), seconds.map(Duration::from_secs));
    }

    rest.fake
        .fail_next(Fault::Instead(500, refusal(7500, "internal error"), Vec::new()));
    let error = rest.store.counts("site").await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");

    let hasty = builder(&rest.fake).deadline(Duration::from_millis(50)).build().unwrap();
    rest.fake.fail_next(Fault::Slow(Duration::from_secs(3)));
    let error = hasty.plan(&Op::now(), &topics).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown { .. }), "{error:?}");

    let nobody = D1HttpStore::builder(ACCOUNT, DATABASE, TOKEN)
        .base_url("http://127.0.0.1:1")
        .build()
        .unwrap();
    let error = nobody.plan(&Op::now(), &topics).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn the_token_is_told_to_nobody() {
    let rest = Rest::fresh().await;
    let stranger = D1HttpStore::builder(ACCOUNT, DATABASE, "wr0ng-s3cret")
        .base_url(format!("{}/client/v4", rest.fake.server.uri()));
    let builder = format!("{stranger:?}");
    let store = stranger.build().unwrap();
    let error = store.counts("site").await.unwrap_err();
    let told = format!("{builder} {store:?} {error} {error:?}");
    assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    assert!(!told.contains("s3cret"), "{told}");
}

#[tokio::test]
async fn senseless_settings_are_refused() {
    let with = D1HttpStore::builder;
    for (builder, name) in [
        (with("../x", DATABASE, TOKEN), "account"),
        (with(ACCOUNT, "", TOKEN), "database"),
        (with(ACCOUNT, DATABASE, "a\nb"), "token"),
        (
            with(ACCOUNT, DATABASE, TOKEN).base_url("http://example.com"),
            "base_url",
        ),
        (
            with(ACCOUNT, DATABASE, TOKEN).base_url("https://me:pw@example.com"),
            "base_url",
        ),
        (
            with(ACCOUNT, DATABASE, TOKEN).deadline(Duration::from_secs(31)),
            "deadline",
        ),
    ] {
        let answer = builder.build();
        assert!(
            matches!(&answer, Err(Error::InvalidInput { field, .. }) if *field == name),
            "{answer:?}"
        );
    }
}

//! Ways to the server, and what they say when they fail.

use std::time::Duration;

use presswork_content_store::{Error, NewPage, Op, Pages, PostgresStore, migrations};

use super::server::Server;

async fn refused(url: &str) -> Error {
    let error = PostgresStore::builder(url)
        .deadline(Duration::from_secs(20))
        .connect()
        .await
        .unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(!told.contains("s3cret") && !told.contains("wr0ng"), "{told}");
    error
}

#[tokio::test]
async fn failures_say_what_to_do_and_keep_the_secret() {
    let Some(server) = Server::start(&["fsync=off"]).await else {
        return;
    };
    let url = server.url("");

    let error = refused(&url.replace("s3cret", "wr0ng")).await;
    assert!(
        matches!(&error, Error::Rejected { message, .. } if message.contains("password")),
        "{error:?}"
    );
    assert!(!error.is_retryable());

    let error = refused(&url.replace("/postgres?", "/nowhere?")).await;
    assert!(
        matches!(&error, Error::Rejected { message, .. } if message.contains("nowhere")),
        "{error:?}"
    );

    // The server speaks no TLS.
    let error = refused(&url.replace("sslmode=disable", "sslmode=require")).await;
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");

    let store = PostgresStore::connect(&url).await.unwrap();
    let told = format!("{store:?}");
    assert!(told.contains("127.0.0.1") && !told.contains("s3cret"), "{told}");
    assert!(!format!("{:?}", PostgresStore::builder(&url)).contains("s3cret"));

    server
        .execute("INSERT INTO content_migrations (name) VALUES ('0099_future.sql')")
        .await;
    let error = refused(&url).await;
    assert!(
        matches!(&error, Error::NewerSchema { found, .. } if found == "0099_future.sql"),
        "{error:?}"
    );
    server
        .execute("DELETE FROM content_migrations WHERE name = '0099_future.sql'")
        .await;

    server
        .execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
        .await;
    let reader = PostgresStore::connect(&url).await.unwrap();
    let topic = NewPage {
        site: "site".to_owned(),
        locale: "en".to_owned(),
        slug: "page".to_owned(),
        row_key: "row".to_owned(),
        primary_keyword: "word".to_owned(),
        topic: serde_json::Value::Null,
    };
    let error = reader.plan(&Op::now(), std::slice::from_ref(&topic)).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    assert_eq!(reader.counts("site").await.unwrap().total(), 0);

    // A server that is gone: a reader is told so, and nothing waits for ever.
    let gone = url.replace(&format!(":{}/", server.port()), ":1/");
    let error = refused(&gone).await;
    assert!(
        matches!(error, Error::Unavailable { .. }) && error.is_retryable(),
        "{error:?}"
    );
}

#[tokio::test]
async fn senseless_settings_are_refused() {
    let url = "postgres://me:s3cret@127.0.0.1/db";
    for (builder, name) in [
        (PostgresStore::builder(url).connections(0), "connections"),
        (PostgresStore::builder(url).connections(1_001), "connections"),
        (PostgresStore::builder(url).deadline(Duration::ZERO), "deadline"),
        (PostgresStore::builder(url).deadline(Duration::MAX), "deadline"),
        (PostgresStore::builder("sqlite:x"), "url"),
        (
            PostgresStore::builder(format!("{url}?sslmode=verify-full&sslrootcert=/no/such/file")),
            "sslrootcert",
        ),
    ] {
        let answer = builder.connect().await;
        assert!(
            matches!(&answer, Err(Error::InvalidInput { field, .. }) if *field == name),
            "{answer:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrators_at_once_wait_for_each_other() {
    let Some(server) = Server::start(&["fsync=off"]).await else {
        return;
    };
    for round in 0..3 {
        let url = server.schema(&format!("round_{round}")).await;
        let opened = (0..8).map(|_| PostgresStore::builder(&url).connections(1).connect());
        let stores = futures_util::future::try_join_all(opened).await.unwrap();
        assert_eq!(stores[7].counts("site").await.unwrap().total(), 0);
    }
}

/// The schema half-made by somebody's hand is finished; each version before this one is taken further.
#[tokio::test]
async fn earlier_and_half_made_schemas_are_finished() {
    let Some(server) = Server::start(&["fsync=off"]).await else {
        return;
    };
    for version in 1..=migrations::MIGRATIONS.len() {
        let url = server.schema(&format!("version_{version}")).await;
        let old = PostgresStore::builder(&url).known(&migrations::MIGRATIONS[..version]);
        drop(old.connect().await.unwrap());
        PostgresStore::connect(&url).await.unwrap();
    }
    let url = server.schema("half").await;
    server.execute(r#"CREATE TABLE half.content_op (op_id TEXT COLLATE "C" NOT NULL PRIMARY KEY, nonce TEXT COLLATE "C" NOT NULL, request TEXT COLLATE "C" NOT NULL, result TEXT COLLATE "C", at_ms BIGINT NOT NULL)"#).await;
    PostgresStore::connect(&url).await.unwrap();
}

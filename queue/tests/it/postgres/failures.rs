//! Transactions, schemas, restarts, secrets: what goes wrong with servers, and what the errors say.

use std::time::{Duration, Instant};

use futures_util::{FutureExt, future::join_all};
use presswork_queue::{
    Consumer, Delivery, Depth, Error, Inspect, Message, Outcome, PostgresQueue, PostgresQueueBuilder, Queue, Settle,
    Settled, Settlement,
};

use super::server::{Server, available};

const LONG: Duration = Duration::from_secs(60);

fn at(server: &Server) -> PostgresQueueBuilder {
    PostgresQueue::connect(server.url()).lease(LONG)
}

fn ack(delivery: &Delivery) -> Settlement {
    Settlement::new(delivery.lease().clone(), Outcome::Ack)
}

/// Skips the test where there is no server to start.
macro_rules! needs_server {
    () => {
        if let Err(reason) = available() {
            println!("skipped: {reason}");
            return;
        }
    };
}

#[tokio::test]
async fn settings_are_checked_before_anything_is_asked() {
    let at = |url: &str| PostgresQueue::connect(url);
    let local = || at("postgres://me:s3cret@127.0.0.1:1/db");
    for builder in [
        local().lease(Duration::ZERO),
        local().max_attempts(0),
        local().idempotency_ttl(Duration::ZERO),
        local().name(""),
        local().name("a\0b"),
        local().name("n".repeat(201)),
        local().connections(0),
        local().timeout(Duration::ZERO),
        at("http://127.0.0.1/s3cret"),
        at("postgres://me:s3cret@host/db?sslmode=s3cret"),
        at("postgres://me:s3cret@host/db?sslmode=verify-full&sslrootcert=/nowhere"),
    ] {
        let error = builder.clone().build().await.unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{builder:?}: {error:?}");
        assert!(
            !format!("{builder:?} {error:?} {error}").contains("s3cret"),
            "{error:?}"
        );
    }
    let error = local().build().await.unwrap_err();
    assert!(
        matches!(error, Error::Unavailable { .. }) && error.is_retryable(),
        "{error:?}"
    );
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    assert!(!format!("{error:?} {error}").contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn nothing_prints_a_password_or_a_body() {
    needs_server!();
    let server = Server::start();
    let url = server
        .url()
        .replace("postgres://postgres@", "postgres://postgres:s3cret@");
    let queue = PostgresQueue::connect(&url).build().await.unwrap();
    let nobody = PostgresQueue::connect(url.replace("postgres:s3cret@", "nobody:s3cret@"))
        .build()
        .await
        .unwrap_err();
    assert!(matches!(nobody, Error::Config { .. }), "{nobody:?}");
    let nowhere = PostgresQueue::connect(format!("{}/nowhere", url.trim_end_matches("/postgres")))
        .build()
        .await;
    let message = Message::new("s3cret-body");
    queue.send(&message).await.unwrap();
    let delivery = queue.receive(1, Duration::ZERO).await.unwrap().remove(0);
    drop(server);
    let gone = queue.send(&message).await.unwrap_err();
    let printed = format!("{nobody:?} {nobody} {nowhere:?} {queue:?} {delivery:?} {gone:?} {gone}");
    assert!(!printed.contains("s3cret"), "{printed}");
}

#[tokio::test]
async fn a_message_is_sent_when_its_transaction_commits() {
    needs_server!();
    let server = Server::start();
    let queue = at(&server).build().await.unwrap();
    let mut client = server.connection().await;
    client.batch_execute("CREATE TABLE page (id INT)").await.unwrap();

    let transaction = client.transaction().await.unwrap();
    transaction.execute("INSERT INTO page VALUES (1)", &[]).await.unwrap();
    queue.send_in(&transaction, &[Message::new("never")]).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(queue.depth().await.unwrap(), Depth::default());

    let transaction = client.transaction().await.unwrap();
    transaction.execute("INSERT INTO page VALUES (2)", &[]).await.unwrap();
    let message = Message::new("page 2").idempotency_key("page\0two");
    let ids = queue
        .send_in(&transaction, &[message.clone(), message.clone()])
        .await
        .unwrap();
    assert_eq!(ids[0], ids[1]);
    let early = queue.receive(1, Duration::from_millis(50)).await.unwrap();
    assert!(early.is_empty(), "before the commit nobody sees it");
    let (received, ()) = futures_util::future::join(queue.receive(1, LONG), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        transaction.commit().await.unwrap();
    })
    .await;
    let received = received.unwrap();
    assert_eq!((received[0].id(), received[0].body()), (&ids[0], &b"page 2"[..]));
    assert_eq!(queue.send(&message).await.unwrap(), ids[0], "its key is remembered");

    let transaction = client.transaction().await.unwrap();
    let refused = queue
        .send_in(&transaction, &[Message::new("x").delay(Duration::MAX)])
        .await;
    assert!(matches!(refused, Err(Error::InvalidDelay { .. })), "{refused:?}");
    assert_eq!(queue.send_in(&transaction, &[message]).await.unwrap(), ids[..1]);
    transaction.commit().await.unwrap();
    assert_eq!(queue.depth().await.unwrap().ready, 0);
}

#[tokio::test]
async fn many_may_make_the_tables_at_once_and_a_newer_program_is_refused() {
    needs_server!();
    let server = Server::start();
    for built in join_all((0..6).map(|_| at(&server).connections(1).build())).await {
        built.unwrap();
    }
    let client = server.connection().await;
    let queues: i64 = client
        .query_one("SELECT count(*) FROM queue_name", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(queues, 1);
    client
        .batch_execute("UPDATE queue_schema SET version = 99")
        .await
        .unwrap();
    let error = at(&server).build().await.unwrap_err();
    assert!(
        matches!(&error, Error::Config { message, .. } if message.contains("version 99")),
        "{error:?}"
    );
    client
        .batch_execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
        .await
        .unwrap();
    let latin = format!("{}/latin", server.url().trim_end_matches("/postgres"));
    let error = PostgresQueue::connect(latin).build().await.unwrap_err();
    assert!(
        matches!(&error, Error::Config { message, .. } if message.contains("LATIN1")),
        "{error:?}"
    );
}

#[tokio::test]
async fn another_process_and_a_due_time_and_a_lost_lease_are_noticed() {
    needs_server!();
    let server = Server::start();
    let (here, there) = (at(&server).build().await.unwrap(), at(&server).build().await.unwrap());
    let start = Instant::now();
    let (received, ()) = futures_util::future::join(here.receive(1, LONG), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        there
            .send(&Message::new("x").delay(Duration::from_millis(700)))
            .await
            .unwrap();
    })
    .await;
    assert_eq!(received.unwrap().len(), 1);
    let waited = start.elapsed();
    assert!(
        waited >= Duration::from_secs(1) && waited < Duration::from_secs(9),
        "{waited:?}"
    );

    let brief = at(&server)
        .name("brief")
        .lease(Duration::from_millis(300))
        .build()
        .await
        .unwrap();
    brief.send(&Message::new("y")).await.unwrap();
    assert_eq!(brief.receive(1, Duration::ZERO).await.unwrap().len(), 1);
    let again = brief.receive(1, LONG).await.unwrap();
    assert_eq!(again[0].attempt(), Some(2));
}

#[tokio::test]
async fn a_dropped_receive_gives_back_at_once() {
    needs_server!();
    let server = Server::start();
    let queue = at(&server).build().await.unwrap();
    for _ in 0..5 {
        queue.send_batch(&vec![Message::new("x"); 10]).await.unwrap();
        assert!(queue.receive(10, Duration::ZERO).now_or_never().is_none());
        let mut received = Vec::new();
        while received.len() < 10 {
            received.extend(queue.receive(10, Duration::from_secs(20)).await.unwrap());
        }
        assert!(
            received.iter().all(|delivery| delivery.attempt() == Some(1)),
            "and counts no attempt"
        );
        let acks: Vec<_> = received.iter().map(ack).collect();
        assert_eq!(queue.settle(&acks).await.unwrap(), [Settled::Done; 10]);
    }
}

#[tokio::test]
async fn an_idle_consumer_costs_next_to_nothing() {
    needs_server!();
    let server = Server::that_logs();
    let queue = at(&server).build().await.unwrap();
    assert!(queue.receive(1, Duration::from_millis(2_500)).await.unwrap().is_empty());
    // The log of what was answered may be written a moment later.
    tokio::time::sleep(Duration::from_millis(300)).await;
    // One look, one when listening had begun, one at the end; from then on one every 10 s, of two statements each.
    let looks = server.logged("FOR UPDATE SKIP LOCKED");
    assert!((1..=3).contains(&looks), "{looks} looks in 2.5 s");
    let executed = server.logged(" LOG:  execute ");
    // Building asks for encoding, version and number, and makes the tables.
    assert!(executed <= 2 * looks + 12, "{executed} statements, {looks} looks");
    assert_eq!(server.logged("LISTEN presswork_queue_"), 1);
}

//! What goes wrong with servers and connections, what it costs, and what the errors say.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::join_all};
use presswork_queue::{
    Consumer, Delivery, Error, Inspect, Message, Outcome, Queue, RedisQueue, RedisQueueBuilder, Settle, Settled,
    Settlement,
};

use super::server::{Server, available};

const LONG: Duration = Duration::from_secs(60);

fn at(server: &Server) -> RedisQueueBuilder {
    RedisQueue::connect(server.url())
        .timeout(Duration::from_secs(30))
        .lease(LONG)
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
async fn settings_are_checked_before_anything_is_sent() {
    let at = |url: &str| RedisQueue::connect(url);
    let local = || at("redis://127.0.0.1:1");
    for builder in [
        local().lease(Duration::ZERO),
        local().max_attempts(0),
        local().idempotency_ttl(Duration::ZERO),
        local().name(""),
        local().name("n".repeat(201)),
        local().timeout(Duration::ZERO),
        at("http://127.0.0.1"),
        at("nonsense"),
        at(""),
    ] {
        let error = builder.clone().build().await.unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{builder:?}: {error:?}");
    }
    let error = local().build().await.unwrap_err();
    assert!(
        matches!(error, Error::Unavailable { .. }) && error.is_retryable(),
        "{error:?}"
    );
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}

#[tokio::test]
async fn nothing_prints_a_password_or_a_body() {
    needs_server!();
    let server = Server::with(&["--requirepass", "s3cret-right"]);
    let host = server.url().replace("redis://", "");
    let with = |password: &str| RedisQueue::connect(format!("redis://:{password}@{host}"));
    let wrong = with("s3cret-wrong");
    let refused = wrong.clone().build().await.unwrap_err();
    assert!(matches!(refused, Error::Config { .. }), "{refused:?}");
    let nobody = RedisQueue::connect(server.url()).build().await.unwrap_err();
    assert!(matches!(nobody, Error::Config { .. }), "{nobody:?}");
    let bad = RedisQueue::connect("redis://:s3cret@host:port:9/")
        .build()
        .await
        .unwrap_err();
    let queue = with("s3cret-right").build().await.unwrap();
    let message = Message::new("s3cret-body");
    queue.send(&message).await.unwrap();
    let delivery = queue.receive(1, Duration::ZERO).await.unwrap().remove(0);
    drop(server);
    let gone = queue.send(&message).await.unwrap_err();
    let printed = format!("{wrong:?} {refused:?} {refused} {bad:?} {bad} {queue:?} {delivery:?} {gone:?} {gone}");
    assert!(!printed.contains("s3cret"), "{printed}");
}

#[tokio::test]
async fn a_server_that_evicts_is_refused() {
    needs_server!();
    let server = Server::with(&["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"]);
    let error = at(&server).build().await.unwrap_err();
    assert!(
        matches!(&error, Error::Config { message, .. } if message.contains("volatile-lru") && message.contains("noeviction")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_full_server_refuses_sends_and_can_be_emptied() {
    needs_server!();
    let server = Server::with(&["--maxmemory", "6mb"]);
    let queue = at(&server).build().await.unwrap();
    let mut sent = 0;
    let error = loop {
        match queue.send(&Message::new("x".repeat(100_000))).await {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 1_000);
    };
    assert!(matches!(error, Error::Full { .. }) && error.is_retryable(), "{error:?}");
    let mut received = 0;
    while received < sent {
        let deliveries = queue.receive(3, Duration::ZERO).await.unwrap();
        assert!(!deliveries.is_empty(), "{received} of {sent}");
        queue.extend(deliveries[0].lease(), LONG).await.unwrap();
        received += deliveries.len();
        let acks: Vec<_> = deliveries.iter().map(ack).collect();
        assert!(
            queue
                .settle(&acks)
                .await
                .unwrap()
                .iter()
                .all(|settled| *settled == Settled::Done)
        );
    }
    queue.send(&Message::new("x")).await.unwrap();
}

/// How often the clients called each command since the last look; the scripts' own calls have other names.
async fn commands(server: &Server) -> BTreeMap<String, u64> {
    let mut connection = server.connection().await;
    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query_async(&mut connection)
        .await
        .unwrap();
    let () = redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .query_async(&mut connection)
        .await
        .unwrap();
    let client = [
        "evalsha",
        "eval",
        "script|load",
        "blpop",
        "ping",
        "client|unblock",
        "client|id",
        "multi",
        "get",
    ];
    let calls = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        client
            .contains(&name)
            .then(|| (name.to_owned(), rest.split(',').next().unwrap().parse().unwrap()))
    });
    calls.collect()
}

fn calls(list: &[(&str, u64)]) -> BTreeMap<String, u64> {
    list.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test]
async fn a_send_is_one_command_and_a_delivery_two() {
    needs_server!();
    let server = Server::start();
    let queue = at(&server).build().await.unwrap();
    let cycle = async |count: usize| {
        queue.send_batch(&vec![Message::new("x"); count]).await.unwrap();
        let deliveries = queue.receive(count, Duration::ZERO).await.unwrap();
        assert_eq!(deliveries.len(), count);
        queue
            .settle(&deliveries.iter().map(ack).collect::<Vec<_>>())
            .await
            .unwrap();
    };
    cycle(1).await; // the scripts are known from here on
    commands(&server).await;
    for count in [1, 100] {
        cycle(count).await;
        assert_eq!(commands(&server).await, calls(&[("evalsha", 3)]), "{count} messages");
    }
    let message = Message::new("x").idempotency_key("k");
    queue.send(&message).await.unwrap();
    queue.send(&message).await.unwrap();
    assert_eq!(commands(&server).await["evalsha"], 2);
}

#[tokio::test]
async fn an_idle_consumer_costs_next_to_nothing() {
    needs_server!();
    let server = Server::start();
    let queue = at(&server).build().await.unwrap();
    queue.receive(1, Duration::from_millis(200)).await.unwrap(); // its connection is open from here on
    commands(&server).await;
    assert!(queue.receive(1, Duration::from_millis(1_500)).await.unwrap().is_empty());
    // One look, then one block that looks at its end: 12 a minute at the longest block of 10 s.
    assert_eq!(commands(&server).await, calls(&[("blpop", 1), ("evalsha", 2)]));
}

#[tokio::test]
async fn a_blocked_consumer_is_served_at_once_and_keeps_nobody_waiting() {
    needs_server!();
    let server = Server::start();
    let queue = at(&server).build().await.unwrap();
    for round in 0..20 {
        let blocked = queue.receive(1, LONG);
        let sent = async {
            tokio::time::sleep(Duration::from_millis(20 + round)).await;
            queue.depth().await.unwrap();
            let start = Instant::now();
            queue.send(&Message::new("x")).await.unwrap();
            start
        };
        let (deliveries, start) = futures_util::future::join(blocked, sent).await;
        // A path that waits on a timer would take at least the tenth of a second between two looks at the clock.
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!(
            queue.settle(&[ack(&deliveries.unwrap()[0])]).await.unwrap(),
            [Settled::Done]
        );
    }
}

#[tokio::test]
async fn one_batch_wakes_as_many_consumers_as_it_needs() {
    needs_server!();
    let server = Server::start();
    let queues = join_all((0..8).map(|_| at(&server).build())).await;
    let queues: Vec<_> = queues.into_iter().map(Result::unwrap).collect();
    let receives = join_all(queues.iter().map(|queue| queue.receive(5, LONG)));
    let sends = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        queues[0].send_batch(&vec![Message::new("x"); 40]).await.unwrap();
    };
    let start = Instant::now();
    let (received, ()) = futures_util::future::join(receives, sends).await;
    assert!(received.into_iter().all(|deliveries| deliveries.unwrap().len() == 5));
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "nobody waited for its own look"
    );
}

#[tokio::test]
async fn a_dropped_receive_gives_back_at_once() {
    needs_server!();
    let server = Server::start();
    let queue = at(&server).build().await.unwrap();
    for _ in 0..10 {
        // Dropped while it blocks, then while its answer is under way.
        let blocked = tokio::time::timeout(Duration::from_millis(15), queue.receive(10, LONG));
        assert!(blocked.await.is_err());
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

//! Servers that are not alone: a node of a cluster, and one that becomes a replica.

use std::time::Duration;

use presswork_queue::{
    Admin, Consumer, DeadLetterFilter, DeadLetters, Delivery, Error, Inspect, Message, Outcome, Queue, RedisQueue,
    Settle, Settled, Settlement,
};

use super::server::{Server, available};

const LONG: Duration = Duration::from_secs(60);
const NOW: Duration = Duration::ZERO;

async fn open(server: &Server, name: &str) -> RedisQueue {
    let queue = RedisQueue::connect(server.url()).name(name).lease(LONG);
    queue.timeout(Duration::from_secs(30)).build().await.unwrap()
}

async fn tell(server: &Server, words: &[&str]) -> String {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(&mut server.connection().await).await.unwrap()
}

async fn settle(queue: &RedisQueue, delivery: &Delivery, outcome: Outcome) {
    let settlement = Settlement::new(delivery.lease().clone(), outcome);
    assert_eq!(queue.settle(&[settlement]).await.unwrap(), [Settled::Done]);
}

#[tokio::test]
async fn a_node_of_a_cluster_serves_whole_queues() {
    if let Err(reason) = available() {
        println!("skipped: {reason}");
        return;
    }
    let server = Server::with(&["--cluster-enabled", "yes"]);
    let slots: Vec<_> = (0..16_384).map(|slot| slot.to_string()).collect();
    let mut add = vec!["CLUSTER", "ADDSLOTS"];
    add.extend(slots.iter().map(String::as_str));
    tell(&server, &add).await;
    while !tell(&server, &["CLUSTER", "INFO"]).await.contains("cluster_state:ok") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The server refuses a script whose keys lie in different slots, so each is called once.
    for name in ["posts", "a}b{c", "🦀"] {
        let queue = open(&server, name).await;
        let keyed = Message::new("1").idempotency_key("k");
        let first = queue.send(&keyed).await.unwrap();
        assert_eq!(queue.send(&keyed).await.unwrap(), first);
        let later = Message::new("2").delay(Duration::from_millis(1));
        queue.send_batch(&[later, Message::new("3")]).await.unwrap();
        queue.peek(10).await.unwrap();
        queue.pause().await.unwrap();
        assert!(queue.receive(10, NOW).await.unwrap().is_empty());
        queue.resume().await.unwrap();
        let mut deliveries = Vec::new();
        while deliveries.len() < 3 {
            deliveries.extend(queue.receive(10, LONG).await.unwrap());
        }
        let lease = queue.extend(deliveries[0].lease(), LONG).await.unwrap();
        assert_eq!(
            queue.settle(&[Settlement::new(lease, Outcome::Ack)]).await.unwrap(),
            [Settled::Done]
        );
        settle(&queue, &deliveries[1], Outcome::Release).await;
        let dead = Outcome::DeadLetter {
            reason: "why".to_owned(),
        };
        settle(&queue, &deliveries[2], dead).await;
        assert_eq!(queue.list(&DeadLetterFilter::all(), None, 10).await.unwrap().len(), 1);
        assert_eq!(
            queue.redrive(&DeadLetterFilter::all(), false).await.unwrap().ids.len(),
            1
        );
        let depth = queue.depth().await.unwrap();
        assert_eq!((depth.ready, depth.leased, depth.dead), (2, 0, 0), "{name}");
        queue.discard(&DeadLetterFilter::all(), false).await.unwrap();
        assert_eq!(queue.purge().await.unwrap(), Some(2));
    }
}

#[tokio::test]
async fn a_replica_refuses_until_it_leads_again() {
    if let Err(reason) = available() {
        println!("skipped: {reason}");
        return;
    }
    let server = Server::start();
    let queue = open(&server, "posts").await;
    queue.send(&Message::new("1")).await.unwrap();
    let delivery = queue.receive(1, LONG).await.unwrap().remove(0);
    // Of a server that is not there, so that nothing is copied from it.
    tell(&server, &["REPLICAOF", "127.0.0.1", "1"]).await;
    let acked = Settlement::new(delivery.lease().clone(), Outcome::Ack);
    for error in [
        queue.send(&Message::new("2")).await.unwrap_err(),
        queue.settle(std::slice::from_ref(&acked)).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, Error::Unavailable { .. }) && error.is_retryable(),
            "{error:?}"
        );
    }
    tell(&server, &["REPLICAOF", "NO", "ONE"]).await;
    settle(&queue, &delivery, Outcome::Ack).await;
    queue.send(&Message::new("2")).await.unwrap();
    assert_eq!(queue.depth().await.unwrap().ready, 1);
}

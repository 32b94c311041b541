//! Sending: fidelity, limits, idempotency, batches.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::{Harness, tools::*};
use crate::{Error, Message, Outcome};

/// See the bullet of this name on [`Queue::send`](crate::Queue::send).
pub async fn bodies_arrive_unchanged<H: Harness>(h: &H) {
    let all_bytes: Vec<u8> = (0..=255).collect();
    let bodies: [Vec<u8>; 7] = [
        Vec::new(),
        all_bytes,
        vec![0xff, 0xfe, 0x00],
        "a\0b".into(),
        "\u{feff}🦀 naïve 日本語 \u{202e}\"\\\n\r\t\u{1}".into(),
        "{\"v\":1,\"body\":\"not an envelope\"}".into(),
        "eyJub3QiOiJiYXNlNjQifQ==".into(),
    ];
    for body in bodies {
        let id = h.queue().send(&Message::new(body.clone())).await.expect("send");
        let delivery = one(h).await;
        assert_eq!(delivery.id(), &id);
        assert_eq!(delivery.body(), body);
        assert!(delivery.undecodable().is_none());
        settle(h, &delivery, Outcome::Ack).await;
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Payload {
    big: u64,
    low: i64,
    float: f64,
    map: HashMap<String, BTreeMap<String, i32>>,
    none: Option<String>,
    unit: Kind,
    newtype: Kind,
    tagged: Kind,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Newtype(u64),
    Tagged { at: (u8, String) },
}

/// See the bullet of this name on [`Queue::send`](crate::Queue::send).
pub async fn json_payloads_survive<H: Harness>(h: &H) {
    let payload = Payload {
        big: u64::MAX,
        low: i64::MIN,
        float: 0.1 + 0.2,
        map: HashMap::from([("k".to_owned(), BTreeMap::from([("z".to_owned(), -1)]))]),
        none: None,
        unit: Kind::Unit,
        newtype: Kind::Newtype((1 << 53) + 1),
        tagged: Kind::Tagged {
            at: (7, "x".to_owned()),
        },
        rest: BTreeMap::from([(
            "n".to_owned(),
            serde_json::json!({"deep": [9_007_199_254_740_993_u64, null, ""]}),
        )]),
    };
    h.queue()
        .send(&Message::json(&payload).expect("json"))
        .await
        .expect("send");
    let delivery = one(h).await;
    assert_eq!(delivery.json::<Payload>().expect("the payload reads back"), payload);
    let wrong = delivery.json::<Vec<u8>>();
    assert!(matches!(wrong, Err(Error::Undecodable { .. })), "{wrong:?}");
}

/// See the bullet of this name on [`Queue::send`](crate::Queue::send).
pub async fn headers_round_trip<H: Harness>(h: &H) {
    let headers = [
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("", "empty key"),
        ("With Space\n\"", ""),
        ("ünï", "🦀\0"),
        ("v", "2"),
    ];
    let message = headers
        .iter()
        .fold(Message::new("x"), |message, (key, value)| message.header(*key, *value));
    h.queue().send(&message).await.expect("send");
    assert_eq!(one(h).await.headers(), message.headers());
}

/// See the bullet of this name on [`Queue::send`](crate::Queue::send).
pub async fn size_limit_is_exact<H: Harness>(h: &H) {
    let max = h.queue().capabilities().max_message_bytes;
    let room = max - Message::new("").encoded_len();
    for less in [1, 0] {
        h.queue()
            .send(&Message::new("a".repeat(room - less)))
            .await
            .expect("up to the limit is taken");
        let delivery = one(h).await;
        assert_eq!(delivery.body().len(), room - less);
        settle(h, &delivery, Outcome::Ack).await;
    }
    let refused = h.queue().send(&Message::new("a".repeat(room + 1))).await;
    assert!(
        matches!(refused, Err(Error::TooLarge { max: said, .. }) if said == max),
        "{refused:?}"
    );
    // What grows on the wire counts as it travels.
    let grown = h.queue().send(&Message::new("\"".repeat(room / 2 + 1))).await;
    assert!(matches!(grown, Err(Error::TooLarge { .. })), "{grown:?}");
    none(h).await;
}

/// See the bullet of this name on [`Queue::send`](crate::Queue::send).
pub async fn repeated_key_returns_the_first_id<H: Harness>(h: &H) {
    let message = Message::new("once").idempotency_key("order-7");
    let first = h.queue().send(&message).await.expect("send");
    assert_eq!(h.queue().send(&message).await.expect("send again"), first);
    let other = h
        .queue()
        .send(&Message::new("once").idempotency_key("order-8"))
        .await
        .expect("send other");
    assert_ne!(other, first);
    let deliveries = receive_all(h).await;
    assert_eq!(deliveries.len(), 2);
    for delivery in &deliveries {
        settle(h, delivery, Outcome::Ack).await;
    }
    assert_eq!(h.queue().send(&message).await.expect("send after the ack"), first);
    none(h).await;
}

/// See the bullet of this name on [`Queue::send`](crate::Queue::send).
pub async fn key_expires_after_its_ttl<H: Harness>(h: &H) {
    let ttl = h.queue().capabilities().idempotency_ttl.expect("the case needs keys");
    // Many keys end at once, so that tidying up a few is not enough.
    for n in 0..20 {
        let other = Message::new("other").idempotency_key(format!("other-{n}"));
        h.queue().send(&other).await.expect("send");
    }
    let message = Message::new("once").idempotency_key("z");
    let first = h.queue().send(&message).await.expect("send");
    h.advance(ttl - slack(h) * 2).await;
    assert_eq!(h.queue().send(&message).await.expect("send before the end"), first);
    h.advance(slack(h) * 3).await;
    let second = h.queue().send(&message).await.expect("send after the end");
    assert_ne!(second, first, "the key is forgotten");
    assert_eq!(receive_all(h).await.len(), 22);
}

/// See the bullet of this name on [`Queue::send`](crate::Queue::send).
pub async fn concurrent_senders_of_one_key_make_one_message<H: Harness>(h: &H) {
    let message = Message::new("once").idempotency_key("z");
    let sends = (0..100).map(|_| {
        let (queue, message) = (h.queue(), message.clone());
        async move { queue.send(&message).await.expect("send") }
    });
    let ids: BTreeSet<_> = join_all(sends).await.into_iter().collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(receive_all(h).await.len(), 1);
}

/// See the bullet of this name on [`Queue::send`](crate::Queue::send).
pub async fn lost_answer_can_be_repeated<H: Harness>(h: &H) {
    let message = Message::new("once").idempotency_key("z");
    h.lose_next_answer().await;
    let lost = h.queue().send(&message).await;
    assert!(
        matches!(lost, Err(Error::OutcomeUnknown { .. } | Error::Unavailable { .. })),
        "{lost:?}"
    );
    let id = h.queue().send(&message).await.expect("the repeat is answered");
    let deliveries = receive_all(h).await;
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0].id(), &id);
}

/// See the bullet of this name on [`Queue::send_batch`](crate::Queue::send_batch).
pub async fn empty_batch_is_a_no_op<H: Harness>(h: &H) {
    assert_eq!(h.queue().send_batch(&[]).await.expect("nothing is sent"), []);
    none(h).await;
}

/// See the bullet of this name on [`Queue::send_batch`](crate::Queue::send_batch).
pub async fn batch_returns_ids_in_order<H: Harness>(h: &H) {
    let messages: Vec<_> = (0..20).map(|n| Message::new(n.to_string())).collect();
    let ids = h.queue().send_batch(&messages).await.expect("send");
    assert_eq!(ids.len(), 20);
    let deliveries = receive_all(h).await;
    assert_eq!(deliveries.len(), 20);
    for delivery in deliveries {
        let place = ids
            .iter()
            .position(|id| id == delivery.id())
            .expect("the id was returned");
        assert_eq!(delivery.body(), place.to_string().as_bytes());
    }
}

/// See the bullet of this name on [`Queue::send_batch`](crate::Queue::send_batch).
pub async fn batch_limit_is_exact<H: Harness>(h: &H) {
    let max = h.queue().capabilities().max_batch;
    let messages = vec![Message::new("x"); max + 1];
    let refused = h.queue().send_batch(&messages).await;
    assert!(
        matches!(refused, Err(Error::BatchTooLarge { max: said, .. }) if said == max),
        "{refused:?}"
    );
    none(h).await;
    let ids = h
        .queue()
        .send_batch(&messages[..max])
        .await
        .expect("a full batch is taken");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>().len(), max);
    assert_eq!(receive_all(h).await.len(), max);
}

/// See the bullet of this name on [`Queue::send_batch`](crate::Queue::send_batch).
pub async fn batch_bytes_limit_holds<H: Harness>(h: &H) {
    let capabilities = h.queue().capabilities();
    let room = capabilities.max_message_bytes - Message::new("").encoded_len();
    let fitting = capabilities.max_batch_bytes / capabilities.max_message_bytes;
    if fitting >= capabilities.max_batch {
        return; // The number of messages is the nearer limit.
    }
    let mut messages = vec![Message::new("a".repeat(room)); fitting];
    let left = capabilities.max_batch_bytes - fitting * capabilities.max_message_bytes;
    messages.push(Message::new(
        "a".repeat((left + 1).saturating_sub(Message::new("").encoded_len())),
    ));
    let refused = h.queue().send_batch(&messages).await;
    assert!(matches!(refused, Err(Error::BatchTooLarge { .. })), "{refused:?}");
    none(h).await;
    h.queue()
        .send_batch(&messages[..fitting])
        .await
        .expect("a batch at the limit is taken");
    assert_eq!(receive_all(h).await.len(), fitting);
}

/// See the bullet of this name on [`Queue::send_batch`](crate::Queue::send_batch).
pub async fn bad_message_refuses_the_batch<H: Harness>(h: &H) {
    let capabilities = h.queue().capabilities();
    let too_large = Message::new("a".repeat(capabilities.max_message_bytes));
    let refused = h
        .queue()
        .send_batch(&[Message::new("good"), too_large, Message::new("good too")])
        .await;
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    let too_late = Message::new("x").delay(capabilities.max_delay * 2);
    let refused = h.queue().send_batch(&[Message::new("good"), too_late]).await;
    assert!(matches!(refused, Err(Error::InvalidDelay { .. })), "{refused:?}");
    if capabilities.idempotency_ttl.is_some() {
        let refused = h
            .queue()
            .send_batch(&[Message::new("good"), Message::new("x").idempotency_key("")])
            .await;
        assert!(matches!(refused, Err(Error::InvalidMessage { .. })), "{refused:?}");
    }
    none(h).await;
}

/// See the bullet of this name on [`Queue::send_batch`](crate::Queue::send_batch).
pub async fn key_repeated_in_a_batch_makes_one_message<H: Harness>(h: &H) {
    let message = Message::new("once").idempotency_key("z");
    let ids = h
        .queue()
        .send_batch(&[message.clone(), Message::new("other"), message])
        .await
        .expect("send");
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(receive_all(h).await.len(), 2);
}

/// See the bullet of this name on [`Queue::capabilities`](crate::Queue::capabilities).
pub async fn messages_survive_reopen<H: Harness>(h: &H) {
    let id = send(h, "kept").await;
    let leased = send(h, "leased").await;
    let held = receive_all(h)
        .await
        .into_iter()
        .find(|delivery| delivery.id() == &leased)
        .expect("leased");
    h.reopen().await;
    none(h).await;
    assert_eq!(
        settle(h, &held, Outcome::Ack).await,
        crate::Settled::Done,
        "a lease outlives the process too"
    );
    expire(h).await;
    let deliveries = receive_all(h).await;
    assert_eq!(deliveries.len(), 1);
    assert_eq!((deliveries[0].id(), deliveries[0].body()), (&id, &b"kept"[..]));
}

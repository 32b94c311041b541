//! What only the REST queue has: its errors, partial failures, polling, dead letters in a queue of their own.

use std::{sync::Arc, time::Duration};

use presswork_queue::{
    Admin, CloudflareHttpQueue, CloudflareHttpQueueBuilder, Consumer, DeadLetter, DeadLetterFilter, DeadLetters, Error,
    Message, Outcome, Queue, Settle, Settled, Settlement,
};
use wiremock::MockServer;

use super::fake::{ACCOUNT, Fake, FakeQueue, TOKEN};
use crate::travel::Ahead;

struct Service {
    server: MockServer,
    fake: Fake,
    clock: Ahead,
}

impl Service {
    async fn start() -> Self {
        let clock = Ahead::fast(20);
        let (server, fake) = Fake::start(Arc::new(clock.clone())).await;
        let queue = FakeQueue {
            max_retries: 1,
            dead_letters: Some("dead".to_owned()),
            ..FakeQueue::default()
        };
        fake.state().queues.insert("q".to_owned(), queue);
        fake.state().queues.insert("dead".to_owned(), FakeQueue::default());
        Self { server, fake, clock }
    }

    fn builder(&self, queue: &str, token: &str) -> CloudflareHttpQueueBuilder {
        CloudflareHttpQueue::builder(ACCOUNT, queue, token)
            .base_url(format!("{}/client/v4", self.server.uri()))
            .lease(Duration::from_secs(3600))
            .clock(Arc::new(self.clock.clone()))
    }

    fn queue(&self) -> CloudflareHttpQueue {
        self.builder("q", TOKEN).dead_letters("dead").build().unwrap()
    }

    fn fail(&self, status: u16, code: u32, happens: bool) {
        self.fake.state().faults.push_back((status, code, happens));
    }

    fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.fake.state().log)
    }
}

fn verdict(delivery: &presswork_queue::Delivery, verdict: Outcome) -> Settlement {
    Settlement::new(delivery.lease().clone(), verdict)
}

#[test]
fn settings_are_checked() {
    let at = |queue: &str, token: &str| CloudflareHttpQueue::builder(ACCOUNT, queue, token);
    let second = Duration::from_secs(1);
    for builder in [
        at("", TOKEN),
        at("../other", TOKEN),
        at("q", ""),
        at("q", "two\nlines"),
        at("q", TOKEN).dead_letters("q"),
        at("q", TOKEN).dead_letters("a/b"),
        at("q", TOKEN).lease(Duration::ZERO),
        at("q", TOKEN).lease(Duration::from_secs(43_201)),
        at("q", TOKEN).poll(second, Duration::from_millis(1)),
        at("q", TOKEN).poll(Duration::ZERO, second),
        at("q", TOKEN).deadline(Duration::ZERO),
        at("q", TOKEN).base_url("ftp://x"),
        at("q", TOKEN).base_url("nonsense"),
    ] {
        let error = builder.clone().build().unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{builder:?}: {error:?}");
        assert!(!format!("{builder:?} {error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn numbers_of_errors_become_conditions_and_nothing_prints_the_token() {
    let service = Service::start().await;
    let queue = service.queue();
    let message = Message::new("s3cret-body");
    let mut printed = format!("{queue:?}");
    for (status, code) in [
        (404, 10_104),
        (403, 10_105),
        (400, 10_107),
        (429, 10_252),
        (401, 0),
        (403, 9_109),
    ] {
        service.fail(status, code, false);
        let error = queue.send(&message).await.unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{code}: {error:?}");
        printed.push_str(&format!("{error:?} {error}"));
    }
    for code in [10_202, 10_203, 10_204, 10_205, 10_206, 10_207, 10_208] {
        service.fail(400, code, false);
        let error = queue.send(&message).await.unwrap_err();
        assert!(matches!(error, Error::InvalidMessage { .. }), "{code}: {error:?}");
    }
    for (status, code) in [(429, 10_250), (429, 0), (429, 971)] {
        service.fail(status, code, false);
        let error = queue.send(&message).await.unwrap_err();
        assert!(
            error.is_retryable() && error.retry_after() == Some(Duration::from_secs(1)),
            "{code}: {error:?}"
        );
    }
    service.fail(429, 10_251, false);
    assert!(matches!(queue.send(&message).await, Err(Error::Full { .. })));
    service.fail(429, 10_253, false);
    let quota = queue.send(&message).await.unwrap_err();
    assert!(
        matches!(quota, Error::Storage { .. }) && !quota.is_retryable(),
        "{quota:?}"
    );
    for (status, code) in [(500, 15_000), (502, 0), (503, 0), (500, 10_201)] {
        service.fail(status, code, true);
        let error = queue.send(&message).await.unwrap_err();
        assert!(matches!(error, Error::OutcomeUnknown { .. }), "{code}: {error:?}");
        printed.push_str(&format!("{error:?} {error}"));
    }
    assert_eq!(
        service.fake.state().queues["q"].messages.len(),
        4,
        "it may have happened, and did"
    );
    let stranger = service.builder("q", "s3cret-wrong").build().unwrap();
    let refused = stranger.send(&message).await.unwrap_err();
    assert!(matches!(refused, Error::Config { .. }), "{refused:?}");
    let lost = service
        .builder("nowhere", TOKEN)
        .build()
        .unwrap()
        .receive(1, Duration::ZERO)
        .await
        .unwrap_err();
    assert!(matches!(lost, Error::Config { .. }), "{lost:?}");
    let nowhere = service
        .builder("q", TOKEN)
        .base_url("http://127.0.0.1:1")
        .build()
        .unwrap();
    let gone = nowhere.send(&message).await.unwrap_err();
    assert!(matches!(gone, Error::Unavailable { .. }), "{gone:?}");
    printed.push_str(&format!("{refused:?} {refused} {lost:?} {gone:?} {gone} {stranger:?}"));
    assert!(!printed.contains("s3cret"), "{printed}");
}

#[tokio::test]
async fn verdicts_that_were_not_applied_are_named() {
    let service = Service::start().await;
    let queue = service.queue();
    for old in [false, true] {
        service.fake.state().old_warnings = old;
        queue.send_batch(&vec![Message::new("x"); 4]).await.unwrap();
        let deliveries = queue.receive(4, Duration::ZERO).await.unwrap();
        assert_eq!(
            queue.settle(&[verdict(&deliveries[1], Outcome::Ack)]).await.unwrap(),
            [Settled::Done]
        );
        let verdicts = [
            verdict(&deliveries[0], Outcome::Ack),
            verdict(&deliveries[1], Outcome::Ack),
            verdict(&deliveries[2], Outcome::retry("later")),
            verdict(&deliveries[2], Outcome::Ack),
            verdict(&deliveries[3], Outcome::Ack),
        ];
        let settled = queue.settle(&verdicts).await.unwrap();
        let (done, stale) = (Settled::Done, Settled::Stale);
        assert_eq!(settled, [done, stale, done, stale, done], "old: {old}");
        let again = queue.receive(4, Duration::ZERO).await.unwrap();
        assert_eq!((again.len(), again[0].attempt()), (1, Some(2)));
        queue.settle(&[verdict(&again[0], Outcome::Ack)]).await.unwrap();
    }
}

#[tokio::test]
async fn an_empty_queue_is_looked_at_less_and_less_often() {
    let service = Service::start().await;
    let queue = service.queue();
    assert!(queue.receive(1, Duration::from_secs(30)).await.unwrap().is_empty());
    let looks = service.log();
    assert!(
        looks
            .iter()
            .all(|line| line.starts_with("POST") && line.ends_with("/messages/pull"))
    );
    // 0.25, 0.5, 1, 2, 4, then every 5 s, each 25 % more or less; the clock runs fast, so exactness is not asked for.
    assert!((5..=14).contains(&looks.len()), "{} looks", looks.len());
    queue.send(&Message::new("x")).await.unwrap();
    service.log();
    assert_eq!(queue.receive(1, Duration::from_secs(30)).await.unwrap().len(), 1);
    assert_eq!(service.log().len(), 1, "what is there comes at once");
}

#[tokio::test]
async fn a_dead_letter_that_cannot_be_sent_is_a_retry() {
    let service = Service::start().await;
    let queue = service.queue();
    queue.send(&Message::new("x")).await.unwrap();
    let first = queue.receive(1, Duration::ZERO).await.unwrap().remove(0);
    service.fail(429, 10_250, false);
    let settled = queue
        .settle(&[verdict(&first, Outcome::dead_letter("no"))])
        .await
        .unwrap();
    assert_eq!(settled, [Settled::Postponed]);
    let second = queue.receive(1, Duration::ZERO).await.unwrap().remove(0);
    assert_eq!(second.attempt(), Some(2));
    assert_eq!(
        queue
            .settle(&[verdict(&second, Outcome::dead_letter("no"))])
            .await
            .unwrap(),
        [Settled::Done]
    );
    assert_eq!(queue.list(&DeadLetterFilter::all(), None, 10).await.unwrap().len(), 1);
    // The letter was sent and the acknowledgement was not: doubled, never lost.
    queue.send(&Message::new("y")).await.unwrap();
    let third = queue.receive(1, Duration::ZERO).await.unwrap().remove(0);
    service
        .fake
        .state()
        .faults
        .extend([(500, 15_000, true), (500, 15_000, false)]);
    assert!(
        queue
            .settle(&[verdict(&third, Outcome::dead_letter("no"))])
            .await
            .is_err()
    );
    assert_eq!(service.fake.state().queues["dead"].messages.len(), 2);
    assert_eq!(service.fake.state().queues["q"].messages.len(), 1);

    let without = service.builder("q", TOKEN).build().unwrap();
    let refused = without.list(&DeadLetterFilter::all(), None, 1).await;
    assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
}

#[tokio::test]
async fn what_the_service_gave_up_is_listed_and_redriven() {
    let service = Service::start().await;
    let queue = service.queue();
    let id = queue.send(&Message::new("given up").header("k", "v")).await.unwrap();
    service.fake.put("q", "garbage", "text");
    for attempt in 1..=2 {
        let deliveries = queue.receive(10, Duration::ZERO).await.unwrap();
        assert_eq!(deliveries.len(), 2);
        assert!(deliveries.iter().all(|delivery| delivery.attempt() == Some(attempt)));
        let retries: Vec<_> = deliveries
            .iter()
            .map(|delivery| verdict(delivery, Outcome::retry("no")))
            .collect();
        queue.settle(&retries).await.unwrap();
    }
    assert!(queue.receive(10, Duration::ZERO).await.unwrap().is_empty());
    let letters = queue.list(&DeadLetterFilter::all(), None, 10).await.unwrap();
    assert_eq!(letters.len(), 2);
    let ours = letters.iter().find(|letter| letter.id == id).unwrap();
    assert_eq!(
        (ours.body.as_slice(), ours.reason.as_str()),
        (&b"given up"[..], DeadLetter::MAX_ATTEMPTS)
    );
    assert_eq!(ours.headers["k"], "v");
    assert!(letters.iter().any(|letter| letter.body == b"garbage"));
    assert_eq!(
        queue.redrive(&DeadLetterFilter::all(), false).await.unwrap().ids.len(),
        2
    );
    let again = queue.receive(10, Duration::ZERO).await.unwrap();
    assert_eq!(again.len(), 2);
    assert!(
        again
            .iter()
            .any(|delivery| delivery.id() == &id && delivery.body() == b"given up")
    );
    assert!(
        again
            .iter()
            .any(|delivery| delivery.undecodable().is_some() && delivery.body() == b"garbage")
    );
    assert!(queue.list(&DeadLetterFilter::all(), None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn messages_of_other_producers_are_read() {
    let service = Service::start().await;
    let queue = service.queue();
    let envelope = presswork_queue::envelope::encode(&Message::new("ours as json"), 1);
    for (body, kind) in [
        ("\u{ff}\u{f}", "v8"),
        ("{\"page\":7}", "json"),
        ("{\"page\":8}", "text"),
        (envelope.as_str(), "json"),
        (envelope.as_str(), "bytes"),
    ] {
        service.fake.put("q", body, kind);
    }
    let mut bodies: Vec<_> = queue.receive(10, Duration::ZERO).await.unwrap();
    bodies.sort_by(|a, b| a.body().cmp(b.body()));
    let bodies: Vec<_> = bodies
        .iter()
        .map(|one| (one.body(), one.undecodable().is_some()))
        .collect();
    assert_eq!(
        bodies,
        [
            (&b"ours as json"[..], false),
            (b"ours as json", false),
            (b"{\"page\":7}", true),
            (b"{\"page\":8}", true),
            ("\u{ff}\u{f}".as_bytes(), true),
        ]
    );
}

#[tokio::test]
async fn a_paused_queue_and_the_backlog_and_an_emptied_queue() {
    let service = Service::start().await;
    let queue = service.queue();
    queue.send_batch(&vec![Message::new("x"); 3]).await.unwrap();
    let backlog = queue.backlog().await.unwrap();
    assert_eq!(backlog.messages, Some(3));
    assert!(backlog.bytes > Some(0) && backlog.oldest_ms.is_some());
    queue.pause().await.unwrap();
    assert!(queue.receive(1, Duration::from_millis(100)).await.unwrap().is_empty());
    queue.resume().await.unwrap();
    assert_eq!(queue.receive(1, Duration::ZERO).await.unwrap().len(), 1);
    assert_eq!(queue.purge().await.unwrap(), None);
    assert!(queue.is_purged().await.unwrap());
    let backlog = queue.backlog().await.unwrap();
    assert_eq!((backlog.messages, backlog.oldest_ms), (Some(0), None));
}

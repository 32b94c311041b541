use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use presswork_ai_adapter::{Error, Failure, Scripted, TextResponse, Usage};
use presswork_content_store::{Op, SpendQuery, Status};
use presswork_pipeline::message::{self, PageMessage};
use presswork_pipeline::{Generator, Relay, RunReport, review};
use presswork_queue::{Capabilities, Consumer, Inspect, Message, MessageId, Outcome, Queue, Settle, Settlement};
use serde_json::json;

use crate::support::{World, good_page, writes};

fn failure() -> Box<Failure> {
    Failure::new("model", "no").boxed()
}

#[tokio::test]
async fn every_topic_becomes_one_published_page_and_one_message() {
    let world = World::with_topics(10).await;
    let report = world.run(writes(10)).await;
    assert_eq!((report.published, report.sent), (10, 10), "{report:?}");
    let page = world.page("topic-003").await;
    assert_eq!(page.status, Status::Published);
    assert_eq!(
        page.content.unwrap().canonical_url,
        "https://almanac.example/topic-003/"
    );
    assert_eq!(world.queue.depth().await.unwrap().ready, 10);

    let again = world.run(Scripted::new()).await;
    assert_eq!(again, RunReport::default());
}

#[tokio::test]
async fn a_run_drafts_no_more_than_it_may() {
    let mut world = World::with_topics(10).await;
    world.config.generator.pages_per_run = 7;
    assert_eq!(world.run(writes(10)).await.published, 7);
    assert_eq!(world.store.counts("almanac").await.unwrap().get(Status::Planned), 3);
}

#[tokio::test]
async fn what_a_model_is_told_holds_the_facts_as_json() {
    let world = World::with_topics(1).await;
    let model = writes(1);
    world.run(model.clone()).await;
    let asked = model.requests()[0].messages[0].text();
    assert!(
        asked.contains("```json\n") && asked.contains("\"key\": \"topic-000\""),
        "{asked}"
    );
}

#[tokio::test]
async fn a_draft_that_fails_a_gate_goes_back_with_the_reason() {
    let world = World::with_topics(1).await;
    let mut thin = good_page();
    thin["title"] = json!("Short");
    let model = Scripted::new().reply(thin.to_string()).reply(good_page().to_string());
    let report = world.run(model.clone()).await;
    assert_eq!(report.published, 1, "{report:?}");
    assert!(
        model.requests()[1].messages[0]
            .text()
            .contains("title has 5 characters, expected 30 to 65")
    );
}

#[tokio::test]
async fn a_draft_that_never_passes_is_tried_again_and_then_failed() {
    let mut world = World::with_topics(1).await;
    world.config.generator.gate_repairs = 0;
    world.config.generator.max_attempts = 1;
    let mut thin = good_page();
    thin["body_html"] = json!("<h2>x</h2>");
    let report = world.run(Scripted::new().reply(thin.to_string())).await;
    assert_eq!(report.failed, 1, "{report:?}");
    let page = world.page("topic-000").await;
    assert_eq!(page.status, Status::Failed);
    assert!(page.last_error.unwrap().contains("body_html has 1 words"));
    assert_eq!(world.queue.depth().await.unwrap().ready, 0);
}

#[tokio::test]
async fn garbage_half_json_an_empty_answer_and_a_refusal_lose_no_topic() {
    let half = good_page().to_string();
    let answers = ["garbage".to_owned(), half[..half.len() / 2].to_owned(), String::new()];
    for answer in answers {
        let world = World::with_topics(1).await;
        // The first answer and every repair turn are as bad.
        let model = (0..3).fold(Scripted::new(), |model, _| model.reply(answer.clone()));
        let report = world.run(model).await;
        assert_eq!((report.published, report.postponed), (0, 1), "{answer:?}: {report:?}");
        let page = world.page("topic-000").await;
        assert_eq!((page.status, page.content), (Status::Planned, None), "{answer:?}");
    }
    let world = World::with_topics(1).await;
    let report = world.run(Scripted::new().refuse("I will not write this.")).await;
    assert_eq!(report.postponed, 1, "{report:?}");
}

#[tokio::test]
async fn scripts_in_a_draft_never_reach_the_store() {
    let world = World::with_topics(1).await;
    let mut page = good_page();
    page["body_html"] = json!("<h2>Facts</h2><p onclick=\"x()\">Four words are enough.</p><script>alert(1)</script>");
    page["title"] = json!("A title <script>alert(1)</script>that is long enough to pass");
    world.run(Scripted::new().reply(page.to_string())).await;
    let content = world.page("topic-000").await.content.unwrap();
    assert_eq!(content.body_html, "<h2>Facts</h2><p>Four words are enough.</p>");
    assert!(!content.title.contains("script"), "{}", content.title);
}

#[tokio::test]
async fn a_model_that_is_down_postpones_topics_without_using_up_their_attempts() {
    let mut world = World::with_topics(1).await;
    world.config.generator.max_attempts = 1;
    let report = world.run(Scripted::new().error(Error::Unavailable(failure()))).await;
    assert_eq!((report.postponed, report.failed), (1, 0), "{report:?}");
    assert_eq!(world.page("topic-000").await.status, Status::Planned);
}

#[tokio::test]
async fn refused_credentials_end_the_run() {
    let mut world = World::with_topics(10).await;
    world.config.generator.concurrency = 1;
    let model = (0..10).fold(Scripted::new(), |model, _| {
        model.error(Error::Unauthenticated(failure()))
    });
    let report = world.run(model.clone()).await;
    assert!(report.stopped.is_some(), "{report:?}");
    assert_eq!(model.requests().len(), 1);
    assert_eq!(world.store.counts("almanac").await.unwrap().get(Status::Planned), 10);
}

#[tokio::test]
async fn every_call_is_in_the_spend_ledger() {
    let world = World::with_topics(2).await;
    world
        .run(
            Scripted::new()
                .reply(good_page().to_string())
                .error(Error::Rejected(failure())),
        )
        .await;
    let query = SpendQuery {
        site: Some("almanac".into()),
        from_ms: 0,
        until_ms: 1 << 52,
    };
    assert_eq!(world.store.spend(&query).await.unwrap().calls, 2);
}

#[tokio::test]
async fn whatever_a_server_says_a_topic_never_ends_the_run() {
    let world = World::with_topics(2).await;
    let long = Failure::new("model", "x".repeat(5_000))
        .retry_after(Some(Duration::MAX))
        .boxed();
    let odd = Failure::new("model", "e\u{301}\u{0}\u{1b}[2J")
        .retry_after(Some(Duration::from_millis(i64::MAX as u64)))
        .boxed();
    let model = Scripted::new()
        .error(Error::Rejected(long))
        .error(Error::Unavailable(odd));
    let report = world.run(model).await;
    assert_eq!(report.postponed, 2, "{report:?}");
    let waits = [world.page("topic-000").await, world.page("topic-001").await].map(|page| page.not_before_ms.unwrap());
    let tomorrow = Op::now().at_ms + 24 * 3_600_000;
    assert!(waits.iter().all(|at| *at < tomorrow), "{waits:?}");
}

#[tokio::test]
async fn an_odd_model_name_and_impossible_usage_do_not_lose_a_page() {
    let world = World::with_topics(1).await;
    let mut response = TextResponse::new("mod\u{e9}l", "m".repeat(300), good_page().to_string());
    response.usage = Usage::new(u64::MAX, 1 << 60);
    let report = world.run(Scripted::new().response(response)).await;
    assert_eq!(report.published, 1, "{report:?}");
}

#[tokio::test]
async fn no_more_topics_are_claimed_ahead_than_drafts_are_under_way() {
    let mut world = World::with_topics(10).await;
    world.config.generator.concurrency = 2;
    let generator = world.generator(writes(1).silence().silence());
    // The second and third draft never end: two topics wait for them and the others are left to anybody.
    let run = tokio::time::timeout(Duration::from_millis(300), generator.run(&|_| {}));
    assert!(run.await.is_err());
    let counts = world.store.counts("almanac").await.unwrap();
    assert_eq!((counts.get(Status::Published), counts.get(Status::Generating)), (1, 4));
}

#[tokio::test]
async fn another_language_on_the_same_site_is_refused() {
    let mut world = World::with_topics(1).await;
    world.config.site.locale = "de".into();
    let error = world.generator(Scripted::new()).run(&|_| {}).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("site.locale is \"de\", but the pages of site \"almanac\" are in \"en\""),
        "{error}"
    );
}

#[tokio::test]
async fn review_holds_pages_until_a_person_approves() {
    let mut world = World::with_topics(2).await;
    world.config.generator.review = true;
    let report = world.run(writes(2)).await;
    assert_eq!((report.in_review, report.sent), (2, 0), "{report:?}");

    review::approve(world.store.as_ref(), &world.page("topic-000").await)
        .await
        .unwrap();
    review::reject(
        world.store.as_ref(),
        &world.page("topic-001").await,
        Some("wrong".into()),
    )
    .await
    .unwrap();
    assert!(
        review::approve(world.store.as_ref(), &world.page("topic-001").await)
            .await
            .is_err()
    );
    let queue = Arc::clone(&world.queue);
    let relayed = Relay::new(Arc::clone(&world.store), queue).drain().await.unwrap();
    assert_eq!(relayed.sent, 1);
    assert_eq!(world.page("topic-000").await.status, Status::Published);
}

#[tokio::test]
async fn a_bookmark_travels_in_the_message_until_its_first_delivery() {
    let world = World::with_topics(1).await;
    let config = Arc::new(world.config.clone());
    let queue: Arc<dyn Queue> = Arc::new(world.queue.as_ref().clone());
    let generator = Generator::new(config, Arc::clone(&world.store), queue, Arc::new(writes(1)));
    let generator = generator.bookmark(|| Some("0000001c".into()));
    assert_eq!(generator.run(&|_| ()).await.unwrap().sent, 1);

    let first = world.queue.receive(1, Duration::ZERO).await.unwrap().remove(0);
    let message: PageMessage = first.json().unwrap();
    assert_eq!(message.page_id, world.page("topic-000").await.id.to_string());
    assert_eq!(message::bookmark(&first), Some("0000001c".into()));
    let verdict = Outcome::retry_after(Duration::ZERO, "no such bookmark");
    let settlement = Settlement::new(first.lease().clone(), verdict);
    world.queue.settle(&[settlement]).await.unwrap();
    let second = world.queue.receive(1, Duration::ZERO).await.unwrap().remove(0);
    assert_eq!(message::bookmark(&second), None);
}

/// A queue that is down until it is told otherwise.
struct Down {
    queue: Arc<dyn Queue>,
    up: AtomicBool,
}

#[async_trait]
impl Queue for Down {
    fn capabilities(&self) -> Capabilities {
        self.queue.capabilities()
    }

    async fn send(&self, message: &Message) -> presswork_queue::Result<MessageId> {
        Ok(self.send_batch(std::slice::from_ref(message)).await?.remove(0))
    }

    async fn send_batch(&self, messages: &[Message]) -> presswork_queue::Result<Vec<MessageId>> {
        if self.up.load(Ordering::Relaxed) {
            return self.queue.send_batch(messages).await;
        }
        Err(presswork_queue::Error::Unavailable {
            provider: "down",
            message: "down".into(),
            retry_after: None,
            source: None,
        })
    }
}

#[tokio::test]
async fn a_queue_that_is_down_never_hurts_generation() {
    let world = World::with_topics(5).await;
    let down = Arc::new(Down {
        queue: Arc::clone(&world.queue) as _,
        up: AtomicBool::new(false),
    });
    let config = Arc::new(world.config.clone());
    let generator = Generator::new(
        config,
        Arc::clone(&world.store),
        Arc::clone(&down) as _,
        Arc::new(writes(5)),
    );
    let report = generator.run(&|_| {}).await.unwrap();
    assert_eq!((report.published, report.sent), (5, 0), "{report:?}");
    assert!(report.waiting > 0 && report.problems[0].contains("down"), "{report:?}");

    // Later, when the rows are due again, another claim finds them all.
    down.up.store(true, Ordering::Relaxed);
    let later = Op::at(Op::now().at_ms + 3_600_000);
    let claim = presswork_content_store::OutboxClaim {
        owner: "test".into(),
        limit: 100,
        lease: std::time::Duration::from_secs(60),
        max_attempts: u32::MAX,
    };
    assert_eq!(world.store.claim_outbox(&later, &claim).await.unwrap().len(), 5);
}

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use presswork_ai_adapter::Scripted;
use presswork_content_store::{PostQuery, PostStatus};
use presswork_pipeline::Poster;
use presswork_queue::{Clock, DeadLetterFilter, DeadLetters, Inspect, Message, Queue};
use presswork_social::{
    Account, Attempt, Error, Limits, Media, Outbox, Post, Published, Reconciled, Report, Result, SocialTarget,
    UploadedMedia,
};

use crate::support::{World, good_page, post_text};

/// What the network does with the next call.
#[derive(Clone, Copy)]
enum Fault {
    /// The post is made, the answer is lost.
    AnswerLost,
    /// The post is not made, and nobody can know.
    RequestLost,
    RateLimited,
    Refused,
}

/// A network that counts what is visible.
struct Network {
    inner: Outbox,
    /// Whether it cannot tell what became of a post.
    blind: bool,
    faults: Mutex<Vec<Fault>>,
    reconciles: AtomicU32,
}

impl Network {
    fn new(faults: &[Fault]) -> Arc<Self> {
        Self::with(faults, false)
    }

    fn blind(faults: &[Fault]) -> Arc<Self> {
        Self::with(faults, true)
    }

    fn with(faults: &[Fault], blind: bool) -> Arc<Self> {
        let faults = Mutex::new(faults.iter().rev().copied().collect());
        Arc::new(Self {
            inner: Outbox::memory(),
            blind,
            faults,
            reconciles: AtomicU32::new(0),
        })
    }

    fn visible(&self) -> usize {
        self.inner.posts().unwrap().len()
    }
}

#[async_trait]
impl SocialTarget for Network {
    fn network(&self) -> &str {
        "network"
    }
    fn account(&self) -> &str {
        "me"
    }
    fn limits(&self) -> Limits {
        self.inner.limits()
    }
    async fn check(&self) -> Result<Account> {
        self.inner.check().await
    }
    async fn upload(&self, media: &Media) -> Result<UploadedMedia> {
        self.inner.upload(media).await
    }
    async fn publish(&self, post: &Post) -> Result<Published> {
        let fault = self.faults.lock().unwrap().pop();
        let unknown = || Error::unknown(Report::new("network", "no answer"), None);
        match fault {
            None => self.inner.publish(post).await,
            Some(Fault::AnswerLost) => {
                self.inner.publish(post).await?;
                Err(unknown())
            }
            Some(Fault::RequestLost) => Err(unknown()),
            Some(Fault::RateLimited) => Err(Error::RateLimited {
                report: Report::new("network", "slow down"),
                retry_after: Some(Duration::from_millis(1)),
            }),
            Some(Fault::Refused) => Err(Error::Rejected {
                report: Report::new("network", "never"),
                field: None,
            }),
        }
    }
    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
        self.reconciles.fetch_add(1, Ordering::Relaxed);
        if self.blind {
            return Ok(Reconciled::CannotTell {
                why: "no list of posts".into(),
            });
        }
        self.inner.reconcile(attempt).await
    }
}

/// A world with `count` published pages and their messages, and a poster to `targets`.
async fn published(count: usize, targets: Vec<Arc<dyn SocialTarget>>) -> (World, Poster) {
    let world = World::with_topics(count).await;
    let model = (0..count).fold(Scripted::new(), |model, _| model.reply(good_page().to_string()));
    world.run(model).await;
    let model = (0..count * 5).fold(Scripted::new(), |model, _| model.reply(post_text().to_string()));
    let poster = Poster::new(
        Arc::new(world.config.clone()),
        Arc::clone(&world.store),
        Arc::new(model),
        targets,
    );
    (world, poster)
}

async fn statuses(world: &World) -> Vec<PostStatus> {
    let list = world.store.list_posts(&PostQuery::default(), None, 100).await.unwrap();
    list.items.iter().map(|post| post.status).collect()
}

#[tokio::test]
async fn each_page_is_posted_once_with_its_link() {
    let network = Network::new(&[]);
    let (world, poster) = published(3, vec![network.clone()]).await;
    assert_eq!(world.consume(&poster).await.acked, 3);
    let posts = network.inner.posts().unwrap();
    assert_eq!(posts.len(), 3);
    let post = posts
        .iter()
        .find(|post| post.link.as_deref() == Some("https://almanac.example/topic-001/"))
        .unwrap();
    assert_eq!(post.text, "Did you know?\n\nhttps://almanac.example/topic-001/");
    let page = world.page("topic-001").await;
    let ledger = world.store.list_posts(&PostQuery::default(), None, 100).await.unwrap();
    let record = ledger
        .items
        .iter()
        .find(|record| record.key.page_id == page.id)
        .unwrap();
    assert_eq!(record.payload["made_at_ms"].as_i64(), page.published_at_ms);
    assert!(page.published_at_ms.is_some());
    assert_eq!(statuses(&world).await, [PostStatus::Posted; 3]);
}

#[tokio::test]
async fn a_message_that_comes_again_finds_the_receipt() {
    let network = Network::new(&[]);
    let (world, poster) = published(1, vec![network.clone()]).await;
    let page = world.page("topic-000").await;
    for _ in 0..3 {
        let message = Message::json(&serde_json::json!({ "page_id": page.id })).unwrap();
        world.queue.send(&message).await.unwrap();
    }
    let totals = world.consume(&poster).await;
    assert_eq!(totals.dead_lettered, 0, "{totals:?}");
    world.clock.advance(Duration::from_secs(600));
    tokio::time::sleep(Duration::from_millis(2)).await;
    world.consume(&poster).await;
    assert_eq!(network.visible(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_reconciled_and_never_doubled() {
    let network = Network::new(&[Fault::AnswerLost]);
    let (world, poster) = published(1, vec![network.clone()]).await;
    assert_eq!(world.consume(&poster).await.retried, 1);
    assert_eq!(statuses(&world).await, [PostStatus::Unknown]);
    assert_eq!(network.visible(), 1);
}

#[tokio::test]
async fn a_lost_request_stays_unknown_until_the_network_was_asked() {
    let network = Network::new(&[Fault::RequestLost]);
    let (world, poster) = published(1, vec![network.clone()]).await;
    assert_eq!(world.consume(&poster).await.retried, 1);
    assert_eq!(statuses(&world).await, [PostStatus::Unknown]);
    assert_eq!((network.visible(), network.reconciles.load(Ordering::Relaxed)), (0, 0));
}

#[tokio::test]
async fn a_refusal_that_names_a_wait_is_tried_again() {
    let network = Network::new(&[Fault::RateLimited]);
    let (world, poster) = published(1, vec![network.clone()]).await;
    assert_eq!(world.consume(&poster).await.retried, 1);
    assert_eq!(statuses(&world).await, [PostStatus::Retry]);
    world.clock.advance(Duration::from_secs(1));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(world.consume(&poster).await.acked, 1);
    assert_eq!(network.visible(), 1);
}

#[tokio::test]
async fn one_hopeless_target_does_not_hide_another() {
    let (bad, good) = (Network::new(&[Fault::Refused]), Outbox::memory());
    let good = Arc::new(good);
    let (world, poster) = published(1, vec![bad.clone(), good.clone()]).await;
    let totals = world.consume(&poster).await;
    assert_eq!(totals.dead_lettered, 1, "{totals:?}");
    assert_eq!(good.posts().unwrap().len(), 1);
    let letters = world.queue.list(&DeadLetterFilter::all(), None, 10).await.unwrap();
    assert!(
        letters[0].reason.contains("network: ") && letters[0].reason.contains("never"),
        "{letters:?}"
    );
}

#[tokio::test]
async fn messages_that_can_never_work_are_dead_letters_and_spare_their_neighbours() {
    let network = Network::new(&[]);
    let (world, poster) = published(1, vec![network.clone()]).await;
    world.queue.send(&Message::new("not json")).await.unwrap();
    let missing = serde_json::json!({ "page_id": "0190a0a0-0000-7000-8000-000000000000" });
    world.queue.send(&Message::json(&missing).unwrap()).await.unwrap();
    let totals = world.consume(&poster).await;
    assert_eq!((totals.acked, totals.dead_lettered), (1, 2), "{totals:?}");
    assert_eq!(network.visible(), 1);
}

#[tokio::test]
async fn two_consumers_of_one_message_post_once() {
    let network = Network::new(&[]);
    let (world, poster) = published(1, vec![network.clone()]).await;
    let page = world.page("topic-000").await;
    for _ in 0..7 {
        world
            .queue
            .send(&Message::json(&serde_json::json!({ "page_id": page.id })).unwrap())
            .await
            .unwrap();
    }
    tokio::join!(world.consume(&poster), world.consume(&poster));
    assert_eq!(network.visible(), 1);
}

#[tokio::test]
async fn a_text_beyond_the_limit_is_cut_at_a_word() {
    let network = Network::new(&[]);
    let world = World::with_topics(1).await;
    world.run(Scripted::new().reply(good_page().to_string())).await;
    let long = serde_json::json!({ "text": "word ".repeat(200) });
    let model = Arc::new(Scripted::new().reply(long.to_string()));
    let poster = Poster::new(
        Arc::new(world.config.clone()),
        Arc::clone(&world.store),
        model,
        vec![network.clone()],
    );
    assert_eq!(world.consume(&poster).await.acked, 1);
    let post = &network.inner.posts().unwrap()[0];
    assert!(post.text.contains("word word…\n\nhttps://"), "{}", post.text);
    assert!(network.limits().count(&post.text) <= 500, "{}", post.text);
}

/// Everything that can go wrong with one post, in random order, in virtual time: each page ends visible exactly once,
/// and whatever is not posted is parked or dead with its reason.
#[tokio::test]
async fn random_faults_never_double_and_never_lose_a_post() {
    const SCHEDULES: u64 = 300;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for schedule in 0..SCHEDULES {
        let faults: Vec<Fault> = (0..next() % 6)
            .map(|_| match next() % 3 {
                0 => Fault::AnswerLost,
                1 => Fault::RequestLost,
                _ => Fault::RateLimited,
            })
            .collect();
        let network = Network::new(&faults);
        let (world, poster) = published(2, vec![network.clone()]).await;
        let clock = Arc::clone(&world.clock);
        let poster = poster.clock(move || clock.now_ms());
        for _ in 0..200 {
            world.consume(&poster).await;
            // A message may come again at any time, also when nobody expects it.
            if next() % 4 == 0 {
                let page = world.page("topic-001").await;
                world
                    .queue
                    .send(&Message::json(&serde_json::json!({ "page_id": page.id })).unwrap())
                    .await
                    .unwrap();
            }
            let depth = world.queue.depth().await.unwrap();
            if depth.ready + depth.delayed + depth.leased + depth.dead == 0 {
                break;
            }
            // Five deliveries are few for this many faults; an operator puts dead letters back.
            world.queue.redrive(&DeadLetterFilter::all(), false).await.unwrap();
            world.clock.advance(Duration::from_secs(next() % 120));
        }
        assert_eq!(network.visible(), 2, "schedule {schedule} of {} faults", faults.len());
        assert_eq!(statuses(&world).await, [PostStatus::Posted; 2], "schedule {schedule}");
    }
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_parked_for_a_person() {
    let network = Network::blind(&[Fault::RequestLost]);
    let (world, poster) = published(1, vec![network.clone()]).await;
    let clock = Arc::clone(&world.clock);
    let poster = poster.clock(move || clock.now_ms());
    for _ in 0..10 {
        world.consume(&poster).await;
        world.clock.advance(Duration::from_secs(120));
    }
    assert_eq!(statuses(&world).await, [PostStatus::Parked]);
    assert_eq!(network.visible(), 0, "nobody knows, so nobody tries again");
    assert_eq!(world.queue.depth().await.unwrap().dead, 1);
}

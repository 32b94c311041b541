use std::time::Duration;

use presswork_social::{Attempt, Error, Post, Reconciled, SocialTarget, Thread, Webhook, conformance::Harness};
pub(crate) use world::SECRET;
pub(crate) use world::World;

use crate::{clock::iso, server::Reply, simulation::simulate};

mod world;

type Site = crate::site::Site<World>;

presswork_social::social_target_conformance!(Site; skip {
    check_reports_refused_credentials = "nothing is asked of a receiver",
    refused_credentials_are_unauthenticated = "a receiver has no credentials to refuse",
    lost_answer_is_unknown_and_then_found = "a receiver is not asked, it recognises the id",
    lost_request_is_unknown_and_then_absent = "a receiver is not asked, it recognises the id",
    absent_then_published_is_one_visible_post = "a receiver is not asked, it recognises the id",
    silence_is_unknown = "a receiver is not asked, it recognises the id",
    server_error_after_commit_is_unknown = "a receiver is not asked, it recognises the id",
    garbage_answer_is_unknown = "a success says it all",
    reconcile_finds_what_was_published = "a receiver is not asked, it recognises the id",
    reconcile_of_nothing_is_absent = "a receiver is not asked, it recognises the id",
    reconcile_never_posts = "a receiver is not asked, it recognises the id",
    two_matches_cannot_be_told_apart = "an id is one post",
});

#[tokio::test]
async fn simulation_of_webhook_never_posts_twice_or_never() {
    simulate::<World>(false).await;
}

#[tokio::test]
async fn a_repeated_post_has_the_same_id_and_body_and_a_new_signature() {
    let site = Site::start().await;
    let post = Post::new("text").idempotency_key("k.1").made_at_ms(1_667_507_170_344);
    let first = site.publish(&post).await.unwrap();
    site.clock.advance(Duration::from_secs(3_600));
    assert_eq!(site.publish(&post).await.unwrap(), first);
    let requests = site.seen();
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(requests[0].json()["timestamp"], "2022-11-03T20:26:10.344Z");
    assert_ne!(
        requests[0].header("webhook-signature"),
        requests[1].header("webhook-signature")
    );
    assert_eq!(site.visible().await.len(), 1);
    let again = site.reconcile(&Attempt::new(post, 0)).await.unwrap();
    assert_eq!(again, Reconciled::Absent);
    let keyless = site.reconcile(&Attempt::new(Post::new("a"), 0)).await.unwrap();
    assert!(matches!(keyless, Reconciled::CannotTell { .. }));
}

#[tokio::test]
async fn the_body_says_when_the_event_occurred() {
    let site = Site::start().await;
    site.publish(&Post::new("now")).await.unwrap();
    assert_eq!(site.seen()[0].json()["timestamp"], iso(site.now_ms()));
    // A thread keeps the time at which its part was armed first.
    let mut thread = Thread::new(Post::new("part").idempotency_key("k"), &[""; 0], &site.limits());
    let armed = site.now_ms();
    for _ in 0..2 {
        thread.arm(site.now_ms());
        site.script([Reply::error(503, "busy").with("retry-after", "9")]);
        thread.advance(&site).await.unwrap_err();
        site.clock.advance(Duration::from_secs(60));
        assert_eq!(site.seen().last().unwrap().json()["timestamp"], iso(armed));
    }
}

#[tokio::test]
async fn every_known_answer_has_its_condition() {
    let site = Site::start().await;
    let publish = async |reply: Reply| {
        site.script([reply]);
        site.publish(&Post::new("text")).await.unwrap_err()
    };
    let page = |status: u16| Reply::error(status, "no");
    assert!(matches!(publish(page(410)).await, Error::PauseAccount { .. }));
    assert!(matches!(publish(page(400)).await, Error::Rejected { .. }));
    assert!(matches!(publish(page(401)).await, Error::Unauthenticated { .. }));
    assert!(matches!(publish(page(302)).await, Error::Rejected { .. }));
    assert!(publish(page(500)).await.is_unknown());
    let busy = publish(page(503).with("retry-after", "9")).await;
    assert_eq!(busy.retry_after(), Some(Duration::from_secs(9)));
}

#[test]
fn build_refuses_what_cannot_work() {
    let good = || Webhook::builder("https://hooks.example/T0/s3cret-path", SECRET);
    assert_eq!(good().build().unwrap().account(), "webhook/hooks.example");
    assert!(good().also_sign_with(SECRET).account("name").build().is_ok());
    for bad in [
        Webhook::builder("http://hooks.example", SECRET),
        Webhook::builder("https://169.254.169.254/latest", SECRET),
        Webhook::builder("https://hooks.internal/", SECRET),
        Webhook::builder("https://hooks.example", "secret"),
        Webhook::builder("https://hooks.example", "whsec_c2hvcnQ="),
        good().also_sign_with(""),
        good().account(" "),
        good().timeout(Duration::ZERO),
    ] {
        assert!(matches!(bad.build(), Err(Error::Config { .. })));
    }
    let shown = format!("{:?} {:?}", good(), good().build().unwrap());
    assert!(!shown.contains("s3cret-path") && !shown.contains(SECRET), "{shown}");
}

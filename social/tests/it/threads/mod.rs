use std::{sync::Arc, time::Duration};

use presswork_social::{
    Attempt, Error, Media, MemoryTokens, Post, Reconciled, SocialTarget, Threads, TokenSet, TokenStore,
    conformance::{Fault, Harness},
};
use serde_json::json;
pub(crate) use world::World;

use crate::{clock::START_MS, server::Reply, simulation::simulate, site::World as _};

mod world;

type Site = crate::site::Site<World>;

presswork_social::social_target_conformance!(Site);

#[tokio::test]
async fn simulation_of_threads_never_posts_twice_or_never() {
    simulate::<World>(true).await;
}

fn picture(name: &str) -> Media {
    let url = format!("https://media.example/{name}.png");
    Media::new(&b"\x89PNG\r\n\x1a\n"[..], "image/png")
        .alt(name)
        .public_url(url)
}

#[tokio::test]
async fn a_carousel_waits_for_its_children() {
    let site = Site::start().await;
    let mut post = Post::new("Two & more");
    for name in ["one", "two"] {
        post = post.media(site.upload(&picture(name)).await.unwrap());
    }
    site.world.lock().unwrap().processing = 3;
    let published = site.publish(&post).await.unwrap();
    assert_eq!(
        published.url,
        Some(format!("https://www.threads.com/@me/post/{}", published.id))
    );
    assert_eq!(*site.clock.slept.lock().unwrap(), [3, 7, 20].map(Duration::from_secs));
    assert_eq!(
        site.visible().await[0].alts,
        ["one", "two"].map(|alt| Some(alt.to_owned()))
    );
    site.world.lock().unwrap().processing = 100;
    let error = site.publish(&post).await.unwrap_err();
    assert!(matches!(error, Error::MediaNotReady { .. }), "{error:?}");
    assert_eq!(site.visible().await.len(), 1);
}

#[tokio::test]
async fn a_false_failure_is_found_by_its_container() {
    let site = Site::start().await;
    site.world.lock().unwrap().false_failure = true;
    let (armed, post) = (site.now_ms(), Post::new("there after all"));
    let error = site.publish(&post).await.unwrap_err();
    let evidence = error.evidence().unwrap().clone();
    assert_eq!(evidence.id.as_deref(), Some("9000"));
    let attempt = Attempt::new(post, armed).evidence(evidence);
    // Published, and not listed yet: never absent, however long it takes.
    site.world.lock().unwrap().lag_ms = 600_000;
    site.clock.advance(Duration::from_secs(300));
    assert!(site.reconcile(&attempt).await.unwrap_err().is_retryable());
    site.clock.advance(Duration::from_secs(300));
    assert!(matches!(site.reconcile(&attempt).await.unwrap(), Reconciled::Found(found) if found.id == "18000"));
}

#[tokio::test]
async fn no_second_container_is_made_while_the_first_can_be_published() {
    let site = Site::start().await;
    let lost = async |post: &Post| {
        site.inject(Fault::RequestLost).await;
        let armed = site.now_ms();
        let error = site.publish(post).await.unwrap_err();
        Attempt::new(post.clone(), armed).evidence(error.evidence().unwrap().clone())
    };
    let post = Post::new("on its way");
    let attempt = lost(&post).await;
    site.settle().await;
    assert_eq!(site.reconcile(&attempt).await.unwrap(), Reconciled::Absent);
    // Asked to wait, and then published: the container of the first attempt.
    site.inject(Fault::RateLimited { seconds: 3 }).await;
    assert!(site.publish(&post).await.unwrap_err().is_retryable());
    site.publish(&post).await.unwrap();
    assert_eq!(site.world.lock().unwrap().containers_made, 1);
    // The first attempt arrives after all, late: there is still one post.
    let late = Post::new("late");
    let attempt = lost(&late).await;
    site.settle().await;
    assert_eq!(site.reconcile(&attempt).await.unwrap(), Reconciled::Absent);
    let user = site.check().await.unwrap().id;
    let form = format!(
        "creation_id={}",
        attempt.evidence.as_ref().unwrap().id.as_ref().unwrap()
    );
    site.world
        .lock()
        .unwrap()
        .arrive(&format!("/v1.0/{user}/threads_publish"), &form);
    let error = site.publish(&late).await.unwrap_err();
    let attempt = attempt.evidence(error.evidence().unwrap().clone());
    assert!(matches!(site.reconcile(&attempt).await.unwrap(), Reconciled::Found(_)));
    assert_eq!(
        (site.visible().await.len(), site.world.lock().unwrap().containers_made),
        (2, 2)
    );
    // A container of yesterday is gone: a new one is made.
    let old = Post::new("yesterday's");
    let attempt = lost(&old).await;
    site.settle().await;
    assert_eq!(site.reconcile(&attempt).await.unwrap(), Reconciled::Absent);
    site.clock.advance(Duration::from_secs(86_400));
    site.publish(&old).await.unwrap();
    assert_eq!(
        (site.visible().await.len(), site.world.lock().unwrap().containers_made),
        (3, 4)
    );
    // What Threads does not know any more says nothing against the list.
    let attempt = lost(&Post::new("forgotten")).await;
    site.settle().await;
    site.world.lock().unwrap().forgotten = true;
    assert_eq!(site.reconcile(&attempt).await.unwrap(), Reconciled::Absent);
}

#[tokio::test]
async fn the_allowance_of_the_day_can_be_asked_for() {
    let site = Site::start().await;
    site.publish(&Post::new("one")).await.unwrap();
    let quota = site.target.quota().await.unwrap();
    assert_eq!((quota.posts, quota.max_posts), (Some(1), Some(250)));
    assert_eq!((quota.replies, quota.max_replies), (Some(0), Some(1_000)));
}

#[tokio::test]
async fn a_token_too_young_to_renew_is_used_until_it_is_refused() {
    let site = Site::start().await;
    site.publish(&Post::new("one")).await.unwrap();
    site.clock.advance(Duration::from_secs(41 * 86_400));
    site.publish(&Post::new("two")).await.unwrap();
    // Near its end, and given within 24 hours: renewing it is refused, and it is good.
    site.world.lock().unwrap().trouble(4);
    let site_token = site.world.lock().unwrap().renewals;
    site.clock.advance(Duration::from_secs(3_600));
    site.publish(&Post::new("three")).await.unwrap();
    assert_eq!(site.world.lock().unwrap().renewals, site_token);
    // Refused by the network, and not to be renewed: a person.
    site.world.lock().unwrap().ends_ms = START_MS;
    let error = site.publish(&Post::new("four")).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
}

#[tokio::test]
async fn a_token_is_renewed_long_before_it_ends() {
    let site = Site::start().await;
    site.publish(&Post::new("one")).await.unwrap();
    assert_eq!(site.world.lock().unwrap().renewals, 0);
    site.clock.advance(Duration::from_secs(41 * 86_400));
    // The renewal fails: the token is good for weeks, and the next request renews it.
    site.script([Reply::error(500, "try again")]);
    site.publish(&Post::new("two")).await.unwrap();
    assert_eq!(site.world.lock().unwrap().renewals, 1);
    let store = site.world.lock().unwrap().common.store.clone();
    let kept = store.load("threads.com/@me").await.unwrap().unwrap();
    assert_eq!(
        kept,
        TokenSet::new("th-5ecret-1").expires_at_ms(START_MS + 101 * 86_400_000)
    );
}

#[tokio::test]
async fn every_known_answer_has_its_condition() {
    let site = Site::start().await;
    site.check().await.unwrap();
    let publish = async |status: u16, code: i64, subcode: i64, transient: bool| {
        let error = json!({"message": "m", "code": code, "error_subcode": subcode, "is_transient": transient});
        // The container is made, and publishing it fails.
        let refusal = Reply::json(status, &json!({ "error": error }));
        site.script([Reply::json(200, &json!({"id": "9001"})), refusal.clone()]);
        if code == 190 {
            // Nor can the token be renewed.
            site.script([refusal]);
        }
        site.publish(&Post::new("text")).await.unwrap_err()
    };
    assert!(matches!(
        publish(400, 190, 0, false).await,
        Error::Unauthenticated { .. }
    ));
    assert!(matches!(
        publish(400, 9, 2_207_051, false).await,
        Error::PauseAccount { .. }
    ));
    assert!(matches!(publish(400, 32, 0, false).await, Error::RateLimited { .. }));
    assert!(matches!(publish(403, 10, 0, false).await, Error::Forbidden { .. }));
    assert!(matches!(publish(400, 100, 0, false).await, Error::Rejected { .. }));
    for unclear in [publish(500, 10, 0, false).await, publish(400, 2, 0, true).await] {
        assert_eq!(unclear.evidence().unwrap().id.as_deref(), Some("9001"));
    }
    let links: String = (0..6).map(|n| format!("https://example.com/{n} ")).collect();
    assert!(matches!(
        site.publish(&Post::new(links)).await,
        Err(Error::Rejected { .. })
    ));
}

#[test]
fn build_refuses_what_cannot_work() {
    let store = || Arc::new(MemoryTokens::new());
    let good = || Threads::builder("@Me.1", TokenSet::new("hunter2"));
    assert_eq!(good().build().unwrap().account(), "threads.com/@me.1");
    let ends = || Threads::builder("me", TokenSet::new("hunter2").expires_at_ms(1));
    assert!(ends().token_store(store()).build().is_ok());
    for bad in [
        ends(),
        Threads::builder("", TokenSet::new("t")),
        Threads::builder("me@threads.net", TokenSet::new("t")),
        Threads::builder("me", TokenSet::new("")),
        good().base_url("http://graph.threads.net"),
        good().timeout(Duration::ZERO),
    ] {
        assert!(matches!(bad.build(), Err(Error::Config { .. })));
    }
    let shown = format!("{:?} {:?}", good(), good().build().unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}

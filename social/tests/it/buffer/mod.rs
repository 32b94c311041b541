use std::time::Duration;

use presswork_social::{
    Attempt, Buffer, Error, Evidence, Media, Post, Published, Reconciled, SocialTarget,
    conformance::Harness,
    providers::buffer::{BufferBuilder, Mode, Outcome, Service},
};
use serde_json::json;
pub(crate) use world::World;
use world::{CHANNEL, KEY};

use crate::{clock::START_MS, server::Reply, simulation::simulate, site::World as _};

mod world;

type Site = crate::site::Site<World>;

presswork_social::social_target_conformance!(Site);

#[tokio::test]
async fn simulation_of_buffer_never_posts_twice_or_never() {
    simulate::<World>(true).await;
}

#[tokio::test]
async fn accepted_is_not_published() {
    let site = Site::start().await;
    site.world.lock().unwrap().delay_ms = 20_000;
    let published = site.publish(&Post::new("slow")).await.unwrap();
    assert_eq!(published.url.as_deref(), Some("https://x.com/me/status/post-0"));
    assert_eq!(
        *site.clock.slept.lock().unwrap(),
        [2, 3, 5, 10].map(Duration::from_secs)
    );
    // Longer than anybody waits: the id is the evidence, and is asked for.
    site.world.lock().unwrap().delay_ms = 100_000;
    let (armed, post) = (site.now_ms(), Post::new("slower"));
    let error = site.publish(&post).await.unwrap_err();
    let attempt = Attempt::new(post, armed).evidence(error.evidence().unwrap().clone());
    assert_eq!(error.evidence().unwrap().id.as_deref(), Some("post-1"));
    let waiting = site.reconcile(&attempt).await.unwrap_err();
    assert!(waiting.is_retryable(), "{waiting:?}");
    site.clock.advance(Duration::from_secs(60));
    assert!(matches!(site.reconcile(&attempt).await.unwrap(), Reconciled::Found(found) if found.id == "post-1"));
}

#[tokio::test]
async fn what_the_network_refuses_is_rejected_and_not_there() {
    let site = Site::start().await;
    site.world.lock().unwrap().refuses = Some("Image ratio is not supported.".into());
    let (armed, post) = (site.now_ms(), Post::new("refused"));
    let error = site.publish(&post).await.unwrap_err();
    assert!(
        matches!(&error, Error::Rejected { report, .. } if report.message.contains("Image ratio")),
        "{error:?}"
    );
    site.settle().await;
    assert_eq!(
        site.reconcile(&Attempt::new(post, armed)).await.unwrap(),
        Reconciled::Absent
    );
    assert_eq!(
        site.target.outcome("post-0").await.unwrap(),
        Outcome::Failed("Image ratio is not supported.".into())
    );
}

#[tokio::test]
async fn a_text_the_network_has_already_is_evidence_of_an_earlier_attempt() {
    let site = Site::start().await;
    let (armed, post) = (site.now_ms(), Post::new("said before"));
    let first = site.publish(&post).await.unwrap();
    site.world.lock().unwrap().refuses = Some("Status is a duplicate.".into());
    let error = site.publish(&post).await.unwrap_err();
    let evidence = error.evidence().unwrap().clone();
    assert!(
        matches!(error, Error::Duplicate { .. }) && evidence.id.is_none(),
        "{error:?}"
    );
    let attempt = Attempt::new(post.clone(), armed).evidence(evidence);
    assert_eq!(site.reconcile(&attempt).await.unwrap(), Reconciled::Found(first));
    // The one that Buffer could not send is never taken for absent, or it would be sent for ever.
    let mut evidence = Evidence::new("the answer was lost");
    evidence.id = Some("post-1".into());
    let lost = site
        .reconcile(&Attempt::new(post, armed).evidence(evidence))
        .await
        .unwrap();
    assert!(matches!(lost, Reconciled::CannotTell { .. }), "{lost:?}");
}

#[tokio::test]
async fn the_same_text_at_another_time_is_another_post() {
    let at = |ms: i64| move |builder: BufferBuilder| builder.mode(Mode::At(ms));
    let site = Site::with(at(START_MS + 3_600_000)).await;
    let (armed, post) = (site.now_ms(), Post::new("every week"));
    let first = site.publish(&post).await.unwrap();
    let attempt = Attempt::new(post, armed);
    assert_eq!(site.reconcile(&attempt).await.unwrap(), Reconciled::Found(first));
    let other = World::builder(&mut site.world.lock().unwrap(), format!("http://{}", site.address()));
    let other = at(START_MS + 7_200_000)(other).build().unwrap();
    site.settle().await;
    assert_eq!(other.reconcile(&attempt).await.unwrap(), Reconciled::Absent);
}

#[tokio::test]
async fn control_characters_are_refused_in_every_part_before_any_request() {
    let site = Site::start().await;
    for post in [Post::new("a\u{7}"), Post::new("a").part("b\u{7}")] {
        let error = site.publish(&post).await.unwrap_err();
        assert!(
            matches!(&error, Error::Rejected { field: Some(field), .. } if field == "text"),
            "{error:?}"
        );
    }
    assert_eq!(site.seen().len(), 0);
}

#[tokio::test]
async fn a_publish_is_one_mutation_with_every_field() {
    let site = Site::with(|builder| builder.mode(Mode::At(START_MS + 3_600_000)).draft()).await;
    let picture = Media::new(&b"\x89PNG\r\n\x1a\n"[..], "image/png")
        .alt("a cat")
        .public_url("https://media.example/a.png");
    let upload = site.upload(&picture).await.unwrap();
    let post = Post::new("Text")
        .link("https://example.com/a")
        .unwrap()
        .media(upload)
        .part("more")
        .made_with_ai();
    assert_eq!(site.publish(&post).await.unwrap(), Published::new("post-0", None));
    let assets = json!([{"image": {"url": "https://media.example/a.png", "metadata": {"altText": "a cat"}}}]);
    let text = "Text\n\nhttps://example.com/a";
    let expected = json!({
        "channelId": CHANNEL, "schedulingType": "automatic", "mode": "customScheduled", "dueAt": "2026-11-23T13:00:00.000Z",
        "saveToDraft": true, "text": text, "assets": assets, "aiAssisted": true,
        "metadata": {"twitter": {"isAiGenerated": true, "thread": [{"text": text, "assets": assets}, {"text": "more", "assets": []}]}}
    });
    assert_eq!(site.world.lock().unwrap().held[0].input, expected);
    assert_eq!(site.seen().len(), 1);
    assert_eq!(site.target.outcome("post-0").await.unwrap(), Outcome::Waiting);
    for (url, reason) in [
        ("https://10.0.0.1/a.png", "public"),
        ("http://media.example/a.png", "https"),
    ] {
        let error = site.upload(&picture.clone().public_url(url)).await.unwrap_err();
        assert!(
            matches!(&error, Error::Rejected { report, .. } if report.message.contains(reason)),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn every_known_answer_has_its_condition() {
    let answered = async |reply: Reply| {
        let site = Site::start().await;
        site.script([reply]);
        let error = site.publish(&Post::new("text")).await.unwrap_err();
        assert_eq!(site.seen().len(), 1);
        error
    };
    macro_rules! becomes {
        ($reply:expr, $pattern:pat $(if $guard:expr)?) => {
            let error = answered($reply).await;
            assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
        };
    }
    let union = |kind: &str, message: &str| {
        Reply::json(
            200,
            &json!({"data": {"createPost": {"__typename": kind, "message": message}}}),
        )
    };
    becomes!(union("InvalidInputError", "bad"), Error::Rejected { .. });
    becomes!(union("SomeNewError", "bad"), Error::Rejected { report, .. } if report.message == "bad");
    becomes!(union("NotFoundError", "bad"), Error::Rejected { field: Some(field), .. } if field == "channel");
    becomes!(union("LimitReachedError", "bad"), Error::RateLimited { retry_after: Some(wait), .. } if wait.as_secs() == 12 * 3_600);
    becomes!(union("UnauthorizedError", "bad"), Error::Unauthenticated { .. });
    becomes!(union("UnexpectedError", "bad"), Error::Unknown { .. });
    becomes!(
        union("RestProxyError", "You already posted this"),
        Error::Duplicate { .. }
    );
    becomes!(union("RestProxyError", "nope"), Error::Rejected { .. });
    let inside = |code: &str| {
        Reply::json(
            200,
            &json!({"data": null, "errors": [{"message": "m", "extensions": {"code": code, "retryAfter": 9}}]}),
        )
    };
    becomes!(inside("UNAUTHORIZED"), Error::Unauthenticated { .. });
    becomes!(inside("FORBIDDEN"), Error::Forbidden { .. });
    becomes!(inside("UNEXPECTED"), Error::Unknown { .. });
    becomes!(inside(""), Error::Rejected { .. });
    becomes!(inside("RATE_LIMIT_EXCEEDED"), Error::RateLimited { retry_after: Some(wait), .. } if wait.as_secs() == 9);
    becomes!(Reply::json(200, &json!({"data": null})), Error::Unknown { .. });
    becomes!(Reply::json(403, &json!("cloudflare")), Error::Forbidden { .. });
}

#[tokio::test]
async fn an_outcome_that_cannot_be_read_is_asked_for_again() {
    let site = Site::start().await;
    for data in [
        json!({}),
        json!({"post": {"status": "sent"}}),
        json!({"post": {"id": "", "status": "sent"}}),
    ] {
        site.script([Reply::json(200, &json!({ "data": data }))]);
        let error = site.target.outcome("post-0").await.unwrap_err();
        assert!(error.is_retryable(), "{data}: {error:?}");
    }
}

#[tokio::test]
async fn check_holds_the_channel_against_the_configuration() {
    let site = Site::start().await;
    assert_eq!(site.check().await.unwrap().handle, "me");
    site.world.lock().unwrap().service = "linkedin";
    assert!(matches!(site.check().await, Err(Error::Config { .. })));
}

#[test]
fn build_refuses_what_cannot_work() {
    let good = || Buffer::builder(KEY, CHANNEL, Service::Bluesky);
    assert_eq!(good().build().unwrap().account(), format!("buffer/{CHANNEL}"));
    for bad in [
        Buffer::builder(" ", CHANNEL, Service::X),
        Buffer::builder(KEY, "", Service::X),
        Buffer::builder(KEY, "a b", Service::X),
        good().draft(),
        good().base_url("http://api.buffer.com"),
        good().timeout(Duration::ZERO),
    ] {
        assert!(matches!(bad.build(), Err(Error::Config { .. })));
    }
    let shown = format!("{:?} {:?}", good(), good().build().unwrap());
    assert!(!shown.contains(KEY), "{shown}");
}

use std::{sync::Arc, time::Duration};

use presswork_social::{
    AccessToken, Attempt, Error, Media, MemoryTokens, Post, Reconciled, SocialTarget, TokenSet, TokenStore, X,
    conformance::Harness,
};
use serde_json::{Value, json};
pub(crate) use world::World;

use crate::{clock::START_MS, server::Reply, simulation::simulate};

mod uploads;
mod world;

pub(crate) type Site = crate::site::Site<World>;

presswork_social::social_target_conformance!(Site; skip {
    two_matches_cannot_be_told_apart = "X refuses the second text",
});

#[tokio::test]
async fn simulation_of_x_never_posts_twice_or_never() {
    simulate::<World>(true).await;
}

async fn publish_into(reply: Reply) -> Error {
    let site = Site::start().await;
    site.script([reply]);
    let error = site.publish(&Post::new("text")).await.unwrap_err();
    assert_eq!(site.seen().len(), 1, "publish makes one request");
    error
}

fn problem(status: u16, kind: &str, detail: &str) -> Reply {
    Reply::json(
        status,
        &json!({"title": "Title", "detail": detail, "type": format!("https://api.twitter.com/2/problems/{kind}"), "status": status}),
    )
}

#[tokio::test]
async fn every_known_answer_has_its_condition() {
    macro_rules! becomes {
        ($reply:expr, $pattern:pat $(if $guard:expr)?) => {
            let error = publish_into($reply).await;
            assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
        };
    }
    let duplicate = "You are not allowed to create a Tweet with duplicate content.";
    becomes!(problem(403, "x", duplicate), Error::Duplicate { evidence, .. } if evidence.duplicate);
    becomes!(problem(402, "credits", "no credits"), Error::PauseAccount { .. });
    becomes!(
        problem(429, "usage-capped", "Usage cap exceeded"),
        Error::PauseAccount { .. }
    );
    becomes!(
        problem(403, "usage-capped", "Usage cap exceeded"),
        Error::PauseAccount { .. }
    );
    becomes!(problem(403, "user-suspended", "x"), Error::PauseAccount { .. });
    becomes!(
        problem(403, "client-forbidden", "You are not permitted to perform this action."),
        Error::Forbidden { .. }
    );
    becomes!(
        problem(403, "unsupported-authentication", "Unsupported Authentication"),
        Error::Unauthenticated { .. }
    );
    becomes!(problem(403, "x", "maximum of one cashtag"), Error::Rejected { field: Some(field), .. } if field == "text");
    let long = json!({"errors": [{"message": "Your Tweet text is too long."}], "title": "Invalid Request"});
    becomes!(Reply::json(400, &long), Error::Rejected { report, field: Some(field) }
        if field == "text" && report.message == "Your Tweet text is too long.");
    becomes!(
        problem(503, "x", "over capacity").with("retry-after", "5"),
        Error::Unknown { .. }
    );
    becomes!(problem(500, "x", "oops"), Error::Unknown { .. });
    becomes!(
        Reply::json(201, &json!({"errors": [{"message": "partial"}]})),
        Error::Unknown { .. }
    );
    becomes!(Reply::json(429, &json!({"errors": [{"code": 88, "message": "Rate limit exceeded"}]}))
            .with("x-app-limit-24hour-remaining", "0")
            .with("x-app-limit-24hour-reset", (START_MS / 1_000 + 3_600).to_string()),
        Error::RateLimited { retry_after: Some(wait), .. } if *wait == Duration::from_secs(3_600));
}

#[tokio::test]
async fn a_publish_is_one_request_with_every_field() {
    let site = Site::start().await;
    let media = Media::new(&b"\x89PNG\r\n\x1a\n"[..], "image/png").alt("a cat");
    let upload = site.upload(&media).await.unwrap();
    let first = site.publish(&Post::new("first")).await.unwrap();
    let post = Post::new("Text")
        .link("https://example.com/page")
        .unwrap()
        .media(upload.clone());
    let published = site.publish(&post.reply_to(&first.id).made_with_ai()).await.unwrap();
    assert_eq!(published.url, Some(format!("https://x.com/me/status/{}", published.id)));
    let expected = json!({"text": "Text\n\nhttps://example.com/page", "media": {"media_ids": [upload.id]},
        "reply": {"in_reply_to_tweet_id": first.id}, "made_with_ai": true});
    assert_eq!(
        serde_json::from_slice::<Value>(&site.seen().last().unwrap().body).unwrap(),
        expected
    );
}

#[tokio::test]
async fn videos_go_up_in_pieces_and_are_waited_for() {
    let site = Site::start().await;
    site.world.lock().unwrap().processing = 3;
    let mut bytes = b"\0\0\0\x20ftypisom".to_vec();
    bytes.resize(2_500_000, 7);
    site.upload(&Media::new(bytes, "video/mp4")).await.unwrap();
    let paths: Vec<String> = site
        .seen()
        .into_iter()
        .map(|request| request.path.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        paths,
        [
            "initialize",
            "append",
            "append",
            "append",
            "finalize",
            "upload",
            "upload",
            "upload"
        ]
    );
    assert_eq!(site.clock.slept.lock().unwrap().len(), 3);
    site.world.lock().unwrap().processing = 1_000;
    let error = site.upload(&Media::new(&b"GIF89a"[..], "image/gif")).await.unwrap_err();
    assert!(matches!(error, Error::MediaNotReady { .. }), "{error:?}");
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_and_kept() {
    let site = Site::start().await;
    site.publish(&Post::new("one")).await.unwrap();
    site.clock.advance(Duration::from_secs(3 * 3_600));
    site.publish(&Post::new("two")).await.unwrap();
    let store = site.world.lock().unwrap().common.store.clone();
    let kept = store.load("x.com/@me").await.unwrap().unwrap();
    assert_eq!(
        (kept.access, kept.refresh),
        ("x-5ecret-access-1".into(), Some("x-5ecret-refresh-1".into()))
    );
    assert_eq!(site.visible().await.len(), 2);
}

#[tokio::test]
async fn a_publish_that_is_late_is_given_up_before_it_is_sent() {
    let site = Site::start().await;
    site.publish(&Post::new("one")).await.unwrap();
    {
        let mut world = site.world.lock().unwrap();
        (world.access_ends_ms, world.common.slow) = (0, Duration::from_secs(20));
    }
    // Refused after 20 seconds and renewed after 40: whoever finds the attempt must know that it sends nothing any more.
    let error = site.publish(&Post::new("two")).await.unwrap_err();
    assert!(error.is_retryable() && !error.is_unknown(), "{error:?}");
    assert_eq!(site.visible().await.len(), 1);
    site.world.lock().unwrap().common.slow = Duration::ZERO;
    let attempt = Attempt::new(Post::new("two"), site.now_ms());
    site.clock.advance(Duration::from_secs(149));
    assert!(site.reconcile(&attempt).await.unwrap_err().is_retryable());
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(site.reconcile(&attempt).await.unwrap(), Reconciled::Absent);
}

#[tokio::test]
async fn a_duplicate_is_found_where_the_earlier_attempt_left_it() {
    let site = Site::start().await;
    let post = Post::new("said before");
    let first = site.publish(&post).await.unwrap();
    site.clock.advance(Duration::from_secs(2 * 3_600));
    let armed = site.now_ms();
    let error = site.publish(&post).await.unwrap_err();
    let attempt = Attempt::new(post, armed).evidence(error.evidence().unwrap().clone());
    assert_eq!(site.reconcile(&attempt).await.unwrap(), Reconciled::Found(first));
    // A text that X has and the timeline does not show goes to a person.
    site.world.lock().unwrap().posts.clear();
    let reconciled = site.reconcile(&attempt).await.unwrap();
    assert!(matches!(reconciled, Reconciled::CannotTell { .. }), "{reconciled:?}");
}

#[tokio::test]
async fn two_posts_that_look_the_same_cannot_be_told_apart() {
    let site = Site::start().await;
    let (armed, post) = (site.now_ms(), Post::new("the same"));
    site.publish(&post).await.unwrap();
    site.world.lock().unwrap().twin();
    let reconciled = site.reconcile(&Attempt::new(post, armed)).await.unwrap();
    assert!(matches!(reconciled, Reconciled::CannotTell { .. }), "{reconciled:?}");
}

#[tokio::test]
async fn a_post_that_costs_too_much_is_refused_before_any_request() {
    let site = Site::with(|builder| builder.max_cost_micro_usd(15_000)).await;
    for dear in [
        Post::new("a").link("https://example.com").unwrap(),
        Post::new("see README.md"),
    ] {
        assert_eq!(X::cost_micro_usd(&dear), 200_000);
        let error = site.publish(&dear).await.unwrap_err();
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    }
    let tags = site.publish(&Post::new("$TSLA or $AAPL")).await.unwrap_err();
    assert!(matches!(tags, Error::Rejected { .. }), "{tags:?}");
    assert_eq!((X::cost_micro_usd(&Post::new("a")), site.seen().len()), (15_000, 0));
}

#[test]
fn build_refuses_what_cannot_work() {
    let store = || Arc::new(MemoryTokens::new());
    let tokens = || TokenSet::new("hunter2").refresh("hunter2");
    let secret = || AccessToken::new("hunter2");
    let oauth1 = |handle: &str| X::builder(handle).oauth1("k", secret(), secret(), secret());
    assert_eq!(oauth1("@Me").build().unwrap().account(), "x.com/@me");
    let good = X::builder("me")
        .oauth2("c", tokens())
        .token_store(store())
        .client_secret(secret());
    assert!(good.clone().build().is_ok());
    for bad in [
        X::builder("me"),
        oauth1(""),
        oauth1("me@x.com"),
        oauth1("me").client_secret(secret()),
        oauth1("me").token_store(store()),
        oauth1("me").oauth2("c", tokens()),
        X::builder("me").oauth1("", secret(), secret(), secret()),
        X::builder("me").oauth1("k", secret(), "", secret()),
        X::builder("me").oauth2("c", tokens()),
        X::builder("me").oauth2("", tokens()).token_store(store()),
        X::builder("me").oauth2("c", TokenSet::new("")).token_store(store()),
        oauth1("me").base_url("http://api.x.com"),
        oauth1("me").base_url("https://10.0.0.1"),
        oauth1("me").timeout(Duration::ZERO),
    ] {
        let error = bad.build().unwrap_err();
        assert!(matches!(&error, Error::Config { .. }), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("hunter2"), "{error}");
    }
    let shown = format!("{good:?} {:?}", good.clone().build().unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}

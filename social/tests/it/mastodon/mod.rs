use std::time::Duration;

use presswork_social::{
    Attempt, Certainty, Clock, Counter, Error, Mastodon, Media, Post, Reconciled, SocialTarget, UploadedMedia,
    Visibility, conformance::Harness,
};
use serde_json::{Value, json};

use crate::{clock::START_MS, server::Reply, simulation::simulate};
pub(crate) use world::World;
use world::{ACCOUNT, TOKEN};

mod answers;
mod changes;
mod world;

pub(crate) type Site = crate::site::Site<World>;

presswork_social::social_target_conformance!(Site);

#[tokio::test]
async fn simulation_of_mastodon_never_posts_twice_or_never() {
    simulate::<World>(true).await;
}

fn png() -> Media {
    Media::new(&b"\x89PNG\r\n\x1a\nrest"[..], "image/png").alt("eine Katze")
}

#[tokio::test]
async fn a_publish_is_one_request_with_every_field() {
    let site = Site::start().await;
    let upload = site.target.upload(&png()).await.unwrap();
    let post = Post::new("Text")
        .link("https://example.com/page")
        .unwrap()
        .media(upload)
        .language("en")
        .visibility(Visibility::Unlisted)
        .content_warning("careful")
        .idempotency_key("intent-1");
    let published = site.target.publish(&post).await.unwrap();
    assert_eq!(published.url.as_deref(), Some("https://m.example/@me/110000"));
    let requests = site.seen();
    let request = &requests[1];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/api/v1/statuses")
    );
    assert_eq!(request.header("idempotency-key"), Some("intent-1"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({
        "status": "Text\n\nhttps://example.com/page", "media_ids": ["220000"], "language": "en",
        "visibility": "unlisted", "spoiler_text": "careful"
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_bare_post_leaves_everything_else_to_the_account() {
    let site = Site::start().await;
    site.target.publish(&Post::new("Text")).await.unwrap();
    let requests = site.seen();
    assert_eq!(requests[0].header("idempotency-key"), None);
    assert_eq!(
        serde_json::from_slice::<Value>(&requests[0].body).unwrap(),
        json!({"status": "Text"})
    );
}

#[tokio::test]
async fn an_upload_waits_until_the_server_has_processed_it() {
    let site = Site::start().await;
    site.world.lock().unwrap().processing = 3;
    let upload = site.target.upload(&png()).await.unwrap();
    assert_eq!(*site.clock.slept.lock().unwrap(), [1, 2, 4].map(Duration::from_secs));
    site.target
        .publish(&Post::new("with a cat").media(upload))
        .await
        .unwrap();
    assert_eq!(site.visible().await[0].alts, [Some("eine Katze".to_owned())]);
}

#[tokio::test]
async fn an_upload_that_never_gets_ready_is_given_back_after_a_minute() {
    let site = Site::start().await;
    site.world.lock().unwrap().processing = 1_000;
    let error = site.target.upload(&png()).await.unwrap_err();
    assert!(
        matches!(error, Error::MediaNotReady { .. }) && error.is_retryable(),
        "{error:?}"
    );
    assert_eq!(site.clock.now_ms(), START_MS + 60_000);
}

#[tokio::test]
async fn an_upload_the_server_cannot_process_is_rejected() {
    let site = Site::start().await;
    let mut scripted = vec![Reply::json(202, &json!({"id": "7"}))];
    scripted.push(Reply::error(422, "Error processing thumbnail for uploaded media"));
    site.script(scripted);
    let error = site.target.upload(&png()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Rejected { field: Some(field), .. } if field == "media"),
        "{error:?}"
    );
    let error = site.target.upload(&Media::new("x", "not a type")).await.unwrap_err();
    assert!(matches!(&error, Error::Rejected { .. }), "{error:?}");
}

#[tokio::test]
async fn check_learns_the_limits_of_the_instance() {
    let site = Site::start().await;
    let before = site.target.limits();
    assert_eq!((before.max_text, before.reconcile), (500, Certainty::Likely));
    site.world.lock().unwrap().instance = json!({
        "version": "4.5.0+glitch",
        "configuration": {"statuses": {"max_characters": 1000, "characters_reserved_per_url": 25},
            "media_attachments": {"description_limit": 200, "supported_mime_types": ["image/png"]}}
    });
    let account = site.target.check().await.unwrap();
    assert_eq!((account.id.as_str(), account.handle.as_str()), (ACCOUNT, "me"));
    let limits = site.target.limits();
    assert_eq!(
        (limits.max_text, limits.counter),
        (1_000, Counter::Mastodon { per_url: 25 })
    );
    assert_eq!((limits.media.max_count, limits.media.max_alt), (4, 200));
    assert_eq!(limits.idempotency, Some(Duration::from_secs(3_600)));
    let error = site.target.upload(&Media::new("x", "image/webp")).await.unwrap_err();
    assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
}

#[tokio::test]
async fn check_falls_back_to_the_first_version_of_the_instance_document() {
    let site = Site::start().await;
    {
        let mut world = site.world.lock().unwrap();
        world.has_v2 = false;
        world.instance = json!({"version": "2.7.2 (compatible; Pleroma 2.6.0)", "max_toot_chars": 5000});
    }
    site.target.check().await.unwrap();
    let limits = site.target.limits();
    assert_eq!(limits.max_text, 5_000);
    // It counts and remembers differently from Mastodon, and does not say how.
    assert_eq!(
        (limits.counter, limits.idempotency),
        (Counter::Strictest { per_url: 23 }, None)
    );
}

#[tokio::test]
async fn a_token_of_another_account_is_refused() {
    let site = Site::with(|builder| builder.account("someone_else")).await;
    let error = site.target.check().await.unwrap_err();
    assert!(matches!(&error, Error::Config { .. }), "{error:?}");
    assert!(
        error.to_string().contains("@me") && error.to_string().contains("@someone_else"),
        "{error}"
    );
}

#[test]
fn build_refuses_what_cannot_work() {
    let builder = |url: &str, token: &str, account: &str| Mastodon::builder(url, token).account(account);
    let build = |url: &str, token: &str, account: &str| builder(url, token, account).build();
    let good = build("https://mastodon.example", " token\n", "@me").unwrap();
    assert_eq!((good.network(), good.account()), ("mastodon", "mastodon.example/@me"));
    assert_eq!(
        build("https://m.example:8443/", "t", "me").unwrap().account(),
        "m.example:8443/@me"
    );
    for url in [
        "http://localhost:3000",
        "http://127.0.0.1",
        "http://[::1]:80",
        "http://m.localhost",
    ] {
        assert!(build(url, "t", "me").is_err(), "{url}");
        assert!(builder(url, "t", "me").allow_private_hosts().build().is_ok(), "{url}");
    }
    for (url, token, account) in [
        ("http://mastodon.example", "t", "me"),
        ("https://10.0.0.1", "t", "me"),
        ("https://169.254.169.254", "t", "me"),
        ("mastodon.example", "t", "me"),
        ("ftp://mastodon.example", "t", "me"),
        ("https://mastodon.example/api", "t", "me"),
        ("https://mastodon.example/?a=b", "t", "me"),
        ("https://user:hunter2@mastodon.example", "t", "me"),
        ("https://mastodon.example", "", "me"),
        ("https://mastodon.example", "to\nken-hunter2", "me"),
        ("https://mastodon.example", "t", ""),
        ("https://mastodon.example", "t", "me@mastodon.example"),
    ] {
        let error = build(url, token, account).unwrap_err();
        assert!(matches!(&error, Error::Config { .. }), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("hunter2"), "{error}");
    }
    assert!(Mastodon::builder("https://mastodon.example", "t").build().is_err());
    let zero = Mastodon::builder("https://mastodon.example", "t")
        .account("me")
        .timeout(Duration::ZERO);
    assert!(zero.build().is_err());
}

#[test]
fn the_token_is_never_shown() {
    let builder = Mastodon::builder("https://mastodon.example", TOKEN).account("me");
    let shown = format!("{builder:?} {:?}", builder.clone().build().unwrap());
    assert!(!shown.contains(TOKEN), "{shown}");
    assert!(shown.contains("AccessToken(..)"), "{shown}");
}

#[tokio::test]
async fn absent_is_not_said_while_the_server_may_still_be_working() {
    let site = Site::start().await;
    let attempt = Attempt::new(Post::new("slow"), site.now_ms());
    site.clock.advance(Duration::from_secs(5));
    let error = site.target.reconcile(&attempt).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(10)));
    assert!(error.is_retryable());
    site.clock.advance(Duration::from_secs(10));
    assert_eq!(site.target.reconcile(&attempt).await.unwrap(), Reconciled::Absent);
}

async fn post_many(site: &Site, count: usize) {
    for index in 0..count {
        site.target.publish(&Post::new(format!("other {index}"))).await.unwrap();
        site.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn reconcile_pages_back_to_the_attempt_and_no_further() {
    let site = Site::start().await;
    post_many(&site, 30).await;
    site.clock.advance(Duration::from_secs(300));
    let (armed, post) = (site.now_ms(), Post::new("wanted"));
    let published = site.target.publish(&post).await.unwrap();
    post_many(&site, 45).await;
    let before = site.seen().len();
    let found = site.target.reconcile(&Attempt::new(post, armed)).await.unwrap();
    assert_eq!(found, Reconciled::Found(published));
    let pages = site.seen()[before..]
        .iter()
        .filter(|request| request.path.ends_with("/statuses"))
        .count();
    assert_eq!(pages, 3);
}

#[tokio::test]
async fn reconcile_does_not_guess_when_it_cannot_see_back_to_the_attempt() {
    let site = Site::start().await;
    let (armed, post) = (site.now_ms(), Post::new("buried"));
    site.target.publish(&post).await.unwrap();
    post_many(&site, 110).await;
    let reconciled = site.target.reconcile(&Attempt::new(post, armed)).await.unwrap();
    assert!(matches!(reconciled, Reconciled::CannotTell { .. }), "{reconciled:?}");
}

#[tokio::test]
async fn an_older_post_of_the_same_text_is_not_the_attempt() {
    let site = Site::start().await;
    let post = Post::new("every week the same");
    site.target.publish(&post).await.unwrap();
    site.clock.advance(Duration::from_secs(120));
    let attempt = Attempt::new(post.clone(), site.now_ms());
    site.settle().await;
    assert_eq!(site.target.reconcile(&attempt).await.unwrap(), Reconciled::Absent);
    let published = site.target.publish(&post).await.unwrap();
    assert_eq!(
        site.target.reconcile(&attempt).await.unwrap(),
        Reconciled::Found(published)
    );
}

#[tokio::test]
async fn warning_and_media_are_part_of_the_match() {
    let site = Site::start().await;
    let armed = site.now_ms();
    let upload = site.target.upload(&png()).await.unwrap();
    site.target
        .publish(&Post::new("text").content_warning("one"))
        .await
        .unwrap();
    site.target
        .publish(&Post::new("text").media(upload.clone()))
        .await
        .unwrap();
    site.settle().await;
    for (post, found) in [
        (Post::new("text"), false),
        (Post::new("text").content_warning("two"), false),
        (Post::new("text").content_warning("one"), true),
        (Post::new("text").media(upload), true),
        (
            Post::new("text").media(UploadedMedia::new("mastodon", "9", None)),
            false,
        ),
    ] {
        let reconciled = site.target.reconcile(&Attempt::new(post.clone(), armed)).await.unwrap();
        assert_eq!(
            matches!(reconciled, Reconciled::Found(_)),
            found,
            "{post:?}: {reconciled:?}"
        );
    }
}

#[tokio::test]
async fn a_key_is_forgotten_after_its_window() {
    let site = Site::start().await;
    let post = Post::new("text").idempotency_key("k");
    let first = site.target.publish(&post).await.unwrap();
    site.clock.advance(site.target.limits().idempotency.unwrap());
    assert_ne!(site.target.publish(&post).await.unwrap().id, first.id);
}

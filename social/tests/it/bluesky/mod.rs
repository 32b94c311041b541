use std::time::Duration;

use presswork_social::{
    Attempt, Bluesky, Card, Error, Media, Post, Reconciled, SocialTarget, Thread, TokenStore, UploadedMedia,
    conformance::Harness,
};
use serde_json::{Value, json};
pub(crate) use world::World;
use world::{DID, PASSWORD};

use crate::{server::Reply, simulation::simulate};

mod world;

type Site = crate::site::Site<World>;

presswork_social::social_target_conformance!(Site; skip {
    two_matches_cannot_be_told_apart = "a record key is one record",
});

#[tokio::test]
async fn simulation_of_bluesky_never_posts_twice_or_never() {
    simulate::<World>(false).await;
}

fn picture() -> Media {
    Media::new(&b"\x89PNG\r\n\x1a\n"[..], "image/png").alt("a cat")
}

#[tokio::test]
async fn a_record_has_facets_language_and_pictures() {
    let site = Site::start().await;
    let upload = site.upload(&picture()).await.unwrap();
    let post = Post::new("Grüße @alice.example und @nobody.example #Rust")
        .link("https://example.com/ä")
        .unwrap()
        .media(upload.clone())
        .language("de");
    site.publish(&post).await.unwrap();
    let record = site.world.lock().unwrap().records[0].1.clone();
    let facet = |start: u64, end: u64, kind: &str, field: &str, target: &str| {
        json!({"index": {"byteStart": start, "byteEnd": end},
            "features": [{"$type": format!("app.bsky.richtext.facet#{kind}"), field: target}]})
    };
    let expected = json!([
        facet(50, 72, "link", "uri", "https://example.com/ä"),
        facet(8, 22, "mention", "did", "did:plc:alice"),
        facet(43, 48, "tag", "tag", "Rust"),
    ]);
    assert_eq!(record["facets"], expected);
    let blob: Value = serde_json::from_str(&upload.id).unwrap();
    assert_eq!(
        record["embed"],
        json!({"$type": "app.bsky.embed.images", "images": [{"alt": "a cat", "image": blob}]})
    );
    assert_eq!(
        (&record["langs"], &record["createdAt"]),
        (&json!(["de"]), &json!("2026-11-23T12:00:00.000Z"))
    );
}

#[tokio::test]
async fn a_card_takes_the_place_of_the_link() {
    let site = Site::start().await;
    let thumb = site.upload(&picture()).await.unwrap();
    let link = "https://example.com/a";
    let carded = |card: Card| Post::new("Read this").link(link).unwrap().card(card);
    site.publish(&carded(Card::new("Title").description("More").thumb(thumb.clone())))
        .await
        .unwrap();
    let record = site.world.lock().unwrap().records[0].1.clone();
    assert_eq!(record["text"], "Read this");
    let blob: Value = serde_json::from_str(&thumb.id).unwrap();
    let external = json!({"uri": link, "title": "Title", "description": "More", "thumb": blob});
    assert_eq!(
        record["embed"],
        json!({"$type": "app.bsky.embed.external", "external": external})
    );
    let mut large = blob.clone();
    large["size"] = json!(1_000_001);
    let before = site.seen().len();
    for post in [
        carded(Card::new("Title").thumb(UploadedMedia::new("bluesky", large.to_string(), None))),
        carded(Card::new("Title")).media(thumb.clone()),
        Post::new("a").media(UploadedMedia::new("bluesky", "{}", None)),
    ] {
        let error = site.publish(&post).await.unwrap_err();
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    }
    assert_eq!(site.seen().len(), before);
}

#[tokio::test]
async fn a_thread_is_one_commit_and_never_two() {
    let site = Site::start().await;
    let root = site
        .publish(&Post::new("the root of another").idempotency_key("root"))
        .await
        .unwrap();
    let post = Post::new("one")
        .part("two")
        .part("three")
        .reply_to(&root.id)
        .idempotency_key("thread");
    let before = site.seen().len();
    let first = site.publish(&post).await.unwrap();
    let names: Vec<String> = site.seen()[before..]
        .iter()
        .map(|request| request.path.clone())
        .collect();
    assert_eq!(
        names,
        ["/xrpc/com.atproto.repo.getRecord", "/xrpc/com.atproto.repo.applyWrites"]
    );
    assert_eq!(site.publish(&post).await.unwrap(), first);
    let records = site.world.lock().unwrap().records.clone();
    assert_eq!(records.len(), 4);
    for (_, record) in &records[1..] {
        assert_eq!(record["reply"]["root"]["uri"], root.id);
    }
    // Through `Thread`, the whole is one part.
    let rest = ["second".to_owned()];
    let mut thread = Thread::new(Post::new("first").idempotency_key("t2"), &rest, &site.limits());
    thread.arm(site.now_ms());
    thread.advance(&site).await.unwrap();
    assert!(thread.is_done());
    assert_eq!(site.visible().await.len(), 6);
}

#[tokio::test]
async fn a_session_is_kept_and_renewed() {
    let site = Site::start().await;
    site.publish(&Post::new("one")).await.unwrap();
    site.clock.advance(Duration::from_secs(3 * 3_600));
    site.publish(&Post::new("two")).await.unwrap();
    let store = site.world.lock().unwrap().common.store.clone();
    let kept = store.load("bsky.app/@me.example").await.unwrap().unwrap();
    assert_eq!(kept.access, "sky-5ecret-access-2".into());
    // Another process goes on with it, and does not sign in.
    let again =
        <World as crate::site::World>::builder(&mut site.world.lock().unwrap(), format!("http://{}", site.address()));
    again.build().unwrap().publish(&Post::new("three")).await.unwrap();
    assert_eq!(site.world.lock().unwrap().sign_ins, 1);
}

#[tokio::test]
async fn every_known_answer_has_its_condition() {
    let site = Site::start().await;
    site.check().await.unwrap();
    let publish = async |status: u16, name: &str| {
        site.script([Reply::json(status, &json!({"error": name, "message": "m"}))]);
        site.publish(&Post::new("text")).await.unwrap_err()
    };
    let takedown = publish(401, "AccountTakedown").await;
    assert!(matches!(takedown, Error::PauseAccount { .. }), "{takedown:?}");
    let invalid = publish(400, "InvalidRecord").await;
    assert!(matches!(invalid, Error::Rejected { .. }), "{invalid:?}");
    let gateway = publish(502, "UpstreamFailure").await;
    assert!(gateway.is_unknown(), "{gateway:?}");
    site.script([Reply::json(
        400,
        &json!({"error": "BlobTooLarge", "message": "maximum size is 976.56KB"}),
    )]);
    let blob = site.upload(&picture()).await.unwrap_err();
    assert!(
        matches!(&blob, Error::Rejected { field: Some(field), .. } if field == "media"),
        "{blob:?}"
    );
    let keyless = site.reconcile(&Attempt::new(Post::new("a"), 0)).await.unwrap();
    assert!(matches!(keyless, Reconciled::CannotTell { .. }));
    let reply = site
        .publish(&Post::new("a").reply_to(format!("at://{DID}/app.bsky.feed.post/2222222222222")))
        .await;
    assert!(
        matches!(&reply, Err(Error::Rejected { field: Some(field), .. }) if field == "reply_to"),
        "{reply:?}"
    );
}

#[test]
fn build_refuses_what_cannot_work() {
    assert_eq!(
        Bluesky::builder("@Alice.bsky.social", "p").build().unwrap().account(),
        "bsky.app/@alice.bsky.social"
    );
    let good = || Bluesky::builder("a.example", PASSWORD);
    for bad in [
        Bluesky::builder("alice", PASSWORD),
        Bluesky::builder("a.example", " "),
        good().service("http://bsky.social"),
        good().service("https://bsky.social/xrpc"),
        good().service("https://localhost"),
        good().timeout(Duration::ZERO),
    ] {
        let error = bad.build().unwrap_err();
        assert!(matches!(&error, Error::Config { .. }), "{error:?}");
    }
    let shown = format!("{:?} {:?}", good(), good().build().unwrap());
    assert!(!shown.contains(PASSWORD), "{shown}");
}

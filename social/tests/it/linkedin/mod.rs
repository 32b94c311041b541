use std::{sync::Arc, time::Duration};

use presswork_social::{
    Attempt, Card, Certainty, Error, LinkedIn, Media, MemoryTokens, Post, Reconciled, SocialTarget, TokenSet,
    TokenStore, conformance::Harness,
};
use serde_json::json;
pub(crate) use world::World;
use world::{MEMBER, ORGANIZATION, REFRESH, TOKEN};

use crate::{clock::START_MS, server::Reply, simulation::simulate};

mod world;

type Site = crate::site::Site<World>;

presswork_social::social_target_conformance!(Site; skip {
    two_matches_cannot_be_told_apart = "LinkedIn refuses the second text",
});

#[tokio::test]
async fn simulation_of_linkedin_never_posts_twice_or_never() {
    simulate::<World>(true).await;
}

#[tokio::test]
async fn a_publish_is_one_request_with_every_field() {
    let site = Site::start().await;
    let picture = || Media::new(&b"\x89PNG\r\n\x1a\n"[..], "image/png").alt("a cat");
    let uploads = [
        site.upload(&picture()).await.unwrap(),
        site.upload(&picture()).await.unwrap(),
    ];
    let link = "https://example.com/a_b";
    let carded = Post::new("Carded")
        .link(link)
        .unwrap()
        .card(Card::new("Title").description("More").thumb(uploads[0].clone()));
    let published = site.publish(&carded).await.unwrap();
    assert_eq!(
        published.url,
        Some(format!("https://www.linkedin.com/feed/update/{}", published.id))
    );
    let [one, two] = uploads.clone();
    site.publish(&Post::new("Several (2)").link(link).unwrap().media(one).media(two))
        .await
        .unwrap();
    let world = site.world.lock().unwrap();
    let article = json!({"source": link, "title": "Title", "description": "More", "thumbnail": uploads[0].id});
    let expected = json!({"author": ORGANIZATION, "commentary": "Carded", "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "content": {"article": article}, "lifecycleState": "PUBLISHED", "isReshareDisabledByAuthor": false});
    assert_eq!(world.posts[0].body, expected);
    assert_eq!(
        world.posts[1].body["commentary"],
        "Several \\(2\\)\n\nhttps://example.com/a\\_b"
    );
    let images: Vec<_> = uploads
        .iter()
        .map(|upload| json!({"id": upload.id, "altText": "a cat"}))
        .collect();
    assert_eq!(
        world.posts[1].body["content"],
        json!({"multiImage": {"images": images}})
    );
}

#[tokio::test]
async fn a_refused_repeat_names_the_post() {
    for author in [ORGANIZATION, MEMBER] {
        let site = Site::start().await;
        let target = LinkedIn::builder(author, TOKEN, "202607")
            .base_url(format!("http://{}", site.address()))
            .allow_private_hosts()
            .clock(site.clock.clone())
            .build()
            .unwrap();
        let post = Post::new("said before");
        let first = target.publish(&post).await.unwrap();
        let armed = site.now_ms();
        let error = target.publish(&post).await.unwrap_err();
        let evidence = error.evidence().unwrap();
        assert_eq!(
            (evidence.duplicate, evidence.id.as_deref()),
            (true, Some(first.id.as_str()))
        );
        let attempt = Attempt::new(post, armed).evidence(evidence.clone());
        assert_eq!(target.reconcile(&attempt).await.unwrap(), Reconciled::Found(first));
    }
}

#[tokio::test]
async fn a_named_post_that_is_not_there_goes_to_a_person() {
    let site = Site::start().await;
    let (armed, post) = (site.now_ms(), Post::new("deleted meanwhile"));
    site.publish(&post).await.unwrap();
    let error = site.publish(&post).await.unwrap_err();
    let attempt = Attempt::new(post, armed).evidence(error.evidence().unwrap().clone());
    site.world.lock().unwrap().posts.clear();
    let reconciled = site.reconcile(&attempt).await.unwrap();
    assert!(matches!(reconciled, Reconciled::CannotTell { .. }), "{reconciled:?}");
    // A question that failed says nothing.
    site.script([Reply::json(500, &json!({"message": "oops"}))]);
    assert!(site.reconcile(&attempt).await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_kept() {
    let site = Site::start().await;
    // The end of the first one is not known until LinkedIn refuses it.
    site.clock.advance(Duration::from_secs(61 * 86_400));
    site.publish(&Post::new("one")).await.unwrap();
    assert_eq!(site.world.lock().unwrap().renewals, 1);
    site.clock.advance(Duration::from_secs(56 * 86_400));
    site.publish(&Post::new("two")).await.unwrap();
    let store = site.world.lock().unwrap().common.store.clone();
    let kept = store
        .load("linkedin/urn:li:organization:5515715")
        .await
        .unwrap()
        .unwrap();
    let expected = TokenSet::new("li-5ecret-token-2").refresh(REFRESH);
    assert_eq!(kept, expected.expires_at_ms(START_MS + (61 + 56 + 60) * 86_400_000));
    assert_eq!(site.visible().await.len(), 2);
    // After its year the refresh token ends, and a person signs in.
    site.clock.advance(Duration::from_secs(70 * 86_400));
    site.world.lock().unwrap().refuse_renewal = true;
    let error = site.publish(&Post::new("three")).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
}

#[tokio::test]
async fn a_members_posts_cannot_be_read() {
    let site = Site::start().await;
    let member = || {
        LinkedIn::builder(MEMBER, TOKEN, "202607")
            .base_url(format!("http://{}", site.address()))
            .allow_private_hosts()
            .clock(site.clock.clone())
    };
    let careful = member().build().unwrap();
    assert_eq!(careful.check().await.unwrap().handle, "Me");
    assert_eq!(careful.limits().reconcile, Certainty::Never);
    let attempt = Attempt::new(Post::new("a"), site.now_ms());
    site.clock.advance(Duration::from_secs(91));
    let reconciled = careful.reconcile(&attempt).await.unwrap();
    assert!(matches!(reconciled, Reconciled::CannotTell { .. }), "{reconciled:?}");
    let trusting = member().trust_duplicate_refusals().build().unwrap();
    assert_eq!(trusting.reconcile(&attempt).await.unwrap(), Reconciled::Absent);
}

#[tokio::test]
async fn every_known_answer_has_its_condition() {
    let site = Site::start().await;
    let publish = async |status: u16, body: serde_json::Value| {
        site.script([Reply::json(status, &body)]);
        site.publish(&Post::new("text")).await.unwrap_err()
    };
    let message = |text: &str| json!({"message": text, "status": 0});
    let sunset = publish(426, message("Requested version 20240101 is not active")).await;
    assert!(matches!(sunset, Error::PauseAccount { .. }), "{sunset:?}");
    let day = publish(429, message("DAY limit")).await;
    assert_eq!(day.retry_after(), Some(Duration::from_secs(12 * 3_600)));
    assert!(matches!(
        publish(403, message("Not enough permissions")).await,
        Error::Forbidden { .. }
    ));
    assert!(matches!(publish(400, message("bad")).await, Error::Rejected { .. }));
    assert!(publish(500, message("oops")).await.is_unknown());
    // A success that names no post.
    assert!(publish(201, json!({})).await.is_unknown());
}

#[test]
fn build_refuses_what_cannot_work() {
    let good = || LinkedIn::builder(MEMBER, TOKEN, "202607");
    let store = || Arc::new(MemoryTokens::new());
    assert!(good().refresh_token("c", "s", "r").token_store(store()).build().is_ok());
    assert_eq!(good().build().unwrap().account(), "linkedin/urn:li:person:8675309");
    for bad in [
        LinkedIn::builder("me", TOKEN, "202607"),
        LinkedIn::builder("urn:li:person:", TOKEN, "202607"),
        LinkedIn::builder(MEMBER, "", "202607"),
        LinkedIn::builder(MEMBER, TOKEN, "202613"),
        LinkedIn::builder(MEMBER, TOKEN, "latest"),
        LinkedIn::builder(ORGANIZATION, TOKEN, "202607").trust_duplicate_refusals(),
        good().refresh_token("c", "s", "r"),
        good().token_store(store()),
        good().refresh_token("c", "s", "").token_store(store()),
        good().refresh_token("", "s", "r").token_store(store()),
        good().oauth_url("http://www.linkedin.com"),
        good().base_url("http://api.linkedin.com"),
        good().timeout(Duration::ZERO),
    ] {
        assert!(matches!(bad.build(), Err(Error::Config { .. })));
    }
    let shown = format!("{:?} {:?}", good(), good().build().unwrap());
    assert!(!shown.contains(TOKEN), "{shown}");
}

//! What a page and a post cost on D1: calls (each one batch), and the statements in them. A Worker on the free plan has
//! 50 queries per invocation: <https://developers.cloudflare.com/d1/platform/limits/>

use std::time::Duration;

use presswork_content_store::conformance::Harness;
use presswork_content_store::{
    Claim, Content, NewOutbox, Op, Outbox, OutboxClaim, Pages, PostClaim, PostKey, PostLedger, PostOutcome, SavePage,
    Status,
};

use super::{Rest, topic};

#[tokio::test]
async fn a_page_and_a_post_cost_few_statements() {
    let rest = Rest::fresh().await;
    let (store, lease) = (rest.store.clone(), Duration::from_secs(60));
    let asked = || std::mem::take(&mut *rest.fake.state.asked.lock().unwrap());
    store.plan(&Op::now(), &[topic()]).await.unwrap();
    asked();

    let claim = Claim {
        site: "site".to_owned(),
        owner: "writer".to_owned(),
        limit: 1,
        lease,
        max_attempts: 3,
    };
    let page = store.claim(&Op::now(), &claim).await.unwrap().remove(0);
    let save = SavePage {
        content: Content::default(),
        to: Status::Published,
        outbox: vec![NewOutbox {
            topic: "pages".to_owned(),
            payload: page.id.to_string().into(),
        }],
        spend: Vec::new(),
    };
    store.save(&Op::now(), &page.to_ref(), &save).await.unwrap();
    let wish = OutboxClaim {
        owner: "sender".to_owned(),
        limit: 10,
        lease,
        max_attempts: 3,
    };
    let row = store.claim_outbox(&Op::now(), &wish).await.unwrap().remove(0);
    store.mark_sent(&Op::now(), "sender", &[row.id]).await.unwrap();
    assert_eq!(asked(), [7, 5, 5, 3], "claim, save, claim the message, mark it sent");

    let key = PostKey {
        page_id: page.id,
        target: "mastodon".to_owned(),
        account: "me".to_owned(),
        campaign: String::new(),
    };
    store.get(&page.id).await.unwrap();
    let PostClaim::Claimed(post) = store.claim_post(&Op::now(), &key, "poster", lease).await.unwrap() else {
        panic!("a new post is claimed");
    };
    let post = store
        .arm_post(&Op::now(), &post.to_ref(), "Hello", &serde_json::Value::Null, lease)
        .await
        .unwrap();
    let posted = PostOutcome::Posted {
        remote_id: "1".to_owned(),
        url: None,
    };
    store.settle_post(&Op::now(), &post.to_ref(), &posted).await.unwrap();
    assert_eq!(asked(), [1, 5, 4, 4], "read the page, claim, arm, settle");
}

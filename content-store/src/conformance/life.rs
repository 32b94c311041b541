use serde_json::json;

use super::fixtures::*;
use crate::{
    Claim, ContentStore, DeadLetterClaim, NewDeadLetter, PostClaim, PostQuery, PostStatus, PrunePlan, SavePage,
    SpendQuery, Status, Transition,
};

/// Everything that a pipeline asks of its store, once: pages, messages, posts, costs, dead letters.
#[doc(hidden)]
pub async fn a_life(store: &dyn ContentStore) {
    let topics: Vec<_> = (0..4).map(|n| topic("site", n)).collect();
    store.plan(&op(0), &topics).await.unwrap();
    let mut again = topics[3].clone();
    again.topic = json!("another");
    store.plan(&op(1), &[again]).await.unwrap();
    let wish = Claim {
        max_attempts: 1,
        ..claim_on("site", 3)
    };
    let pages = store.claim(&op(2), &wish).await.unwrap();
    let save = |n: usize| SavePage {
        content: content(n),
        outbox: vec![message(n)],
        spend: vec![cost(Some(5)), cost(None)],
        ..save_to(Status::Published)
    };
    let first = store.save(&op(3), &pages[0].to_ref(), &save(0)).await.unwrap();
    let to = |to| Transition {
        reason: Some("why".to_owned()),
        ..Transition::to(to)
    };
    store
        .transition(&op(4), &pages[1].to_ref(), &to(Status::Failed))
        .await
        .unwrap();
    // The lease of the third is over, and with it its only attempt; the fourth is taken.
    store.claim(&op(2 + LEASE_MS), &wish).await.unwrap();
    store
        .transition(&op(70_000), &first.to_ref(), &to(Status::Stale))
        .await
        .unwrap();

    let rows = store
        .claim_outbox(&op(70_001), &outbox_claim("sender", 5))
        .await
        .unwrap();
    let ids: Vec<_> = rows.into_iter().map(|row| row.id).collect();
    store
        .release_outbox(&op(70_002), "sender", &ids, "down", NOW)
        .await
        .unwrap();
    store
        .claim_outbox(&op(70_003), &outbox_claim("sender", 5))
        .await
        .unwrap();
    store.mark_sent(&op(70_004), "sender", &ids).await.unwrap();

    for (account, status) in [
        ("a", PostStatus::Posted),
        ("b", PostStatus::Unknown),
        ("c", PostStatus::Retry),
    ] {
        let key = key(first.id, account);
        let PostClaim::Claimed(post) = store.claim_post(&op(70_005), &key, "poster", LEASE).await.unwrap() else {
            panic!("a new post is claimed");
        };
        let post = store
            .arm_post(&op(70_006), &post.to_ref(), "Hello", &json!([1]), LEASE)
            .await
            .unwrap();
        store
            .settle_post(&op(70_007), &post.to_ref(), &outcome(status))
            .await
            .unwrap();
        store.claim_post(&op(70_008), &key, "poster", LEASE).await.unwrap();
        store.get_post(&key).await.unwrap();
    }
    store.record_spend(&op(70_009), &[cost(Some(7))]).await.unwrap();

    for n in 0..2 {
        let letter = NewDeadLetter {
            queue: "posts".to_owned(),
            message_id: n.to_string(),
            body: "{}".to_owned(),
            reason: "gave up".to_owned(),
            attempts: 3,
            last_error: None,
            first_enqueued_ms: NOW,
        };
        store.record_dead_letter(&op(70_010), &letter).await.unwrap();
    }
    let letters = store.list_dead_letters(Some("posts"), None, 9).await.unwrap().items;
    let wish = DeadLetterClaim {
        owner: "me".to_owned(),
        ids: vec![letters[0].id],
        lease: LEASE,
    };
    store.take_dead_letters(&op(70_011), &wish).await.unwrap();
    store
        .remove_dead_letters(&op(70_012), Some("me"), &wish.ids)
        .await
        .unwrap();

    store.get(&first.id).await.unwrap();
    store.get_by_slug("site", "en", "page-0").await.unwrap();
    let list = store.list(&all("site"), None, 2).await.unwrap();
    store.list(&all("site"), list.next.as_ref(), 2).await.unwrap();
    store.counts("site").await.unwrap();
    store.revisions(&first.id).await.unwrap();
    store.outbox_counts().await.unwrap();
    store.list_posts(&PostQuery::default(), None, 9).await.unwrap();
    store.post_counts().await.unwrap();
    let everything = SpendQuery {
        site: None,
        from_ms: 0,
        until_ms: NOW * 2,
    };
    store.spend(&everything).await.unwrap();
    store.count_dead_letters(None).await.unwrap();
    let plan = PrunePlan {
        before_ms: NOW + 4,
        limit: 2,
    };
    store.prune(&plan).await.unwrap();
}

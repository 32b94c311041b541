use futures_util::future::join_all;

use super::Harness;
use super::fixtures::*;
use crate::{Error, PageId, PostClaim, PostLedger, PostStatus, Status};

async fn page(store: &Store) -> PageId {
    saved(store, "site", Status::Published).await.id
}

pub async fn claim_post_makes_the_record<H: Harness>(h: &H) {
    let store = h.store();
    let key = key(page(&store).await, "me");
    let post = post_claimed(&store, &key).await;
    assert_eq!((&post.key, post.site.as_str()), (&key, "site"));
    assert_eq!((post.status, post.version, post.attempts), (PostStatus::Claimed, 1, 0));
    assert_eq!(
        (post.claim_owner.as_deref(), post.claim_until_ms),
        (Some("poster"), Some(NOW + LEASE_MS))
    );
    assert_eq!(store.get_post(&key).await.unwrap(), Some(post));
}

pub async fn claim_post_needs_its_page<H: Harness>(h: &H) {
    let key = key(PageId::new(), "me");
    let answer = h.store().claim_post(&op(0), &key, "poster", LEASE).await;
    assert!(
        matches!(answer, Err(Error::NotFound { what: "page", .. })),
        "{answer:?}"
    );
    assert_eq!(h.store().get_post(&key).await.unwrap(), None);
}

pub async fn claim_post_is_busy_while_held<H: Harness>(h: &H) {
    let store = h.store();
    let page = page(&store).await;
    for (account, status) in [("claimed", PostStatus::Claimed), ("in flight", PostStatus::InFlight)] {
        let key = key(page, account);
        let post = post_at(&store, &key, status).await;
        let answer = store
            .claim_post(&op(LEASE_MS - 1), &key, "poster", LEASE)
            .await
            .unwrap();
        assert_eq!(
            answer,
            PostClaim::Busy {
                until_ms: NOW + LEASE_MS
            }
        );
        assert_eq!(store.get_post(&key).await.unwrap(), Some(post));
    }
}

pub async fn claim_post_takes_over_an_unarmed_claim<H: Harness>(h: &H) {
    let store = h.store();
    let key = key(page(&store).await, "me");
    let first = post_claimed(&store, &key).await;
    match store.claim_post(&op(LEASE_MS), &key, "second", LEASE).await.unwrap() {
        PostClaim::Claimed(post) => {
            assert_eq!((post.id, post.version), (first.id, 2));
            assert_eq!(post.claim_owner.as_deref(), Some("second"));
        }
        other => panic!("{other:?}"),
    }
}

pub async fn claim_post_finds_an_expired_call_unsettled<H: Harness>(h: &H) {
    let store = h.store();
    let key = key(page(&store).await, "me");
    let armed = post_armed(&store, &key).await;
    match store.claim_post(&op(LEASE_MS), &key, "second", LEASE).await.unwrap() {
        PostClaim::Unsettled(post) => {
            assert_eq!((post.status, post.version), (PostStatus::Unknown, armed.version + 1));
            assert_eq!((post.text.as_deref(), post.attempts), (Some("Hello"), 1));
        }
        other => panic!("{other:?}"),
    }
    // The first poster's receipt comes too late for its version: it has to look again.
    let late = store
        .settle_post(&op(LEASE_MS), &armed.to_ref(), &outcome(PostStatus::Posted))
        .await;
    assert!(matches!(late, Err(Error::StaleVersion { .. })), "{late:?}");
}

pub async fn claim_post_gives_an_unknown_post_to_one<H: Harness>(h: &H) {
    let store = h.store();
    let key = key(page(&store).await, "me");
    post_at(&store, &key, PostStatus::Unknown).await;
    let early = store.claim_post(&op(4_999), &key, "poster", LEASE).await.unwrap();
    assert_eq!(early, PostClaim::NotBefore { at_ms: NOW + 5_000 });
    let first = store.claim_post(&op(5_000), &key, "poster", LEASE).await.unwrap();
    assert!(
        matches!(&first, PostClaim::Unsettled(post) if post.evidence["sent"] == true),
        "{first:?}"
    );
    let second = store.claim_post(&op(5_001), &key, "other", LEASE).await.unwrap();
    assert_eq!(
        second,
        PostClaim::Busy {
            until_ms: NOW + 5_000 + LEASE_MS
        }
    );
}

pub async fn claim_post_waits_for_a_retry<H: Harness>(h: &H) {
    let store = h.store();
    let key = key(page(&store).await, "me");
    post_at(&store, &key, PostStatus::Retry).await;
    let early = store.claim_post(&op(4_999), &key, "poster", LEASE).await.unwrap();
    assert_eq!(early, PostClaim::NotBefore { at_ms: NOW + 5_000 });
    let answer = store.claim_post(&op(5_000), &key, "poster", LEASE).await.unwrap();
    assert!(
        matches!(&answer, PostClaim::Claimed(post) if post.attempts == 1),
        "{answer:?}"
    );
}

pub async fn claim_post_knows_finished_posts<H: Harness>(h: &H) {
    let store = h.store();
    let page = page(&store).await;
    for status in [PostStatus::Posted, PostStatus::Rejected, PostStatus::Parked] {
        let key = key(page, status.as_str());
        let post = post_at(&store, &key, status).await;
        let answer = store
            .claim_post(&op(LEASE_MS * 99), &key, "poster", LEASE)
            .await
            .unwrap();
        if status == PostStatus::Posted {
            assert_eq!(answer, PostClaim::Posted(post));
        } else {
            assert_eq!(answer, PostClaim::Closed(post));
        }
    }
}

pub async fn one_of_many_claims_gets_the_post<H: Harness>(h: &H) {
    let store = h.store();
    let key = key(page(&store).await, "me");
    let claims = (0..16).map(|n| {
        let (store, key) = (store.clone(), key.clone());
        async move {
            store
                .claim_post(&op(0), &key, &format!("poster {n}"), LEASE)
                .await
                .unwrap()
        }
    });
    let answers = join_all(claims).await;
    let got = answers
        .iter()
        .filter(|answer| matches!(answer, PostClaim::Claimed(_)))
        .count();
    let busy = answers
        .iter()
        .filter(|answer| matches!(answer, PostClaim::Busy { .. }))
        .count();
    assert_eq!((got, busy), (1, 15));
}

pub async fn claim_post_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let key = key(page(&h.store()).await, "me");
    let op = op(0);
    store.lose_next();
    lost(store.claim_post(&op, &key, "poster", LEASE).await);
    let again = store.claim_post(&op, &key, "poster", LEASE).await.unwrap();
    let PostClaim::Claimed(post) = again else {
        panic!("{again:?}")
    };
    assert_eq!(post.version, 1);
    // Once armed, the old claim is no licence any more.
    store
        .arm_post(
            &super::fixtures::op(1),
            &post.to_ref(),
            "Hello",
            &serde_json::Value::Null,
            LEASE,
        )
        .await
        .unwrap();
    let late = store.claim_post(&op, &key, "poster", LEASE).await.unwrap();
    assert!(matches!(late, PostClaim::Busy { .. }), "{late:?}");
}

pub async fn claim_post_of_a_deleted_page_is_not_found<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Published).await;
    let key = key(page.id, "me");
    let claim = op(0);
    let claimed = store.claim_post(&claim, &key, "poster", LEASE).await.unwrap();
    assert!(matches!(claimed, PostClaim::Claimed(_)), "{claimed:?}");
    store.delete(&op(1), &page.to_ref()).await.unwrap();
    for again in [claim, op(2)] {
        let answer = store.claim_post(&again, &key, "poster", LEASE).await;
        assert!(
            matches!(&answer, Err(Error::NotFound { what: "page", id, .. }) if *id == page.id.to_string()),
            "{answer:?}"
        );
    }
    assert_eq!(store.get_post(&key).await.unwrap(), None);
}

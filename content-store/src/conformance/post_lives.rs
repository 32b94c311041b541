use serde_json::json;

use super::Harness;
use super::fixtures::*;
use crate::{Error, PageId, PostId, PostLedger, PostQuery, PostRef, PostStatus, Status, limits};

async fn page(store: &Store) -> PageId {
    saved(store, "site", Status::Published).await.id
}

pub async fn arm_post_commits_the_call<H: Harness>(h: &H) {
    let store = h.store();
    let key = key(page(&store).await, "me");
    let claimed = post_claimed(&store, &key).await;
    let payload = json!({ "media": ["7"] });
    let post = store
        .arm_post(&op(9), &claimed.to_ref(), "Ünï 🦀", &payload, LEASE)
        .await
        .unwrap();
    assert_eq!((post.status, post.version, post.attempts), (PostStatus::InFlight, 2, 1));
    assert_eq!((post.text.as_deref(), &post.payload), (Some("Ünï 🦀"), &payload));
    assert_eq!(
        (post.in_flight_at_ms, post.claim_until_ms),
        (Some(NOW + 9), Some(NOW + 9 + LEASE_MS))
    );
    assert_eq!(store.get_post(&key).await.unwrap(), Some(post));
    let long = "x".repeat(limits::TEXT + 1);
    let answer = store.arm_post(&op(9), &claimed.to_ref(), &long, &payload, LEASE).await;
    assert!(
        matches!(answer, Err(Error::TooLarge { field: "text", .. })),
        "{answer:?}"
    );
}

pub async fn arm_post_needs_the_claim<H: Harness>(h: &H) {
    let store = h.store();
    let page = page(&store).await;
    for status in PostStatus::ALL {
        let post = post_at(&store, &key(page, status.as_str()), status).await;
        let answer = store
            .arm_post(&op(1), &post.to_ref(), "Hello", &json!(null), LEASE)
            .await;
        if status == PostStatus::Claimed {
            answer.unwrap();
        } else {
            assert!(
                matches!(answer, Err(Error::IllegalTransition { .. })),
                "{status}: {answer:?}"
            );
        }
    }
    let first = post_claimed(&store, &key(page, "me")).await;
    store
        .claim_post(&op(LEASE_MS), &key(page, "me"), "second", LEASE)
        .await
        .unwrap();
    let answer = store
        .arm_post(&op(LEASE_MS), &first.to_ref(), "Hello", &json!(null), LEASE)
        .await;
    assert!(
        matches!(answer, Err(Error::StaleVersion { what: "post", .. })),
        "{answer:?}"
    );
    let nothing = PostRef {
        id: PostId::new(),
        version: 1,
    };
    let answer = store.arm_post(&op(0), &nothing, "Hello", &json!(null), LEASE).await;
    assert!(
        matches!(answer, Err(Error::NotFound { what: "post", .. })),
        "{answer:?}"
    );
}

pub async fn arm_post_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let key = key(page(&h.store()).await, "me");
    let claimed = post_claimed(&h.store(), &key).await;
    let op = op(1);
    store.lose_next();
    lost(
        store
            .arm_post(&op, &claimed.to_ref(), "Hello", &json!(null), LEASE)
            .await,
    );
    let post = store
        .arm_post(&op, &claimed.to_ref(), "Hello", &json!(null), LEASE)
        .await
        .unwrap();
    assert_eq!((post.status, post.attempts, post.version), (PostStatus::InFlight, 1, 2));
}

pub async fn settle_post_follows_the_table_for_every_pair<H: Harness>(h: &H) {
    let store = h.store();
    let page = page(&store).await;
    for from in PostStatus::ALL {
        for to in OUTCOMES {
            let key = key(page, &format!("{from} {to}"));
            let post = post_at(&store, &key, from).await;
            let answer = store.settle_post(&op(1), &post.to_ref(), &outcome(to)).await;
            if from.may_settle(to) {
                let after = answer.unwrap();
                assert_eq!((after.status, after.version), (to, post.version + 1), "{from} {to}");
                assert_eq!((after.claim_owner, after.claim_until_ms), (None, None));
            } else {
                assert!(
                    matches!(answer, Err(Error::IllegalTransition { .. })),
                    "{from} {to}: {answer:?}"
                );
                assert_eq!(store.get_post(&key).await.unwrap(), Some(post), "{from} {to}");
            }
        }
    }
}

pub async fn settle_post_keeps_what_the_outcome_says<H: Harness>(h: &H) {
    let store = h.store();
    let page = page(&store).await;
    for to in OUTCOMES {
        let key = key(page, to.as_str());
        let armed = post_armed(&store, &key).await;
        let post = store.settle_post(&op(9), &armed.to_ref(), &outcome(to)).await.unwrap();
        let error = if to == PostStatus::Posted {
            None
        } else {
            Some("said no")
        };
        assert_eq!(post.last_error.as_deref(), error, "{to}");
        let later = matches!(to, PostStatus::Retry | PostStatus::Unknown);
        assert_eq!(post.not_before_ms, later.then_some(NOW + 5_000), "{to}");
        assert_eq!(post.posted_at_ms.is_some(), to == PostStatus::Posted);
        assert_eq!(
            post.evidence,
            if to == PostStatus::Unknown {
                json!({ "sent": true })
            } else {
                json!(null)
            }
        );
        if to == PostStatus::Posted {
            assert_eq!(
                (post.remote_id.as_deref(), post.posted_at_ms),
                (Some("42"), Some(NOW + 9))
            );
            assert_eq!(post.url.as_deref(), Some("https://example.social/42"));
        }
        assert_eq!(store.get_post(&key).await.unwrap(), Some(post));
    }
}

pub async fn settle_post_refuses_a_stale_version<H: Harness>(h: &H) {
    let store = h.store();
    let armed = post_armed(&store, &key(page(&store).await, "me")).await;
    let old = PostRef {
        version: armed.version - 1,
        ..armed.to_ref()
    };
    let answer = store.settle_post(&op(1), &old, &outcome(PostStatus::Posted)).await;
    assert!(matches!(answer, Err(Error::StaleVersion { .. })), "{answer:?}");
    let nameless = crate::PostOutcome::Posted {
        remote_id: String::new(),
        url: None,
    };
    let answer = store.settle_post(&op(1), &armed.to_ref(), &nameless).await;
    assert!(
        matches!(answer, Err(Error::InvalidInput { field: "remote_id", .. })),
        "{answer:?}"
    );
}

pub async fn settle_post_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let key = key(page(&h.store()).await, "me");
    let armed = post_armed(&h.store(), &key).await;
    let op = op(1);
    store.lose_next();
    lost(
        store
            .settle_post(&op, &armed.to_ref(), &outcome(PostStatus::Posted))
            .await,
    );
    let post = store
        .settle_post(&op, &armed.to_ref(), &outcome(PostStatus::Posted))
        .await
        .unwrap();
    assert_eq!((post.status, post.version), (PostStatus::Posted, armed.version + 1));
    let other = store
        .settle_post(&op, &armed.to_ref(), &outcome(PostStatus::Retry))
        .await;
    assert!(matches!(other, Err(Error::OpReused { .. })), "{other:?}");
}

pub async fn get_post_of_an_unknown_key_is_none<H: Harness>(h: &H) {
    let store = h.store();
    let page = page(&store).await;
    post_claimed(&store, &key(page, "me")).await;
    let repost = crate::PostKey {
        campaign: "again".to_owned(),
        ..key(page, "me")
    };
    assert_eq!(store.get_post(&repost).await.unwrap(), None);
    assert_eq!(store.get_post(&key(page, "you")).await.unwrap(), None);
}

pub async fn list_posts_filters_and_pages<H: Harness>(h: &H) {
    let store = h.store();
    let (page, other) = (page(&store).await, saved(&store, "other", Status::Published).await.id);
    for n in 0..5 {
        post_claimed(&store, &key(page, &format!("account {n}"))).await;
    }
    let posted = post_at(&store, &key(other, "me"), PostStatus::Posted).await;
    let query = PostQuery {
        page_id: Some(page),
        ..PostQuery::default()
    };
    let first = store.list_posts(&query, None, 3).await.unwrap();
    let rest = store.list_posts(&query, first.next.as_ref(), 3).await.unwrap();
    assert_eq!((first.items.len(), rest.items.len(), &rest.next), (3, 2, &None));
    assert!(first.items.iter().chain(&rest.items).map(|post| post.id).is_sorted());
    for query in [
        PostQuery {
            site: Some("other".to_owned()),
            ..PostQuery::default()
        },
        PostQuery {
            status: Some(PostStatus::Posted),
            ..PostQuery::default()
        },
        PostQuery {
            page_id: Some(other),
            target: Some("mastodon".to_owned()),
            status: Some(PostStatus::Posted),
            site: Some("other".to_owned()),
        },
    ] {
        assert_eq!(
            store.list_posts(&query, None, 9).await.unwrap().items,
            std::slice::from_ref(&posted)
        );
        let answer = store.list_posts(&query, first.next.as_ref(), 9).await;
        assert!(matches!(answer, Err(Error::InvalidCursor { .. })), "{answer:?}");
    }
    let nowhere = PostQuery {
        target: Some("x' OR 1=1 --".to_owned()),
        ..PostQuery::default()
    };
    assert_eq!(store.list_posts(&nowhere, None, 9).await.unwrap().items, []);
    assert_eq!(
        store
            .list_posts(&PostQuery::default(), None, 9)
            .await
            .unwrap()
            .items
            .len(),
        6
    );
}

pub async fn post_counts_follow_every_change<H: Harness>(h: &H) {
    let store = h.store();
    let page = page(&store).await;
    assert_eq!(store.post_counts().await.unwrap().total(), 0);
    for status in PostStatus::ALL {
        post_at(&store, &key(page, status.as_str()), status).await;
    }
    let counts = store.post_counts().await.unwrap();
    assert!(
        PostStatus::ALL.iter().all(|status| counts.get(*status) == 1),
        "{counts:?}"
    );
}

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;

use super::Harness;
use super::fixtures::*;
use crate::{Claim, Error, Pages, Status, Transition, limits};

pub async fn claim_leases_planned_pages<H: Harness>(h: &H) {
    let store = h.store();
    let before = planned(&store, "site").await;
    let pages = store.claim(&op(1), &claim_on("site", 5)).await.unwrap();
    assert_eq!(pages.len(), 1);
    let page = &pages[0];
    assert_eq!(
        (page.id, page.status, page.attempts),
        (before.id, Status::Generating, 1)
    );
    assert_eq!(page.version, before.version + 1);
    assert_eq!(page.lease_owner.as_deref(), Some("writer"));
    assert_eq!(page.lease_until_ms, Some(NOW + 1 + LEASE_MS));
    assert_eq!(page.topic, before.topic);
    assert_eq!(store.get(&page.id).await.unwrap().as_ref(), Some(page));
    assert_eq!(store.claim(&op(2), &claim_on("site", 5)).await.unwrap(), []);
}

pub async fn claim_takes_the_oldest_first<H: Harness>(h: &H) {
    let store = h.store();
    store
        .plan(&op(10), &[topic("site", 3), topic("site", 4)])
        .await
        .unwrap();
    store.plan(&op(0), &[topic("site", 1), topic("site", 2)]).await.unwrap();
    let mut slugs = Vec::new();
    for limit in [1, 2, 9] {
        let pages = store.claim(&op(20), &claim_on("site", limit)).await.unwrap();
        slugs.extend(pages.into_iter().map(|page| page.slug));
    }
    assert_eq!(slugs, ["page-1", "page-2", "page-3", "page-4"]);
}

pub async fn claim_takes_over_an_expired_lease<H: Harness>(h: &H) {
    let store = h.store();
    let first = claimed(&store, "site").await;
    assert_eq!(store.claim(&op(LEASE_MS - 1), &claim_on("site", 1)).await.unwrap(), []);
    let again = store.claim(&op(LEASE_MS), &claim_on("site", 1)).await.unwrap();
    assert_eq!(
        (again[0].id, again[0].attempts, again[0].version),
        (first.id, 2, first.version + 1)
    );
    // The first writer comes too late.
    let late = store
        .save(&op(LEASE_MS), &first.to_ref(), &save_to(Status::Draft))
        .await;
    assert!(matches!(late, Err(Error::StaleVersion { .. })), "{late:?}");
}

pub async fn claim_fails_pages_past_their_attempts<H: Harness>(h: &H) {
    let store = h.store();
    let page = claimed(&store, "site").await;
    let claim = Claim {
        max_attempts: 1,
        ..claim_on("site", 1)
    };
    assert_eq!(store.claim(&op(LEASE_MS), &claim).await.unwrap(), []);
    let page = store.get(&page.id).await.unwrap().unwrap();
    assert_eq!((page.status, page.lease_owner.as_deref()), (Status::Failed, None));
    assert!(page.last_error.is_some());
    // Planned again by hand, it starts afresh.
    let page = store
        .transition(
            &op(LEASE_MS),
            &page_ref(&store, &page).await,
            &Transition::to(Status::Planned),
        )
        .await;
    assert_eq!(page.unwrap().attempts, 0);
    assert_eq!(store.claim(&op(LEASE_MS), &claim).await.unwrap().len(), 1);
}

async fn page_ref(store: &Store, page: &crate::Page) -> crate::PageRef {
    store.get(&page.id).await.unwrap().unwrap().to_ref()
}

pub async fn claim_waits_for_not_before<H: Harness>(h: &H) {
    let store = h.store();
    let page = claimed(&store, "site").await;
    let later = Transition {
        not_before_ms: Some(NOW + 1_000),
        ..Transition::to(Status::Planned)
    };
    store.transition(&op(1), &page.to_ref(), &later).await.unwrap();
    assert_eq!(store.claim(&op(999), &claim_on("site", 1)).await.unwrap(), []);
    assert_eq!(
        store.claim(&op(1_000), &claim_on("site", 1)).await.unwrap()[0].attempts,
        2
    );
}

pub async fn claim_stays_on_its_site<H: Harness>(h: &H) {
    let store = h.store();
    planned(&store, "site").await;
    assert_eq!(store.claim(&op(0), &claim_on("other", 1)).await.unwrap(), []);
}

pub async fn claims_at_once_are_disjoint<H: Harness>(h: &H) {
    let store = h.store();
    let topics: Vec<_> = (0..100).map(|n| topic("site", n)).collect();
    store.plan(&op(0), &topics).await.unwrap();
    let claims = (0..16).map(|_| {
        let store = store.clone();
        async move { store.claim(&op(0), &claim_on("site", 7)).await.unwrap() }
    });
    let pages: Vec<_> = join_all(claims)
        .await
        .into_iter()
        .flatten()
        .map(|page| page.id)
        .collect();
    assert_eq!(pages.len(), 100);
    assert_eq!(pages.iter().collect::<BTreeSet<_>>().len(), 100);
}

pub async fn claim_refuses_senseless_wishes<H: Harness>(h: &H) {
    let store = h.store();
    let good = || claim_on("site", 1);
    for (wrong, name) in [
        (Claim { limit: 0, ..good() }, "limit"),
        (
            Claim {
                limit: u32::try_from(limits::MAX_ROWS).unwrap() + 1,
                ..good()
            },
            "limit",
        ),
        (
            Claim {
                lease: Duration::ZERO,
                ..good()
            },
            "lease",
        ),
        (
            Claim {
                lease: Duration::MAX,
                ..good()
            },
            "lease end",
        ),
        (
            Claim {
                max_attempts: 0,
                ..good()
            },
            "max_attempts",
        ),
        (
            Claim {
                owner: String::new(),
                ..good()
            },
            "owner",
        ),
    ] {
        let answer = store.claim(&op(0), &wrong).await;
        assert!(
            matches!(&answer, Err(Error::InvalidInput { field, .. }) if *field == name),
            "{answer:?}"
        );
    }
}

pub async fn claim_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    store
        .plan(&op(0), &[topic("site", 1), topic("site", 2), topic("site", 3)])
        .await
        .unwrap();
    let op = op(1);
    store.lose_next();
    lost(store.claim(&op, &claim_on("site", 2)).await);
    let pages = store.claim(&op, &claim_on("site", 2)).await.unwrap();
    let slugs: Vec<_> = pages.iter().map(|page| (page.slug.as_str(), page.attempts)).collect();
    assert_eq!(slugs, [("page-1", 1), ("page-2", 1)]);
    assert_eq!(store.counts("site").await.unwrap().get(Status::Planned), 1);
    // One moves on: the repeat gives what is still held.
    store
        .save(&super::fixtures::op(2), &pages[0].to_ref(), &save_to(Status::Draft))
        .await
        .unwrap();
    let pages = store.claim(&op, &claim_on("site", 2)).await.unwrap();
    assert_eq!(
        pages.iter().map(|page| page.slug.as_str()).collect::<Vec<_>>(),
        ["page-2"]
    );
}

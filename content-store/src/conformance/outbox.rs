use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::Harness;
use super::fixtures::*;
use crate::{Error, Outbox, OutboxClaim, OutboxCounts, OutboxId};

pub async fn outbox_claim_leases_pending_rows<H: Harness>(h: &H) {
    let store = h.store();
    let page = with_messages(&store, 2).await;
    let rows = store.claim_outbox(&op(1), &outbox_claim("sender", 9)).await.unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.page_id, row.topic.as_str(), row.payload.clone(), row.attempts))
        .collect();
    assert_eq!(
        told,
        [
            (page.id, "pages", message(0).payload, 1),
            (page.id, "pages", message(1).payload, 1)
        ]
    );
    assert!(rows.iter().all(|row| row.created_at_ms == NOW));
    assert_eq!(
        store.claim_outbox(&op(2), &outbox_claim("sender", 9)).await.unwrap(),
        []
    );
    let senseless = OutboxClaim {
        max_attempts: 0,
        ..outbox_claim("sender", 9)
    };
    let answer = store.claim_outbox(&op(2), &senseless).await;
    assert!(
        matches!(
            answer,
            Err(Error::InvalidInput {
                field: "max_attempts",
                ..
            })
        ),
        "{answer:?}"
    );
}

pub async fn outbox_claim_takes_over_an_expired_lease<H: Harness>(h: &H) {
    let store = h.store();
    with_messages(&store, 1).await;
    let first = store.claim_outbox(&op(0), &outbox_claim("dies", 9)).await.unwrap();
    assert_eq!(
        store
            .claim_outbox(&op(LEASE_MS - 1), &outbox_claim("sender", 9))
            .await
            .unwrap(),
        []
    );
    let again = store
        .claim_outbox(&op(LEASE_MS), &outbox_claim("sender", 9))
        .await
        .unwrap();
    assert_eq!((again[0].id.clone(), again[0].attempts), (first[0].id.clone(), 2));
    // The first sender comes back: the row is no longer its own.
    assert_eq!(
        store
            .mark_sent(&op(LEASE_MS), "dies", &[first[0].id.clone()])
            .await
            .unwrap(),
        0
    );
}

pub async fn outbox_claim_buries_rows_past_their_attempts<H: Harness>(h: &H) {
    let store = h.store();
    with_messages(&store, 1).await;
    let claim = OutboxClaim {
        max_attempts: 1,
        ..outbox_claim("sender", 9)
    };
    assert_eq!(store.claim_outbox(&op(0), &claim).await.unwrap().len(), 1);
    assert_eq!(store.claim_outbox(&op(LEASE_MS), &claim).await.unwrap(), []);
    assert_eq!(store.outbox_counts().await.unwrap().dead, 1);
}

pub async fn outbox_claim_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    with_messages(&h.store(), 3).await;
    let op = op(1);
    store.lose_next();
    lost(store.claim_outbox(&op, &outbox_claim("sender", 2)).await);
    let rows = store.claim_outbox(&op, &outbox_claim("sender", 2)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.attempts).collect::<Vec<_>>(), [1, 1]);
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!((counts.pending, counts.claimed), (1, 2));
}

pub async fn outbox_claims_at_once_are_disjoint<H: Harness>(h: &H) {
    let store = h.store();
    with_messages(&store, 50).await;
    let claims = (0..16).map(|n| {
        let store = store.clone();
        async move {
            store
                .claim_outbox(&op(0), &outbox_claim(&format!("sender {n}"), 4))
                .await
                .unwrap()
        }
    });
    let rows: Vec<_> = join_all(claims).await.into_iter().flatten().map(|row| row.id).collect();
    assert_eq!(rows.len(), 50);
    assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), 50);
}

async fn claimed_ids(store: &Store, n: usize) -> Vec<OutboxId> {
    with_messages(store, n).await;
    let rows = store.claim_outbox(&op(0), &outbox_claim("sender", 99)).await.unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

pub async fn mark_sent_ends_the_row<H: Harness>(h: &H) {
    let store = h.store();
    let ids = claimed_ids(&store, 2).await;
    assert_eq!(store.mark_sent(&op(1), "sender", &ids).await.unwrap(), 2);
    assert_eq!(
        store
            .claim_outbox(&op(LEASE_MS * 9), &outbox_claim("sender", 9))
            .await
            .unwrap(),
        []
    );
    assert_eq!(store.outbox_counts().await.unwrap().sent, 2);
}

pub async fn mark_sent_counts_only_its_own<H: Harness>(h: &H) {
    let store = h.store();
    let ids = claimed_ids(&store, 1).await;
    assert_eq!(store.mark_sent(&op(1), "other", &ids).await.unwrap(), 0);
    assert_eq!(
        store
            .mark_sent(&op(1), "sender", &[OutboxId::nth(&op(0).id, 0)])
            .await
            .unwrap(),
        0
    );
    assert_eq!(store.mark_sent(&op(1), "sender", &[]).await.unwrap(), 0);
    assert_eq!(store.outbox_counts().await.unwrap().claimed, 1);
    assert_eq!(store.mark_sent(&op(1), "sender", &ids).await.unwrap(), 1);
    assert_eq!(store.mark_sent(&op(2), "sender", &ids).await.unwrap(), 0);
}

pub async fn mark_sent_repeats<H: Harness>(h: &H) {
    let ids = claimed_ids(&h.store(), 2).await;
    let store = losing(h);
    let op = op(1);
    store.lose_next();
    lost(store.mark_sent(&op, "sender", &ids).await);
    assert_eq!(store.mark_sent(&op, "sender", &ids).await.unwrap(), 2);
    let other = store.mark_sent(&op, "sender", &ids[..1]).await;
    assert!(matches!(other, Err(Error::OpReused { .. })), "{other:?}");
}

pub async fn release_outbox_waits_for_its_time<H: Harness>(h: &H) {
    let store = h.store();
    let ids = claimed_ids(&store, 1).await;
    let later = NOW + 1_000;
    assert_eq!(
        store
            .release_outbox(&op(1), "other", &ids, "down", later)
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        store
            .release_outbox(&op(1), "sender", &ids, "down", later)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        store.claim_outbox(&op(999), &outbox_claim("sender", 9)).await.unwrap(),
        []
    );
    let rows = store
        .claim_outbox(&op(1_000), &outbox_claim("sender", 9))
        .await
        .unwrap();
    assert_eq!((rows[0].id.clone(), rows[0].attempts), (ids[0].clone(), 2));
}

pub async fn outbox_counts_follow_every_change<H: Harness>(h: &H) {
    let store = h.store();
    assert_eq!(store.outbox_counts().await.unwrap(), OutboxCounts::default());
    with_messages(&store, 3).await;
    let ids: Vec<_> = store.claim_outbox(&op(0), &outbox_claim("sender", 2)).await.unwrap();
    store.mark_sent(&op(1), "sender", &[ids[0].id.clone()]).await.unwrap();
    let expected = OutboxCounts {
        pending: 1,
        claimed: 1,
        sent: 1,
        dead: 0,
        oldest_pending_ms: Some(NOW),
    };
    assert_eq!(store.outbox_counts().await.unwrap(), expected);
}

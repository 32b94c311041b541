use super::Harness;
use super::fixtures::*;
use crate::{
    DeadLetters, Error, NewDeadLetter, Outbox, Pages, PostLedger, PrunePlan, Pruned, SpendLedger, SpendQuery, Status,
    Transition, Upkeep, limits,
};

fn before(after: i64, limit: u32) -> PrunePlan {
    PrunePlan {
        before_ms: NOW + after,
        limit,
    }
}

pub async fn prune_deletes_only_history<H: Harness>(h: &H) {
    let store = h.store();
    // Three ops at the start: plan, claim, save with two messages. Then one message is sent, and a post is armed.
    let page = with_messages(&store, 2).await;
    let rows = store.claim_outbox(&op(0), &outbox_claim("sender", 1)).await.unwrap();
    store.mark_sent(&op(0), "sender", &[rows[0].id.clone()]).await.unwrap();
    let post = post_armed(&store, &key(page.id, "me")).await;
    store.record_spend(&op(0), &[cost(Some(5))]).await.unwrap();
    let letter = NewDeadLetter {
        queue: "posts".to_owned(),
        message_id: "1".to_owned(),
        body: String::new(),
        reason: String::new(),
        attempts: 1,
        last_error: None,
        first_enqueued_ms: 0,
    };
    store.record_dead_letter(&op(0), &letter).await.unwrap();
    let late = op(1_000);
    let stale = store
        .transition(&late, &page.to_ref(), &Transition::to(Status::Stale))
        .await
        .unwrap();

    assert_eq!(
        store.prune(&before(0, 100)).await.unwrap(),
        Pruned::default(),
        "the time itself is not before it"
    );
    let pruned = store.prune(&before(1, 100)).await.unwrap();
    assert_eq!((pruned.ops, pruned.outbox, pruned.revisions), (9, 1, 3));
    assert_eq!(store.get(&page.id).await.unwrap(), Some(stale));
    let left: Vec<_> = store
        .revisions(&page.id)
        .await
        .unwrap()
        .iter()
        .map(|revision| revision.op_id)
        .collect();
    assert_eq!(left, [late.id]);
    assert!(store.did_it_land(&late.id).await.unwrap());
    let outbox = store.outbox_counts().await.unwrap();
    assert_eq!((outbox.pending, outbox.sent), (1, 0));
    assert_eq!(store.get_post(&post.key).await.unwrap(), Some(post));
    assert_eq!(store.count_dead_letters(None).await.unwrap(), 1);
    let all = SpendQuery {
        site: None,
        from_ms: 0,
        until_ms: NOW * 2,
    };
    assert_eq!(store.spend(&all).await.unwrap().calls, 1);
    // The newest revision stays for good: a repeated claim reads it.
    let pruned = store.prune(&before(9_999, 100)).await.unwrap();
    assert_eq!((pruned.ops, pruned.outbox, pruned.revisions), (1, 0, 0));
}

pub async fn prune_goes_on_until_nothing_is_left<H: Harness>(h: &H) {
    let store = h.store();
    for _ in 0..5 {
        store.record_spend(&op(0), &[cost(None)]).await.unwrap();
    }
    let mut each = Vec::new();
    loop {
        let pruned = store.prune(&before(1, 2)).await.unwrap();
        if pruned.is_empty() {
            break;
        }
        each.push(pruned.ops);
    }
    assert_eq!(each, [2, 2, 1]);
}

pub async fn prune_refuses_senseless_wishes<H: Harness>(h: &H) {
    let most = u32::try_from(limits::MAX_ROWS).unwrap();
    for (plan, name) in [
        (before(0, 0), "limit"),
        (before(0, most + 1), "limit"),
        (before(-NOW - 1, 1), "before_ms"),
    ] {
        let answer = h.store().prune(&plan).await;
        assert!(
            matches!(&answer, Err(Error::InvalidInput { field, .. }) if *field == name),
            "{answer:?}"
        );
    }
}

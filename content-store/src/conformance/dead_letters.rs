use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::Harness;
use super::fixtures::*;
use crate::{Cursor, DeadLetterClaim, DeadLetterId, DeadLetters, Error, NewDeadLetter, limits};

fn letter(n: usize) -> NewDeadLetter {
    NewDeadLetter {
        queue: "posts".to_owned(),
        message_id: format!("message-{n}"),
        body: format!(r#"{{"page_id":"{n}"}}"#),
        reason: "max_attempts".to_owned(),
        attempts: 5,
        last_error: Some("the network was down".to_owned()),
        first_enqueued_ms: NOW - 1_000,
    }
}

fn claim(owner: &str, ids: &[DeadLetterId]) -> DeadLetterClaim {
    DeadLetterClaim {
        owner: owner.to_owned(),
        ids: ids.to_vec(),
        lease: LEASE,
    }
}

async fn recorded(store: &Store, n: usize) -> Vec<DeadLetterId> {
    let mut ids = Vec::new();
    for n in 0..n {
        ids.push(store.record_dead_letter(&op(0), &letter(n)).await.unwrap().id);
    }
    ids
}

pub async fn record_dead_letter_keeps_everything<H: Harness>(h: &H) {
    let store = h.store();
    let odd = NewDeadLetter {
        body: "not JSON: \0 \"ü\" \u{202e} 🚀 '; DROP TABLE dead_letter; --".to_owned(),
        reason: "undecodable:\nline two".to_owned(),
        last_error: None,
        ..letter(1)
    };
    let kept = store.record_dead_letter(&op(5), &odd).await.unwrap();
    assert_eq!((&kept.letter, kept.dead_at_ms), (&odd, NOW + 5));
    assert_eq!((kept.claim_owner.as_deref(), kept.claim_until_ms), (None, None));
    let list = h.reopen().await.list_dead_letters(None, None, 10).await.unwrap();
    if H::DURABLE {
        assert_eq!(list.items, [kept]);
    }
    assert_eq!(list.next, None);
}

pub async fn record_dead_letter_again_is_one_letter<H: Harness>(h: &H) {
    let store = h.store();
    let first = store.record_dead_letter(&op(0), &letter(1)).await.unwrap();
    let worse = NewDeadLetter {
        attempts: 9,
        reason: "worse".to_owned(),
        first_enqueued_ms: NOW,
        ..letter(1)
    };
    let again = store.record_dead_letter(&op(7), &worse).await.unwrap();
    assert_eq!(
        (again.id, again.dead_at_ms, again.letter.attempts),
        (first.id, NOW + 7, 9)
    );
    assert_eq!(
        again.letter.first_enqueued_ms, first.letter.first_enqueued_ms,
        "the first time stays"
    );
    let elsewhere = NewDeadLetter {
        queue: "other".to_owned(),
        ..letter(1)
    };
    store.record_dead_letter(&op(8), &elsewhere).await.unwrap();
    assert_eq!(store.count_dead_letters(None).await.unwrap(), 2);
}

pub async fn record_dead_letter_again_frees_it<H: Harness>(h: &H) {
    let store = h.store();
    let ids = recorded(&store, 1).await;
    let taken = store.take_dead_letters(&op(1), &claim("one", &ids)).await.unwrap();
    assert_eq!(taken.len(), 1);
    let again = store.record_dead_letter(&op(2), &letter(0)).await.unwrap();
    assert_eq!(again.claim_owner, None);
    assert_eq!(store.remove_dead_letters(&op(3), Some("one"), &ids).await.unwrap(), 0);
    assert_eq!(
        store.count_dead_letters(None).await.unwrap(),
        1,
        "the new failure is not lost"
    );
}

pub async fn record_dead_letter_refuses_what_is_too_much<H: Harness>(h: &H) {
    let store = h.store();
    let at_limit = NewDeadLetter {
        body: "\"".repeat(limits::MESSAGE),
        reason: "r".repeat(limits::TEXT),
        last_error: Some("e".repeat(limits::TEXT)),
        message_id: "m".repeat(limits::KEY),
        ..letter(1)
    };
    let kept = store.record_dead_letter(&op(0), &at_limit).await.unwrap();
    assert_eq!(kept.letter, at_limit);
    for wrong in [
        NewDeadLetter {
            body: "b".repeat(limits::MESSAGE + 1),
            ..letter(2)
        },
        NewDeadLetter {
            reason: "r".repeat(limits::TEXT + 1),
            ..letter(2)
        },
        NewDeadLetter {
            last_error: Some("e".repeat(limits::TEXT + 1)),
            ..letter(2)
        },
        NewDeadLetter {
            message_id: "m".repeat(limits::KEY + 1),
            ..letter(2)
        },
    ] {
        let answer = store.record_dead_letter(&op(0), &wrong).await;
        assert!(matches!(answer, Err(Error::TooLarge { .. })), "{answer:?}");
    }
    for wrong in [
        NewDeadLetter {
            queue: String::new(),
            ..letter(2)
        },
        NewDeadLetter {
            message_id: "a\0".to_owned(),
            ..letter(2)
        },
        NewDeadLetter {
            reason: "a\0".to_owned(),
            ..letter(2)
        },
        NewDeadLetter {
            first_enqueued_ms: -1,
            ..letter(2)
        },
    ] {
        let answer = store.record_dead_letter(&op(0), &wrong).await;
        assert!(matches!(answer, Err(Error::InvalidInput { .. })), "{answer:?}");
    }
    assert_eq!(store.count_dead_letters(None).await.unwrap(), 1);
}

pub async fn record_dead_letter_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let op = op(0);
    store.lose_next();
    lost(store.record_dead_letter(&op, &letter(1)).await);
    let kept = store.record_dead_letter(&op, &letter(1)).await.unwrap();
    assert_eq!(kept.letter, letter(1));
    let taken = store
        .take_dead_letters(&super::fixtures::op(1), &claim("one", &[kept.id]))
        .await
        .unwrap();
    // The late repeat does not free it.
    let again = store.record_dead_letter(&op, &letter(1)).await.unwrap();
    assert_eq!(again, taken[0]);
    let other = store.record_dead_letter(&op, &letter(2)).await;
    assert!(matches!(other, Err(Error::OpReused { .. })), "{other:?}");
}

pub async fn list_dead_letters_filters_and_pages<H: Harness>(h: &H) {
    let store = h.store();
    let ids = recorded(&store, 5).await;
    let elsewhere = NewDeadLetter {
        queue: "other".to_owned(),
        ..letter(1)
    };
    let other = store.record_dead_letter(&op(0), &elsewhere).await.unwrap();
    let mut seen = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let list = store.list_dead_letters(Some("posts"), after.as_ref(), 2).await.unwrap();
        seen.extend(list.items.iter().map(|letter| letter.id));
        after = list.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
    let list = store.list_dead_letters(Some("other"), None, 2).await.unwrap();
    assert_eq!((list.items, list.next), (vec![other], None));
    assert_eq!(store.list_dead_letters(None, None, 10).await.unwrap().items.len(), 6);
    let next = store
        .list_dead_letters(Some("posts"), None, 2)
        .await
        .unwrap()
        .next
        .unwrap();
    for (queue, cursor) in [
        (None, next.clone()),
        (Some("other"), next),
        (Some("posts"), Cursor::new("c1.x")),
    ] {
        let answer = store.list_dead_letters(queue, Some(&cursor), 2).await;
        assert!(matches!(answer, Err(Error::InvalidCursor { .. })), "{answer:?}");
    }
    let answer = store.list_dead_letters(None, None, 0).await;
    assert!(
        matches!(answer, Err(Error::InvalidInput { field: "limit", .. })),
        "{answer:?}"
    );
}

pub async fn take_dead_letters_leases_the_free_ones<H: Harness>(h: &H) {
    let store = h.store();
    let ids = recorded(&store, 3).await;
    let one = store.take_dead_letters(&op(1), &claim("one", &ids[..1])).await.unwrap();
    assert_eq!((one[0].id, &one[0].letter), (ids[0], &letter(0)));
    assert_eq!(one[0].claim_owner.as_deref(), Some("one"));
    assert_eq!(one[0].claim_until_ms, Some(NOW + 1 + LEASE_MS));
    let mut wish = ids.clone();
    wish.extend([DeadLetterId::new(), ids[1]]);
    let rest = store.take_dead_letters(&op(2), &claim("two", &wish)).await.unwrap();
    assert_eq!(rest.iter().map(|letter| letter.id).collect::<Vec<_>>(), ids[1..]);
    let none = DeadLetterClaim {
        lease: std::time::Duration::ZERO,
        ..claim("three", &ids)
    };
    let answer = store.take_dead_letters(&op(3), &none).await;
    assert!(
        matches!(answer, Err(Error::InvalidInput { field: "lease", .. })),
        "{answer:?}"
    );
    assert_eq!(store.take_dead_letters(&op(3), &claim("three", &[])).await.unwrap(), []);
}

pub async fn take_dead_letters_takes_over_an_expired_lease<H: Harness>(h: &H) {
    let store = h.store();
    let ids = recorded(&store, 1).await;
    store.take_dead_letters(&op(0), &claim("one", &ids)).await.unwrap();
    let early = store
        .take_dead_letters(&op(LEASE_MS - 1), &claim("two", &ids))
        .await
        .unwrap();
    assert_eq!(early, []);
    let taken = store
        .take_dead_letters(&op(LEASE_MS), &claim("two", &ids))
        .await
        .unwrap();
    assert_eq!(taken[0].claim_owner.as_deref(), Some("two"));
    assert_eq!(
        store
            .remove_dead_letters(&op(LEASE_MS), Some("one"), &ids)
            .await
            .unwrap(),
        0
    );
}

pub async fn takers_at_once_are_disjoint<H: Harness>(h: &H) {
    let store = h.store();
    let ids = recorded(&store, 20).await;
    let takers = (0..8).map(|n| {
        let (store, wish) = (store.clone(), claim(&format!("taker {n}"), &ids));
        async move { store.take_dead_letters(&op(1), &wish).await.unwrap() }
    });
    let taken: Vec<_> = join_all(takers)
        .await
        .into_iter()
        .flatten()
        .map(|letter| letter.id)
        .collect();
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), taken.len());
    assert_eq!(taken.len(), 20);
}

pub async fn take_dead_letters_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let ids = recorded(&h.store(), 2).await;
    let op = op(1);
    store.lose_next();
    lost(store.take_dead_letters(&op, &claim("one", &ids)).await);
    assert_eq!(
        store.take_dead_letters(&op, &claim("one", &ids)).await.unwrap().len(),
        2
    );
    let removed = store
        .remove_dead_letters(&super::fixtures::op(2), Some("one"), &ids[..1])
        .await;
    assert_eq!(removed.unwrap(), 1);
    let left = store.take_dead_letters(&op, &claim("one", &ids)).await.unwrap();
    assert_eq!(left.iter().map(|letter| letter.id).collect::<Vec<_>>(), ids[1..]);
}

pub async fn remove_dead_letters_ends_what_was_redriven<H: Harness>(h: &H) {
    let store = h.store();
    let ids = recorded(&store, 3).await;
    store.take_dead_letters(&op(1), &claim("one", &ids[..2])).await.unwrap();
    assert_eq!(store.remove_dead_letters(&op(2), Some("two"), &ids).await.unwrap(), 0);
    assert_eq!(store.remove_dead_letters(&op(3), Some("one"), &ids).await.unwrap(), 2);
    assert_eq!(store.count_dead_letters(None).await.unwrap(), 1);
    let answer = store.remove_dead_letters(&op(4), Some(""), &ids).await;
    assert!(
        matches!(answer, Err(Error::InvalidInput { field: "owner", .. })),
        "{answer:?}"
    );
}

pub async fn remove_dead_letters_discards_what_is_free<H: Harness>(h: &H) {
    let store = h.store();
    let ids = recorded(&store, 3).await;
    store.take_dead_letters(&op(1), &claim("one", &ids[..1])).await.unwrap();
    assert_eq!(
        store.remove_dead_letters(&op(2), None, &ids).await.unwrap(),
        2,
        "a held one stays"
    );
    assert_eq!(
        store.remove_dead_letters(&op(1 + LEASE_MS), None, &ids).await.unwrap(),
        1
    );
}

pub async fn remove_dead_letters_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let ids = recorded(&h.store(), 2).await;
    let op = op(1);
    store.lose_next();
    lost(store.remove_dead_letters(&op, None, &ids).await);
    assert_eq!(store.remove_dead_letters(&op, None, &ids).await.unwrap(), 2);
    assert_eq!(
        store
            .remove_dead_letters(&super::fixtures::op(2), None, &ids)
            .await
            .unwrap(),
        0
    );
}

pub async fn count_dead_letters_follows_every_change<H: Harness>(h: &H) {
    let store = h.store();
    assert_eq!(store.count_dead_letters(None).await.unwrap(), 0);
    let ids = recorded(&store, 3).await;
    assert_eq!(store.count_dead_letters(Some("posts")).await.unwrap(), 3);
    assert_eq!(store.count_dead_letters(Some("other")).await.unwrap(), 0);
    store.remove_dead_letters(&op(1), None, &ids[..1]).await.unwrap();
    assert_eq!(store.count_dead_letters(None).await.unwrap(), 2);
}

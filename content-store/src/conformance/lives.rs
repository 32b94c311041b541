use super::Harness;
use super::fixtures::*;
use crate::{Error, NewOutbox, Outbox, PageId, PageRef, Pages, Status, Transition, limits};

pub async fn transition_follows_the_table_for_every_pair<H: Harness>(h: &H) {
    let store = h.store();
    for from in Status::ALL {
        for to in Status::ALL {
            let site = format!("{from} {to}");
            let page = page_at(&store, &site, from).await;
            let answer = store.transition(&op(5), &page.to_ref(), &Transition::to(to)).await;
            if from.may_transition(to) {
                let after = answer.unwrap();
                assert_eq!((after.status, after.version), (to, page.version + 1), "{site}");
                assert_eq!(after.lease_owner, None);
                assert_eq!(after.content, page.content);
            } else {
                match answer {
                    Err(Error::IllegalTransition { from: f, to: t, .. }) => {
                        assert_eq!((f, t), (from.as_str(), to.as_str()));
                    }
                    other => panic!("{site}: {other:?}"),
                }
                assert_eq!(store.get(&page.id).await.unwrap().unwrap(), page, "{site}");
            }
        }
    }
}

pub async fn transition_publishes_with_outbox<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::InReview).await;
    let approve = Transition {
        outbox: vec![message(1)],
        ..Transition::to(Status::Published)
    };
    let page = store.transition(&op(5), &page.to_ref(), &approve).await.unwrap();
    assert_eq!((page.status, page.published_at_ms), (Status::Published, Some(NOW + 5)));
    assert_eq!(page.modified_at_ms, Some(NOW), "the content is older");
    let rows = store.claim_outbox(&op(6), &outbox_claim("sender", 9)).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].page_id, &rows[0].payload), (page.id, &message(1).payload));
    let page = store
        .transition(&op(7), &page.to_ref(), &Transition::to(Status::Stale))
        .await
        .unwrap();
    let page = store
        .transition(&op(8), &page.to_ref(), &Transition::to(Status::Published))
        .await
        .unwrap();
    assert_eq!(page.published_at_ms, Some(NOW + 5), "the first time stays");
    let long = Transition {
        outbox: (0..=limits::WITH_A_PAGE).map(message).collect::<Vec<NewOutbox>>(),
        ..Transition::to(Status::Stale)
    };
    let answer = store.transition(&op(9), &page.to_ref(), &long).await;
    assert!(
        matches!(answer, Err(Error::InvalidInput { field: "outbox", .. })),
        "{answer:?}"
    );
}

pub async fn transition_back_to_planned_keeps_reason_and_time<H: Harness>(h: &H) {
    let store = h.store();
    let page = claimed(&store, "site").await;
    let later = Transition {
        reason: Some("the model was busy".to_owned()),
        not_before_ms: Some(NOW + 1_000),
        ..Transition::to(Status::Planned)
    };
    let page = store.transition(&op(1), &page.to_ref(), &later).await.unwrap();
    assert_eq!((page.status, page.attempts), (Status::Planned, 1));
    assert_eq!(page.last_error.as_deref(), Some("the model was busy"));
    assert_eq!(
        (page.not_before_ms, page.lease_owner.as_deref()),
        (Some(NOW + 1_000), None)
    );
    let wrong = Transition {
        to: Status::Archived,
        ..later
    };
    let answer = store.transition(&op(1), &page.to_ref(), &wrong).await;
    assert!(
        matches!(
            answer,
            Err(Error::InvalidInput {
                field: "not_before_ms",
                ..
            })
        ),
        "{answer:?}"
    );
}

pub async fn transition_may_give_the_attempt_back<H: Harness>(h: &H) {
    let store = h.store();
    let page = claimed(&store, "site").await;
    assert_eq!(page.attempts, 1);
    let back = Transition {
        release: true,
        ..Transition::to(Status::Planned)
    };
    let page = store.transition(&op(1), &page.to_ref(), &back).await.unwrap();
    assert_eq!((page.status, page.attempts), (Status::Planned, 0));
    let wrong = Transition {
        to: Status::Failed,
        ..back
    };
    let answer = store.transition(&op(1), &page.to_ref(), &wrong).await;
    assert!(
        matches!(answer, Err(Error::InvalidInput { field: "release", .. })),
        "{answer:?}"
    );
}

pub async fn transition_refuses_a_stale_version<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::InReview).await;
    let old = PageRef {
        version: page.version - 1,
        ..page.to_ref()
    };
    let answer = store.transition(&op(5), &old, &Transition::to(Status::Published)).await;
    assert!(matches!(answer, Err(Error::StaleVersion { .. })), "{answer:?}");
    let nowhere = PageRef {
        id: PageId::new(),
        version: 1,
    };
    let answer = store
        .transition(&op(5), &nowhere, &Transition::to(Status::Published))
        .await;
    assert!(matches!(answer, Err(Error::NotFound { .. })), "{answer:?}");
}

pub async fn transition_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let page = saved(&h.store(), "site", Status::InReview).await;
    let approve = Transition {
        outbox: vec![message(1)],
        ..Transition::to(Status::Published)
    };
    let op = op(5);
    store.lose_next();
    lost(store.transition(&op, &page.to_ref(), &approve).await);
    let once = store.transition(&op, &page.to_ref(), &approve).await.unwrap();
    assert_eq!((once.status, once.version), (Status::Published, page.version + 1));
    assert_eq!(store.outbox_counts().await.unwrap().pending, 1);
    let other = store
        .transition(&op, &once.to_ref(), &Transition::to(Status::Stale))
        .await;
    assert!(matches!(other, Err(Error::OpReused { .. })), "{other:?}");
    assert_eq!(store.get(&page.id).await.unwrap().unwrap(), once);
}

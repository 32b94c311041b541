use super::Harness;
use super::fixtures::*;
use crate::{
    Content, Error, NewOutbox, Outbox, PageId, PageRef, Pages, SavePage, SpendLedger, SpendQuery,
    Status, Transition, limits,
};

fn everything() -> SpendQuery {
    SpendQuery {
        site: Some("site".to_owned()),
        from_ms: 0,
        until_ms: NOW * 2,
    }
}

fn full_save() -> SavePage {
    SavePage {
        outbox: vec![message(1), message(2)],
        spend: vec![cost(Some(7)), cost(None)],
        ..save_to(Status::InReview)
    }
}

pub async fn save_writes_page_outbox_and_spend<H: Harness>(h: &H) {
    let store = h.store();
    let before = claimed(&store, "site").await;
    let page = store
        .save(&op(5), &before.to_ref(), &full_save())
        .await
        .unwrap();
    assert_eq!(
        (page.status, page.version),
        (Status::InReview, before.version + 1)
    );
    assert_eq!(page.content, Some(content(1)));
    assert_eq!(
        (page.lease_owner.as_deref(), page.lease_until_ms),
        (None, None)
    );
    assert_eq!(
        (page.published_at_ms, page.modified_at_ms),
        (None, Some(NOW + 5))
    );
    assert_eq!(page.content_hash.as_ref().unwrap().len(), 64);
    assert_eq!(store.get(&page.id).await.unwrap(), Some(page));
    assert_eq!(store.outbox_counts().await.unwrap().pending, 2);
    let spend = store.spend(&everything()).await.unwrap();
    assert_eq!(
        (spend.calls, spend.cost_micros, spend.unpriced_calls),
        (2, 7, 1)
    );
}

pub async fn save_may_publish_at_once<H: Harness>(h: &H) {
    let store = h.store();
    let page = claimed(&store, "site").await;
    let page = store
        .save(&op(5), &page.to_ref(), &save_to(Status::Published))
        .await
        .unwrap();
    assert_eq!(
        (page.status, page.published_at_ms),
        (Status::Published, Some(NOW + 5))
    );
}

pub async fn save_is_only_for_generating_pages<H: Harness>(h: &H) {
    let store = h.store();
    for from in Status::ALL {
        for to in Status::ALL {
            let site = format!("{from} {to}");
            let page = page_at(&store, &site, from).await;
            let answer = store.save(&op(5), &page.to_ref(), &save_to(to)).await;
            if from == Status::Generating && to.is_saved() {
                assert_eq!(answer.unwrap().status, to);
            } else {
                assert!(
                    matches!(answer, Err(Error::IllegalTransition { .. })),
                    "{site}: {answer:?}"
                );
                assert_eq!(store.get(&page.id).await.unwrap().unwrap(), page, "{site}");
            }
        }
    }
}

pub async fn save_refuses_a_stale_version<H: Harness>(h: &H) {
    let store = h.store();
    let page = claimed(&store, "site").await;
    for version in [0, page.version - 1, page.version + 1, u64::MAX] {
        let answer = store
            .save(
                &op(5),
                &PageRef {
                    id: page.id,
                    version,
                },
                &full_save(),
            )
            .await;
        match answer {
            Err(Error::StaleVersion {
                expected, found, ..
            }) => assert_eq!((expected, found), (version, page.version)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(store.get(&page.id).await.unwrap().unwrap(), page);
    assert_eq!(store.outbox_counts().await.unwrap().pending, 0);
    assert_eq!(store.spend(&everything()).await.unwrap().calls, 0);
}

pub async fn save_of_a_missing_page_is_not_found<H: Harness>(h: &H) {
    let nowhere = PageRef {
        id: PageId::new(),
        version: 1,
    };
    let answer = h.store().save(&op(0), &nowhere, &full_save()).await;
    assert!(
        matches!(answer, Err(Error::NotFound { what: "page", .. })),
        "{answer:?}"
    );
    assert_eq!(h.store().outbox_counts().await.unwrap().pending, 0);
}

pub async fn save_keeps_content_at_the_limit_and_refuses_one_past_it<H: Harness>(h: &H) {
    let store = h.store();
    let page = claimed(&store, "site").await;
    // A list of one string is four bytes longer than the string.
    let make = |extra: usize| Content {
        title: "t".repeat(limits::TITLE + extra),
        description: "d".repeat(limits::DESCRIPTION + extra),
        keywords: vec!["k".repeat(limits::LIST - 4 + extra)],
        body_html: "ü".repeat(limits::BODY / 2) + &"b".repeat(extra),
        image_prompt: "i".repeat(limits::TEXT + extra),
        hooks: vec!["h".repeat(limits::LIST - 4 + extra)],
        canonical_url: "u".repeat(limits::URL + extra),
        quality: serde_json::json!("q".repeat(limits::JSON - 2 + extra)),
        model: "m".repeat(limits::KEY + extra),
        word_count: u32::MAX,
    };
    let past = make(1);
    for content in [
        Content {
            title: past.title,
            ..content(1)
        },
        Content {
            description: past.description,
            ..content(1)
        },
        Content {
            keywords: past.keywords,
            ..content(1)
        },
        Content {
            body_html: past.body_html,
            ..content(1)
        },
        Content {
            image_prompt: past.image_prompt,
            ..content(1)
        },
        Content {
            hooks: past.hooks,
            ..content(1)
        },
        Content {
            canonical_url: past.canonical_url,
            ..content(1)
        },
        Content {
            quality: past.quality,
            ..content(1)
        },
        Content {
            model: past.model,
            ..content(1)
        },
    ] {
        let save = SavePage {
            content,
            ..save_to(Status::Draft)
        };
        let answer = store.save(&op(0), &page.to_ref(), &save).await;
        assert!(
            matches!(answer, Err(Error::TooLarge { limit, found, .. }) if found == limit + 1),
            "{answer:?}"
        );
    }
    let nul = SavePage {
        content: Content {
            title: "a\0".into(),
            ..content(1)
        },
        ..save_to(Status::Draft)
    };
    let answer = store.save(&op(0), &page.to_ref(), &nul).await;
    assert!(
        matches!(answer, Err(Error::InvalidInput { field: "title", .. })),
        "{answer:?}"
    );
    let save = SavePage {
        content: make(0),
        ..save_to(Status::Draft)
    };
    let page = store.save(&op(0), &page.to_ref(), &save).await.unwrap();
    assert_eq!(
        store.get(&page.id).await.unwrap().unwrap().content,
        Some(make(0))
    );
}

pub async fn save_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let page = claimed(&h.store(), "site").await;
    let op = op(5);
    store.lose_next();
    lost(store.save(&op, &page.to_ref(), &full_save()).await);
    let once = store.get(&page.id).await.unwrap().unwrap();
    assert_eq!(
        store.save(&op, &page.to_ref(), &full_save()).await.unwrap(),
        once
    );
    assert_eq!(once.version, page.version + 1);
    assert_eq!(store.outbox_counts().await.unwrap().pending, 2);
    assert_eq!(store.spend(&everything()).await.unwrap().calls, 2);
    // Repeated after somebody else went on, it still changes nothing, and shows the page as it stands.
    let approve = Transition::to(Status::Published);
    let on = store
        .transition(&super::fixtures::op(6), &once.to_ref(), &approve)
        .await
        .unwrap();
    assert_eq!(
        store.save(&op, &page.to_ref(), &full_save()).await.unwrap(),
        on
    );
}

pub async fn transition_follows_the_table_for_every_pair<H: Harness>(h: &H) {
    let store = h.store();
    for from in Status::ALL {
        for to in Status::ALL {
            let site = format!("{from} {to}");
            let page = page_at(&store, &site, from).await;
            let answer = store
                .transition(&op(5), &page.to_ref(), &Transition::to(to))
                .await;
            if from.may_transition(to) {
                let after = answer.unwrap();
                assert_eq!(
                    (after.status, after.version),
                    (to, page.version + 1),
                    "{site}"
                );
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
    let page = store
        .transition(&op(5), &page.to_ref(), &approve)
        .await
        .unwrap();
    assert_eq!(
        (page.status, page.published_at_ms),
        (Status::Published, Some(NOW + 5))
    );
    assert_eq!(page.modified_at_ms, Some(NOW), "the content is older");
    let rows = store
        .claim_outbox(&op(6), &outbox_claim("sender", 9))
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].page_id, &rows[0].payload),
        (page.id, &message(1).payload)
    );
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
        outbox: (0..=limits::WITH_A_PAGE)
            .map(message)
            .collect::<Vec<NewOutbox>>(),
        ..Transition::to(Status::Stale)
    };
    let answer = store.transition(&op(9), &page.to_ref(), &long).await;
    assert!(
        matches!(
            answer,
            Err(Error::InvalidInput {
                field: "outbox",
                ..
            })
        ),
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
    let page = store
        .transition(&op(1), &page.to_ref(), &later)
        .await
        .unwrap();
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

pub async fn transition_refuses_a_stale_version<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::InReview).await;
    let old = PageRef {
        version: page.version - 1,
        ..page.to_ref()
    };
    let answer = store
        .transition(&op(5), &old, &Transition::to(Status::Published))
        .await;
    assert!(
        matches!(answer, Err(Error::StaleVersion { .. })),
        "{answer:?}"
    );
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
    let once = store
        .transition(&op, &page.to_ref(), &approve)
        .await
        .unwrap();
    assert_eq!(
        (once.status, once.version),
        (Status::Published, page.version + 1)
    );
    assert_eq!(store.outbox_counts().await.unwrap().pending, 1);
    let other = store
        .transition(&op, &once.to_ref(), &Transition::to(Status::Stale))
        .await;
    assert!(matches!(other, Err(Error::OpReused { .. })), "{other:?}");
    assert_eq!(store.get(&page.id).await.unwrap().unwrap(), once);
}

use super::Harness;
use super::fixtures::*;
use crate::{
    Content, Error, Outbox, PageId, PageRef, Pages, SavePage, SpendLedger, SpendQuery, Status, Transition, limits,
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
    let page = store.save(&op(5), &before.to_ref(), &full_save()).await.unwrap();
    assert_eq!((page.status, page.version), (Status::InReview, before.version + 1));
    assert_eq!(page.content, Some(content(1)));
    assert_eq!((page.lease_owner.as_deref(), page.lease_until_ms), (None, None));
    assert_eq!((page.published_at_ms, page.modified_at_ms), (None, Some(NOW + 5)));
    assert_eq!(page.content_hash.as_ref().unwrap().len(), 64);
    assert_eq!(store.get(&page.id).await.unwrap(), Some(page));
    assert_eq!(store.outbox_counts().await.unwrap().pending, 2);
    let spend = store.spend(&everything()).await.unwrap();
    assert_eq!((spend.calls, spend.cost_micros, spend.unpriced_calls), (2, 7, 1));
}

pub async fn save_may_publish_at_once<H: Harness>(h: &H) {
    let store = h.store();
    let page = claimed(&store, "site").await;
    let page = store
        .save(&op(5), &page.to_ref(), &save_to(Status::Published))
        .await
        .unwrap();
    assert_eq!((page.status, page.published_at_ms), (Status::Published, Some(NOW + 5)));
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
            .save(&op(5), &PageRef { id: page.id, version }, &full_save())
            .await;
        match answer {
            Err(Error::StaleVersion { expected, found, .. }) => assert_eq!((expected, found), (version, page.version)),
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
        body_html: "ü".repeat(H::BODY / 2) + &"b".repeat(extra),
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
    assert_eq!(store.get(&page.id).await.unwrap().unwrap().content, Some(make(0)));
}

pub async fn save_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let page = claimed(&h.store(), "site").await;
    let op = op(5);
    store.lose_next();
    lost(store.save(&op, &page.to_ref(), &full_save()).await);
    let once = store.get(&page.id).await.unwrap().unwrap();
    assert_eq!(store.save(&op, &page.to_ref(), &full_save()).await.unwrap(), once);
    assert_eq!(once.version, page.version + 1);
    assert_eq!(store.outbox_counts().await.unwrap().pending, 2);
    assert_eq!(store.spend(&everything()).await.unwrap().calls, 2);
    // Repeated after somebody else went on, it still changes nothing, and shows the page as it stands.
    let approve = Transition::to(Status::Published);
    let on = store
        .transition(&super::fixtures::op(6), &once.to_ref(), &approve)
        .await
        .unwrap();
    assert_eq!(store.save(&op, &page.to_ref(), &full_save()).await.unwrap(), on);
}

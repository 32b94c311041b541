use super::Harness;
use super::fixtures::*;
use crate::{
    Edit, Editing, Error, PageRef, Pages, PostClaim, PostStatus, Redirect, SavePage, SpendQuery, Status, Transition,
};

pub async fn delete_frees_what_was_taken<H: Harness>(h: &H) {
    let store = h.store();
    let page = with_messages(&store, 2).await;
    store.delete(&op(5), &page.to_ref()).await.unwrap();
    assert_eq!(store.get(&page.id).await.unwrap(), None);
    assert_eq!(store.get_by_slug("site", "en", "page-1").await.unwrap(), None);
    assert_eq!(store.revisions(&page.id).await.unwrap(), []);
    assert_eq!(store.content_at(&page.id, page.version).await.unwrap(), None);
    assert_eq!(store.counts("site").await.unwrap().total(), 0);
    assert_eq!(store.list(&all("site"), None, 9).await.unwrap().items, []);
    assert_eq!(store.outbox_counts().await.unwrap().pending, 0);
    assert_eq!(store.plan(&op(6), &[topic("site", 1)]).await.unwrap().created, 1);
    let heir = store.get_by_slug("site", "en", "page-1").await.unwrap().unwrap();
    assert_ne!(heir.id, page.id);
    assert_eq!(store.locked(&heir.id).await.unwrap(), []);
    assert_eq!(store.redirect("site", "en", "page-1").await.unwrap(), None);
    // A page that a writer holds may go as well; the writer is told.
    let held = store.claim(&op(7), &claim_on("site", 1)).await.unwrap().remove(0);
    store.delete(&op(8), &held.to_ref()).await.unwrap();
    let answer = store.save(&op(9), &held.to_ref(), &save_to(Status::Draft)).await;
    assert!(
        matches!(answer, Err(Error::NotFound { what: "page", .. })),
        "{answer:?}"
    );
    assert_eq!(store.claim(&op(LEASE_MS * 2), &claim_on("site", 1)).await.unwrap(), []);
    assert_eq!(
        store.redirect("site", "en", "page-1").await.unwrap(),
        None,
        "never public"
    );
}

pub async fn delete_leaves_a_tombstone<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Published).await;
    let moved = Edit {
        slug: Some("moved".to_owned()),
        ..Edit::default()
    };
    let page = store.edit(&op(1), &page.to_ref(), &moved).await.unwrap();
    // Public once is enough.
    let page = store
        .transition(&op(2), &page.to_ref(), &Transition::to(Status::Archived))
        .await
        .unwrap();
    store.delete(&op(3), &page.to_ref()).await.unwrap();
    for slug in ["page-1", "moved"] {
        assert_eq!(
            store.redirect("site", "en", slug).await.unwrap(),
            Some(Redirect::Gone),
            "{slug}"
        );
    }
    store.plan(&op(4), &[topic("site", 1)]).await.unwrap();
    assert_eq!(store.redirect("site", "en", "page-1").await.unwrap(), None);
}

pub async fn delete_keeps_receipts<H: Harness>(h: &H) {
    let store = h.store();
    let page = claimed(&store, "site").await;
    let save = SavePage {
        outbox: vec![message(0), message(1)],
        spend: vec![cost(Some(7))],
        ..save_to(Status::Published)
    };
    let page = store.save(&op(0), &page.to_ref(), &save).await.unwrap();
    let rows = store.claim_outbox(&op(0), &outbox_claim("sender", 1)).await.unwrap();
    store.mark_sent(&op(0), "sender", &[rows[0].id.clone()]).await.unwrap();
    for status in PostStatus::ALL {
        post_at(&store, &key(page.id, status.as_str()), status).await;
    }
    store.delete(&op(5), &page.to_ref()).await.unwrap();
    for status in PostStatus::ALL {
        let found = store.get_post(&key(page.id, status.as_str())).await.unwrap();
        let stays = !matches!(status, PostStatus::Claimed | PostStatus::Retry | PostStatus::Rejected);
        assert_eq!(found.map(|post| post.status), stays.then_some(status), "{status}");
    }
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!((counts.pending, counts.claimed, counts.sent), (0, 0, 1));
    let everything = SpendQuery {
        site: Some("site".to_owned()),
        from_ms: 0,
        until_ms: NOW * 2,
    };
    assert_eq!(store.spend(&everything).await.unwrap().cost_micros, 7);

    let claim = async |name: &str| {
        store
            .claim_post(&op(LEASE_MS * 2), &key(page.id, name), "poster", LEASE)
            .await
    };
    assert!(matches!(claim("posted").await, Ok(PostClaim::Posted(_))));
    assert!(matches!(claim("parked").await, Ok(PostClaim::Closed(_))));
    let Ok(PostClaim::Unsettled(post)) = claim("in_flight").await else {
        panic!("a call under way is reconciled");
    };
    let posted = store
        .settle_post(&op(LEASE_MS * 2), &post.to_ref(), &outcome(PostStatus::Posted))
        .await
        .unwrap();
    assert_eq!((posted.status, posted.site.as_str()), (PostStatus::Posted, "site"));
    for name in ["retry", "new"] {
        let answer = claim(name).await;
        assert!(
            matches!(answer, Err(Error::NotFound { what: "page", .. })),
            "{name}: {answer:?}"
        );
    }
}

pub async fn delete_refuses_a_stale_version<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Published).await;
    let stale = PageRef {
        version: page.version - 1,
        ..page.to_ref()
    };
    let answer = store.delete(&op(5), &stale).await;
    assert!(
        matches!(answer, Err(Error::StaleVersion { found, .. }) if found == page.version),
        "{answer:?}"
    );
    assert_eq!(store.get(&page.id).await.unwrap(), Some(page.clone()));
    store.delete(&op(6), &page.to_ref()).await.unwrap();
    let answer = store.delete(&op(7), &page.to_ref()).await;
    assert!(
        matches!(answer, Err(Error::NotFound { what: "page", .. })),
        "{answer:?}"
    );
}

pub async fn delete_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let page = saved(&h.store(), "site", Status::Published).await;
    let by_hand = op(5);
    store.lose_next();
    lost(store.delete(&by_hand, &page.to_ref()).await);
    h.store().plan(&op(6), &[topic("site", 1)]).await.unwrap();
    store.delete(&by_hand, &page.to_ref()).await.unwrap();
    assert_eq!(
        h.store().counts("site").await.unwrap().total(),
        1,
        "the heir is left alone"
    );
    assert!(h.store().did_it_land(&by_hand.id).await.unwrap());
}

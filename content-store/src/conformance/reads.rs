use std::collections::BTreeSet;

use super::Harness;
use super::fixtures::*;
use crate::{Cursor, Error, OpId, PageId, PageQuery, Status, Transition, limits};

pub async fn get_of_an_unknown_page_is_none<H: Harness>(h: &H) {
    assert_eq!(h.store().get(&PageId::new()).await.unwrap(), None);
    assert_eq!(h.store().revisions(&PageId::new()).await.unwrap(), []);
}

pub async fn get_by_slug_finds_the_page<H: Harness>(h: &H) {
    let store = h.store();
    let page = planned(&store, "site").await;
    assert_eq!(store.get_by_slug("site", "en", "page-1").await.unwrap(), Some(page));
    for (site, locale, slug) in [
        ("other", "en", "page-1"),
        ("site", "de", "page-1"),
        ("site", "en", "page-2"),
    ] {
        assert_eq!(store.get_by_slug(site, locale, slug).await.unwrap(), None);
    }
}

pub async fn list_shows_every_page_once<H: Harness>(h: &H) {
    let store = h.store();
    let topics: Vec<_> = (0..25).map(|n| topic("site", n)).collect();
    store.plan(&op(0), &topics).await.unwrap();
    let (mut seen, mut after, mut pieces) = (Vec::new(), None, 0);
    loop {
        let piece = store.list(&all("site"), after.as_ref(), 5).await.unwrap();
        assert!(piece.items.len() <= 5);
        seen.extend(piece.items.iter().map(|page| page.id));
        // Written between two pieces: pages move through their life, one more is planned.
        store.claim(&op(pieces), &claim_on("site", 3)).await.unwrap();
        store
            .plan(&op(pieces), &[topic("site", 100 + pieces.unsigned_abs() as usize)])
            .await
            .unwrap();
        pieces += 1;
        after = piece.next;
        if after.is_none() || pieces > 50 {
            break;
        }
        if pieces > 8 {
            // New pages come last; at some point the list has to be done.
            let rest = store.list(&all("site"), after.as_ref(), 1_000).await.unwrap();
            seen.extend(rest.items.iter().map(|page| page.id));
            assert_eq!(rest.next, None);
            break;
        }
    }
    assert!(seen.is_sorted());
    assert!(seen.len() >= 25);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
    for limit in [0, u32::try_from(limits::MAX_ROWS).unwrap() + 1] {
        let answer = store.list(&all("site"), None, limit).await;
        assert!(
            matches!(answer, Err(Error::InvalidInput { field: "limit", .. })),
            "{answer:?}"
        );
    }
}

pub async fn list_filters_by_site_and_status<H: Harness>(h: &H) {
    let store = h.store();
    let published = saved(&store, "site", Status::Published).await;
    store.plan(&op(0), &[topic("site", 2)]).await.unwrap();
    planned(&store, "other").await;
    let list = store.list(&all("site"), None, 10).await.unwrap();
    assert_eq!((list.items.len(), list.next), (2, None));
    let query = PageQuery {
        status: Some(Status::Published),
        ..all("site")
    };
    let list = store.list(&query, None, 10).await.unwrap();
    assert_eq!(list.items.len(), 1);
    let item = &list.items[0];
    assert_eq!(
        (item.to_ref(), item.title.as_deref()),
        (published.to_ref(), Some("Title 1"))
    );
    assert_eq!(
        item.canonical_url,
        published.content.map(|content| content.canonical_url)
    );
    assert_eq!(item.published_at_ms, published.published_at_ms);
}

pub async fn list_refuses_foreign_cursors<H: Harness>(h: &H) {
    let store = h.store();
    store.plan(&op(0), &[topic("site", 1), topic("site", 2)]).await.unwrap();
    let next = store.list(&all("site"), None, 1).await.unwrap().next.unwrap();
    let travelled = Cursor::new(next.as_str().to_owned());
    assert_eq!(
        store.list(&all("site"), Some(&travelled), 1).await.unwrap().items.len(),
        1
    );
    let planned = PageQuery {
        status: Some(Status::Planned),
        ..all("site")
    };
    for query in [all("other"), planned] {
        let answer = store.list(&query, Some(&next), 1).await;
        assert!(matches!(answer, Err(Error::InvalidCursor { .. })), "{answer:?}");
    }
    let (half, _) = next.as_str().split_at(next.as_str().len() / 2);
    for wrong in [
        "",
        "c1",
        "c1..",
        "' OR 1=1 --",
        half,
        &format!("{next}x"),
        &"x".repeat(10_000),
    ] {
        let answer = store.list(&all("site"), Some(&Cursor::new(wrong)), 1).await;
        assert!(
            matches!(answer, Err(Error::InvalidCursor { .. })),
            "{wrong}: {answer:?}"
        );
    }
}

pub async fn counts_follow_every_change<H: Harness>(h: &H) {
    let store = h.store();
    assert_eq!(store.counts("site").await.unwrap().total(), 0);
    let page = claimed(&store, "site").await;
    store.plan(&op(0), &[topic("site", 2)]).await.unwrap();
    planned(&store, "other").await;
    store
        .save(&op(1), &page.to_ref(), &save_to(Status::Draft))
        .await
        .unwrap();
    let counts = store.counts("site").await.unwrap();
    assert_eq!(
        (counts.get(Status::Planned), counts.get(Status::Draft), counts.total()),
        (1, 1, 2)
    );
    assert_eq!(
        counts.iter().collect::<Vec<_>>(),
        [(Status::Planned, 1), (Status::Draft, 1)]
    );
}

pub async fn revisions_tell_every_change<H: Harness>(h: &H) {
    let store = h.store();
    let (plan, claim, save, reject) = (op(0), op(1), op(2), op(3));
    store.plan(&plan, &[topic("site", 1)]).await.unwrap();
    let page = store.claim(&claim, &claim_on("site", 1)).await.unwrap().remove(0);
    let page = store
        .save(&save, &page.to_ref(), &save_to(Status::Draft))
        .await
        .unwrap();
    let no = Transition {
        reason: Some("dull".to_owned()),
        ..Transition::to(Status::Rejected)
    };
    let page = store.transition(&reject, &page.to_ref(), &no).await.unwrap();
    let revisions = store.revisions(&page.id).await.unwrap();
    let told: Vec<_> = revisions
        .iter()
        .map(|r| (r.version, r.op_id, r.status, r.at_ms))
        .collect();
    let expected = [
        (1, plan.id, Status::Planned, NOW),
        (2, claim.id, Status::Generating, NOW + 1),
        (3, save.id, Status::Draft, NOW + 2),
        (4, reject.id, Status::Rejected, NOW + 3),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        (revisions[3].reason.as_deref(), page.last_error.as_deref()),
        (Some("dull"), Some("dull"))
    );
    assert_eq!(
        (&revisions[1].content_hash, &revisions[2].content_hash),
        (&None, &page.content_hash)
    );
}

pub async fn did_it_land_tells_the_truth<H: Harness>(h: &H) {
    let store = losing(h);
    let (plan, refused) = (op(0), op(0));
    store.lose_next();
    lost(crate::Pages::plan(&store, &plan, &[topic("site", 1)]).await);
    let store = h.store();
    assert!(store.did_it_land(&plan.id).await.unwrap());
    let page = store.get_by_slug("site", "en", "page-1").await.unwrap().unwrap();
    store
        .save(&refused, &page.to_ref(), &save_to(Status::Draft))
        .await
        .unwrap_err();
    assert!(!store.did_it_land(&refused.id).await.unwrap());
    assert!(!store.did_it_land(&OpId::new()).await.unwrap());
    let spend = op(0);
    store.record_spend(&spend, &[cost(None)]).await.unwrap();
    assert!(store.did_it_land(&spend.id).await.unwrap());
}

pub async fn acknowledged_writes_are_there_after_a_reopen<H: Harness>(h: &H) {
    let page = with_messages(&h.store(), 1).await;
    let post = post_armed(&h.store(), &key(page.id, "me")).await;
    let store = h.reopen().await;
    assert_eq!(store.get(&page.id).await.unwrap(), Some(page));
    assert_eq!(store.outbox_counts().await.unwrap().pending, 1);
    assert_eq!(store.get_post(&post.key).await.unwrap(), Some(post));
}

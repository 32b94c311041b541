use super::Harness;
use super::fixtures::*;
use crate::{
    Cursor, Edit, Editing, Error, NewSpend, Pages, Reports, SpendBy, SpendLedger, SpendQuery, Status, Transition,
};

const DAY: i64 = 86_400_000;

/// Published pages of the site, changed `n` ms after the start each.
async fn published(store: &Store, n: usize) -> Vec<crate::Page> {
    let topics: Vec<_> = (0..n).map(|n| topic("site", n)).collect();
    store.plan(&op(0), &topics).await.unwrap();
    let mut pages = Vec::new();
    for (n, page) in store
        .claim(&op(0), &claim_on("site", 100))
        .await
        .unwrap()
        .into_iter()
        .enumerate()
    {
        let at = op(n as i64 / 2);
        pages.push(
            store
                .save(&at, &page.to_ref(), &save_to(Status::Published))
                .await
                .unwrap(),
        );
    }
    pages
}

pub async fn due_gives_the_oldest_first<H: Harness>(h: &H) {
    let store = h.store();
    let pages = published(&store, 7).await;
    saved(&store, "other", Status::Published).await;
    // The first is changed by hand, the second stale: neither is due.
    let edit = Edit {
        title: Some("New".to_owned()),
        ..Edit::default()
    };
    store.edit(&op(100), &pages[0].to_ref(), &edit).await.unwrap();
    store
        .transition(&op(100), &pages[1].to_ref(), &Transition::to(Status::Stale))
        .await
        .unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let piece = store.due("site", NOW + 3, after.as_ref(), 2).await.unwrap();
        seen.extend(piece.items.iter().map(|page| page.id));
        after = piece.next;
        if after.is_none() {
            break;
        }
    }
    let due: Vec<_> = pages[2..6].iter().map(|page| page.id).collect();
    assert_eq!(seen, due, "and the time itself is not before it");
    let later = store.due("site", NOW + 101, None, 100).await.unwrap();
    assert_eq!(later.items.last().map(|page| page.id), Some(pages[0].id));
    assert_eq!((later.items.len(), later.next), (6, None));
}

pub async fn due_refuses_foreign_cursors<H: Harness>(h: &H) {
    let store = h.store();
    published(&store, 3).await;
    let next = store.due("site", NOW + 9, None, 1).await.unwrap().next.unwrap();
    assert_eq!(store.due("site", NOW + 9, Some(&next), 9).await.unwrap().items.len(), 2);
    let of_list = store.list(&all("site"), None, 1).await.unwrap().next.unwrap();
    for (site, before, cursor) in [
        ("site", NOW + 8, next.clone()),
        ("other", NOW + 9, next.clone()),
        ("site", NOW + 9, of_list),
        ("site", NOW + 9, Cursor::new("c1.x.1.' OR 1=1 --")),
        ("site", NOW + 9, Cursor::new(format!("{next}0"))),
        ("site", NOW + 9, Cursor::new("")),
    ] {
        let answer = store.due(site, before, Some(&cursor), 9).await;
        assert!(
            matches!(answer, Err(Error::InvalidCursor { .. })),
            "{cursor}: {answer:?}"
        );
    }
    for (before, limit, name) in [(NOW, 0, "limit"), (NOW, 1_001, "limit"), (-1, 1, "before_ms")] {
        let answer = store.due("site", before, None, limit).await;
        assert!(
            matches!(&answer, Err(Error::InvalidInput { field, .. }) if *field == name),
            "{answer:?}"
        );
    }
}

pub async fn spend_by_sums_each<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Draft).await.id;
    let of_page = NewSpend {
        page_id: Some(page),
        campaign: "spring 'n".to_owned(),
        ..cost(Some(5))
    };
    let costs = [of_page.clone(), cost(None)];
    store.record_spend(&op(0), &costs).await.unwrap();
    store.record_spend(&op(DAY), &costs[..1]).await.unwrap();
    store.record_spend(&op(DAY * 2), &costs).await.unwrap();
    let sums = async |site: Option<&str>, by: SpendBy| {
        let query = SpendQuery {
            site: site.map(str::to_owned),
            from_ms: NOW,
            until_ms: NOW + DAY * 2,
        };
        let sums = store.spend_by(&query, by).await.unwrap();
        let told = |sum: crate::SpendSum| {
            (
                sum.of,
                sum.totals.calls,
                sum.totals.cost_micros,
                sum.totals.unpriced_calls,
            )
        };
        sums.into_iter().map(told).collect::<Vec<_>>()
    };
    let sum = |of: &str, calls, micros, unpriced| (of.to_owned(), calls, micros, unpriced);
    assert_eq!(
        sums(None, SpendBy::Day).await,
        [sum("2026-09-21", 2, 5, 1), sum("2026-09-22", 1, 5, 0)]
    );
    assert_eq!(
        sums(None, SpendBy::Site).await,
        [sum("", 1, 0, 1), sum("site", 2, 10, 0)]
    );
    assert_eq!(
        sums(None, SpendBy::Campaign).await,
        [sum("", 1, 0, 1), sum("spring 'n", 2, 10, 0)]
    );
    assert_eq!(
        sums(Some("site"), SpendBy::Campaign).await,
        [sum("spring 'n", 2, 10, 0)]
    );
    assert_eq!(sums(Some("site"), SpendBy::Day).await.len(), 2);
    assert_eq!(sums(Some("nobody"), SpendBy::Site).await, []);
    let nul = NewSpend {
        campaign: "\0".to_owned(),
        ..cost(None)
    };
    let answer = store.record_spend(&op(0), &[nul]).await;
    assert!(
        matches!(answer, Err(Error::InvalidInput { field: "campaign", .. })),
        "{answer:?}"
    );
}

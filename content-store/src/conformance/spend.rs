use super::Harness;
use super::fixtures::*;
use crate::{Error, NewSpend, PrunePlan, SpendLedger, SpendQuery, SpendTotals, Status, Upkeep};

fn between(site: Option<&str>, from: i64, until: i64) -> SpendQuery {
    SpendQuery {
        site: site.map(str::to_owned),
        from_ms: NOW + from,
        until_ms: NOW + until,
    }
}

pub async fn record_spend_of_nothing_is_a_no_op<H: Harness>(h: &H) {
    h.store().record_spend(&op(0), &[]).await.unwrap();
    assert_eq!(
        h.store().spend(&between(None, 0, 9)).await.unwrap(),
        SpendTotals::default()
    );
}

pub async fn record_spend_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let op = op(0);
    store.lose_next();
    lost(store.record_spend(&op, &[cost(Some(5))]).await);
    store.record_spend(&op, &[cost(Some(5))]).await.unwrap();
    let plan = PrunePlan {
        before_ms: NOW + 1,
        limit: 9,
    };
    assert_eq!(store.prune(&plan).await.unwrap().ops, 1);
    store.record_spend(&op, &[cost(Some(5))]).await.unwrap();
    assert_eq!(store.spend(&between(None, 0, 9)).await.unwrap().cost_micros, 5);
}

pub async fn spend_sums_by_site_and_time<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Draft).await.id;
    let of_page = NewSpend {
        page_id: Some(page),
        output_tokens: Some(20),
        ..cost(Some(1 << 40))
    };
    store
        .record_spend(&op(0), &[of_page.clone(), cost(None)])
        .await
        .unwrap();
    store.record_spend(&op(10), &[of_page]).await.unwrap();
    let all = store.spend(&between(None, 0, 11)).await.unwrap();
    let expected = SpendTotals {
        calls: 3,
        input_tokens: 300,
        output_tokens: 40,
        cost_micros: 2 << 40,
        unpriced_calls: 1,
    };
    assert_eq!(all, expected);
    assert_eq!(
        store.spend(&between(Some("site"), 0, 10)).await.unwrap().calls,
        1,
        "the end is not included"
    );
    assert_eq!(store.spend(&between(Some("other"), 0, 11)).await.unwrap().calls, 0);
    let huge = NewSpend {
        input_tokens: Some(1 << 53),
        ..cost(None)
    };
    let answer = store.record_spend(&op(0), &[huge]).await;
    assert!(
        matches!(
            answer,
            Err(Error::InvalidInput {
                field: "input_tokens",
                ..
            })
        ),
        "{answer:?}"
    );
}

//! Figures, by hand: `cargo test --release --features sqlite --test it figures -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use presswork_content_store::{Claim, Content, NewPage, Op, Pages, SavePage, SqliteStore, Status};

fn topics(from: usize, n: usize) -> Vec<NewPage> {
    let one = |n: usize| NewPage {
        site: "site".to_owned(),
        locale: "en".to_owned(),
        slug: format!("page-{n}"),
        row_key: format!("row {n}"),
        primary_keyword: format!("keyword {n}"),
        topic: serde_json::json!({ "n": n, "name": "Zürich", "at": [47.37, 8.54], "note": "x".repeat(200) }),
    };
    (from..from + n).map(one).collect()
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

#[tokio::test]
#[ignore = "a measurement"]
async fn plan_100_000_rows() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("content.db")).unwrap();
    let start = Instant::now();
    for batch in 0..100 {
        store.plan(&Op::now(), &topics(batch * 1_000, 1_000)).await.unwrap();
        if [0, 9, 49, 99].contains(&batch) {
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "{:6} rows {seconds:6.2} s, resident {} kB",
                (batch + 1) * 1_000,
                resident_kb()
            );
        }
    }
    println!("plan: {:.0} rows/s", 100_000.0 / start.elapsed().as_secs_f64());
    let start = Instant::now();
    for batch in 0..100 {
        store.plan(&Op::now(), &topics(batch * 1_000, 1_000)).await.unwrap();
    }
    println!(
        "plan again, nothing changed: {:.0} rows/s",
        100_000.0 / start.elapsed().as_secs_f64()
    );
}

#[tokio::test]
#[ignore = "a measurement"]
async fn saves_with_1_and_16_writers() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("content.db")).unwrap();
    for batch in 0..10 {
        store.plan(&Op::now(), &topics(batch * 1_000, 1_000)).await.unwrap();
    }
    let claim = Claim {
        site: "site".to_owned(),
        owner: "writer".to_owned(),
        limit: 1_000,
        lease: Duration::from_secs(600),
        max_attempts: 9,
    };
    let save = SavePage {
        content: Content {
            body_html: "<p>word</p>".repeat(545),
            ..Content::default()
        }, // 6 kB
        to: Status::Published,
        outbox: Vec::new(),
        spend: Vec::new(),
    };
    for round in 0..3 {
        for writers in [1, 16] {
            let pages = store.claim(&Op::now(), &claim).await.unwrap();
            let start = Instant::now();
            let shares = pages.chunks(pages.len().div_ceil(writers)).map(async |share| {
                for page in share {
                    store.save(&Op::now(), &page.to_ref(), &save).await.unwrap();
                }
            });
            join_all(shares).await;
            let rate = pages.len() as f64 / start.elapsed().as_secs_f64();
            println!("round {round}: {writers:2} writers {rate:.0} saves/s");
        }
    }
}

/// Page 1,000 costs what page 1 costs. `CONTENT_STORE_ROWS=1000000` for the large table.
#[tokio::test]
async fn keyset_page_1_000_costs_what_page_1_costs() {
    const PAGE: u32 = 20;
    let rows = std::env::var("CONTENT_STORE_ROWS")
        .ok()
        .and_then(|rows| rows.parse().ok());
    let rows: usize = rows.unwrap_or(20_500).max(20_500);
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("content.db")).unwrap();
    for from in (0..rows).step_by(1_000) {
        let batch = topics(from, 1_000.min(rows - from));
        store.plan(&Op::now(), &batch).await.unwrap();
    }
    let query = presswork_content_store::PageQuery {
        site: "site".to_owned(),
        status: Some(Status::Planned),
    };
    let mut after = None;
    for _ in 1..1_000 {
        after = store.list(&query, after.as_ref(), PAGE).await.unwrap().next;
    }
    assert!(after.is_some(), "page 1,000 is there");
    // The fastest of many in turns: what else the machine does only makes them slower.
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..200 {
        for (fastest, after) in fastest.iter_mut().zip([None, after.as_ref()]) {
            let start = Instant::now();
            let list = store.list(&query, after, PAGE).await.unwrap();
            *fastest = start.elapsed().min(*fastest);
            assert_eq!(list.items.len(), 20);
        }
    }
    println!("{rows} rows: page 1 {:?}, page 1,000 {:?}", fastest[0], fastest[1]);
    assert!(fastest[1] < fastest[0] * 3, "{fastest:?}");
}

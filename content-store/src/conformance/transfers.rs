use std::collections::BTreeSet;

use super::fixtures::*;
use super::{Harness, a_life};
use crate::{
    Edit, Editing, Error, Mark, MemoryStore, NewPage, NewSpend, Pages, Record, SavePage, SpendLedger, Status, Transfer,
    copy, digest, migrations,
};

/// Every table has rows: a life, an edit, a redirect, a tombstone, a campaign.
async fn lived(store: &Store) {
    a_life(&**store).await;
    let page = store.get_by_slug("site", "en", "page-0").await.unwrap().unwrap();
    let edit = Edit {
        slug: Some("moved".to_owned()),
        title: Some("Ü \"by\" hand\n".to_owned()),
        ..Edit::default()
    };
    store.edit(&op(80_000), &page.to_ref(), &edit).await.unwrap();
    let other = saved(store, "other", Status::Published).await;
    store.delete(&op(80_001), &other.to_ref()).await.unwrap();
    let page = claimed(store, "fourth").await;
    let save = SavePage {
        outbox: vec![message(1)],
        ..save_to(Status::Draft)
    };
    store.save(&op(80_003), &page.to_ref(), &save).await.unwrap();
    let named = NewSpend {
        campaign: "spring".to_owned(),
        ..cost(Some(1))
    };
    store.record_spend(&op(80_002), &[named]).await.unwrap();
}

async fn everything(store: &Store, limit: u32) -> Vec<Record> {
    let (mut records, mut mark) = (Vec::new(), None);
    loop {
        let piece = store.export(mark.as_ref(), limit).await.unwrap();
        assert!(piece.records.len() <= limit as usize);
        records.extend(piece.records);
        mark = piece.next.map(|next| Mark::new(next.as_str().to_owned()));
        if mark.is_none() {
            return records;
        }
    }
}

pub async fn export_gives_every_row_once<H: Harness>(h: &H) {
    let store = h.store();
    assert_eq!(everything(&store, 10).await, []);
    lived(&store).await;
    let records = everything(&store, 1_000).await;
    assert_eq!(everything(&store, 1).await, records);
    assert_eq!(everything(&store, 3).await, records);
    let lines: Vec<_> = records.iter().map(Record::to_json).collect();
    assert_eq!(lines.iter().collect::<BTreeSet<_>>().len(), lines.len());
    for table in migrations::TABLES {
        assert!(
            lines.iter().any(|line| line.starts_with(&format!("{{\"{table}\":"))),
            "{table}"
        );
    }
    for (record, line) in records.iter().zip(&lines) {
        assert_eq!(Record::from_json(line).unwrap(), *record);
    }
    let told: u64 = digest(&store).await.unwrap().iter().map(|(_, rows, _)| rows).sum();
    assert_eq!(told, records.len() as u64);
}

pub async fn export_refuses_malformed_marks<H: Harness>(h: &H) {
    let store = h.store();
    for wrong in [
        "",
        "[]",
        r#"["sqlite_schema",null]"#,
        r#"["content_op; DROP TABLE outbox",["a"]]"#,
        r#"["content_op",[1]]"#,
        r#"["content_op",["a","b"]]"#,
        r#"["content_revision",["a","1"]]"#,
        r#"["content_revision",["a",1.5]]"#,
    ] {
        let answer = store.export(Some(&Mark::new(wrong)), 9).await;
        assert!(
            matches!(answer, Err(Error::InvalidCursor { .. })),
            "{wrong}: {answer:?}"
        );
    }
    let quotes = Mark::new(r#"["content_op",["' OR 1=1 --"]]"#);
    assert_eq!(store.export(Some(&quotes), 9).await.unwrap().records, []);
    for limit in [0, 1_001] {
        let answer = store.export(None, limit).await;
        assert!(
            matches!(answer, Err(Error::InvalidInput { field: "limit", .. })),
            "{answer:?}"
        );
    }
}

pub async fn import_makes_the_same_store<H: Harness>(h: &H) {
    let (from, to) = (h.store(), H::fresh().await);
    lived(&from).await;
    let plan = op(90_000);
    let more = [topic("third", 1), topic("third", 2)];
    from.plan(&plan, &more).await.unwrap();
    let claim = op(90_001);
    let held = from.claim(&claim, &claim_on("third", 1)).await.unwrap().remove(0);
    let to = to.store();
    let imported = copy(&from, &to, 7, None, &|_| {}).await.unwrap();
    assert_eq!(imported.known, 0);
    assert_eq!(digest(&to).await.unwrap(), digest(&from).await.unwrap());
    // By way of memory as well, as lines of JSON.
    let memory = MemoryStore::new();
    for record in everything(&from, 100).await {
        memory
            .import(&[Record::from_json(&record.to_json()).unwrap()])
            .await
            .unwrap();
    }
    assert_eq!(digest(&memory).await.unwrap(), digest(&from).await.unwrap());
    let third = H::fresh().await.store();
    copy(&memory, &third, 5, None, &|_| {}).await.unwrap();
    assert_eq!(digest(&third).await.unwrap(), digest(&from).await.unwrap());
    // What was done is known, what was held is held.
    for store in [&to as &dyn crate::ContentStore, &memory, &third] {
        assert_eq!(store.plan(&plan, &more).await.unwrap().created, 2);
        assert_eq!(
            store.claim(&claim, &claim_on("third", 1)).await.unwrap(),
            std::slice::from_ref(&held)
        );
        let next = store.claim(&op(90_002), &claim_on("third", 9)).await.unwrap();
        assert_eq!(next.len(), 1, "the first is leased");
        let saved = store
            .save(&op(90_003), &held.to_ref(), &save_to(Status::Published))
            .await
            .unwrap();
        assert_eq!(saved.version, held.version + 1);
        let answer = store
            .plan(
                &op(90_004),
                &[NewPage {
                    slug: "page-1".to_owned(),
                    ..topic("third", 9)
                }],
            )
            .await;
        assert!(
            matches!(answer, Err(Error::Conflict { field: "slug", .. })),
            "{answer:?}"
        );
        let redirect = store.redirect("site", "en", "page-0").await.unwrap();
        assert_eq!(redirect, Some(crate::Redirect::To("moved".to_owned())));
    }
}

pub async fn import_repeats<H: Harness>(h: &H) {
    let from = MemoryStore::new();
    from.plan(&op(0), &(0..5).map(|n| topic("site", n)).collect::<Vec<_>>())
        .await
        .unwrap();
    let store = losing(h);
    let records = from.export(None, 100).await.unwrap().records;
    assert_eq!(records.len(), 1, "the op");
    store.lose_next();
    lost(store.import(&records).await);
    let again = store.import(&records).await.unwrap();
    assert_eq!((again.written, again.known), (0, 1));
    assert_eq!(store.import(&[]).await.unwrap(), crate::Imported::default());
    // Broken off after some pieces, then from the beginning, then from a mark.
    let marks = std::sync::Mutex::new(Vec::new());
    let sum = copy(&from, &store, 2, None, &|mark| marks.lock().unwrap().push(mark.clone()))
        .await
        .unwrap();
    assert_eq!((sum.written, sum.known), (10, 1));
    let half = marks.into_inner().unwrap().swap_remove(3);
    let sum = copy(&from, &store, 2, Some(half), &|_| {}).await.unwrap();
    assert!(sum.written == 0 && sum.known < 11, "{sum:?}");
    assert_eq!(digest(&h.store()).await.unwrap(), digest(&from).await.unwrap());
}

pub async fn import_never_overwrites<H: Harness>(h: &H) {
    let store = h.store();
    let page = planned(&store, "site").await;
    let before = digest(&store).await.unwrap();
    let lines: Vec<_> = everything(&store, 100).await.iter().map(Record::to_json).collect();
    let of_page = lines.iter().find(|line| line.contains("content_metadata")).unwrap();
    let other_words = of_page.replace("keyword 1", "keyword 2");
    let other_page = of_page.replace(&page.id.to_string(), &crate::PageId::new().to_string());
    for line in [other_words, other_page] {
        assert_ne!(line, *of_page);
        let answer = store.import(&[Record::from_json(&line).unwrap()]).await;
        assert!(
            matches!(
                answer,
                Err(Error::RowDiffers {
                    table: "content_metadata",
                    ..
                })
            ),
            "{answer:?}"
        );
        assert_eq!(digest(&store).await.unwrap(), before);
    }
}

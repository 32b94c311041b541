use serde_json::json;

use super::Harness;
use super::fixtures::*;
use crate::{Error, NewPage, Pages, PlanReport, Status, limits};

pub async fn plan_creates_planned_pages<H: Harness>(h: &H) {
    let store = h.store();
    let report = store.plan(&op(0), &[topic("site", 1), topic("site", 2)]).await.unwrap();
    assert_eq!(
        report,
        PlanReport {
            created: 2,
            ..PlanReport::default()
        }
    );
    let page = store.get_by_slug("site", "en", "page-1").await.unwrap().unwrap();
    assert_eq!((page.status, page.version, page.attempts), (Status::Planned, 1, 0));
    assert_eq!(page.topic, topic("site", 1).topic);
    assert_eq!((page.created_at_ms, page.content), (NOW, None));
}

pub async fn plan_of_nothing_is_a_no_op<H: Harness>(h: &H) {
    let report = h.store().plan(&op(0), &[]).await.unwrap();
    assert_eq!(report, PlanReport::default());
}

pub async fn plan_leaves_an_unchanged_topic<H: Harness>(h: &H) {
    let store = h.store();
    let before = planned(&store, "site").await;
    let report = store.plan(&op(5), &[topic("site", 1)]).await.unwrap();
    assert_eq!(
        report,
        PlanReport {
            unchanged: 1,
            ..PlanReport::default()
        }
    );
    assert_eq!(store.get(&before.id).await.unwrap().unwrap(), before);
}

fn changed(site: &str) -> NewPage {
    NewPage {
        slug: "moved".to_owned(),
        topic: json!({ "new": true }),
        ..topic(site, 1)
    }
}

pub async fn plan_updates_a_page_not_yet_made<H: Harness>(h: &H) {
    let store = h.store();
    for (site, status) in [("a", Status::Planned), ("b", Status::Failed)] {
        let before = page_at(&store, site, status).await;
        let report = store.plan(&op(5), &[changed(site)]).await.unwrap();
        assert_eq!(
            report,
            PlanReport {
                updated: 1,
                ..PlanReport::default()
            },
            "{status}"
        );
        let page = store.get(&before.id).await.unwrap().unwrap();
        assert_eq!((page.slug.as_str(), &page.topic), ("moved", &json!({ "new": true })));
        assert_eq!((page.status, page.version), (status, before.version + 1));
        // The old slug is free again.
        let next = NewPage {
            row_key: "other".into(),
            primary_keyword: "other".into(),
            ..topic(site, 1)
        };
        assert_eq!(store.plan(&op(6), &[next]).await.unwrap().created, 1);
    }
}

pub async fn plan_never_touches_made_pages<H: Harness>(h: &H) {
    let store = h.store();
    for status in Status::ALL {
        if matches!(status, Status::Planned | Status::Failed) {
            continue;
        }
        let before = page_at(&store, status.as_str(), status).await;
        let report = store.plan(&op(5), &[changed(status.as_str())]).await.unwrap();
        assert_eq!(
            report,
            PlanReport {
                existing: 1,
                ..PlanReport::default()
            },
            "{status}"
        );
        assert_eq!(store.get(&before.id).await.unwrap().unwrap(), before, "{status}");
    }
}

pub async fn plan_refuses_a_taken_slug_or_keyword<H: Harness>(h: &H) {
    let store = h.store();
    planned(&store, "site").await;
    let slug = NewPage {
        slug: "page-1".to_owned(),
        ..topic("site", 7)
    };
    let keyword = NewPage {
        primary_keyword: "keyword 1".to_owned(),
        ..topic("site", 7)
    };
    for (wrong, name, held) in [(slug, "slug", "page-1"), (keyword, "primary_keyword", "keyword 1")] {
        let refused = op(0);
        match store.plan(&refused, &[topic("site", 5), wrong]).await {
            Err(Error::Conflict {
                field, value, row_key, ..
            }) => {
                assert_eq!((field, value.as_str(), row_key.as_str()), (name, held, "row 1"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(
            store.counts("site").await.unwrap().total(),
            1,
            "nothing of the batch is there"
        );
        assert!(!store.did_it_land(&refused.id).await.unwrap());
    }
}

pub async fn plan_refuses_doubles_in_one_batch<H: Harness>(h: &H) {
    let store = h.store();
    let first = topic("site", 1);
    for (second, name) in [
        (
            NewPage {
                row_key: first.row_key.clone(),
                ..topic("site", 2)
            },
            "row_key",
        ),
        (
            NewPage {
                slug: first.slug.clone(),
                ..topic("site", 2)
            },
            "slug",
        ),
        (
            NewPage {
                primary_keyword: first.primary_keyword.clone(),
                ..topic("site", 2)
            },
            "primary_keyword",
        ),
    ] {
        let answer = store.plan(&op(0), &[first.clone(), second]).await;
        assert!(
            matches!(&answer, Err(Error::Conflict { field, .. }) if *field == name),
            "{answer:?}"
        );
    }
    assert_eq!(store.counts("site").await.unwrap().total(), 0);
}

pub async fn plan_keeps_sites_and_locales_apart<H: Harness>(h: &H) {
    let german = NewPage {
        locale: "de".to_owned(),
        ..topic("site", 1)
    };
    let topics = [topic("site", 1), topic("other", 1), german];
    assert_eq!(h.store().plan(&op(0), &topics).await.unwrap().created, 3);
}

pub async fn plan_keeps_text_at_the_limit_and_refuses_one_past_it<H: Harness>(h: &H) {
    let store = h.store();
    let make = |extra: usize| NewPage {
        site: "site".to_owned(),
        locale: "en".to_owned(),
        slug: "s".repeat(limits::SLUG + extra),
        row_key: "r".repeat(limits::KEY + extra),
        primary_keyword: "k".repeat(limits::KEY + extra),
        // Two quotes make the JSON of a string.
        topic: json!("t".repeat(limits::TOPIC - 2 + extra)),
    };
    let (fits, past) = (make(0), make(1));
    store.plan(&op(0), std::slice::from_ref(&fits)).await.unwrap();
    let page = store.get_by_slug("site", "en", &fits.slug).await.unwrap().unwrap();
    assert_eq!(
        (page.row_key, page.primary_keyword, page.topic),
        (fits.row_key, fits.primary_keyword, fits.topic)
    );
    let base = || topic("site", 2);
    for past in [
        NewPage {
            slug: past.slug,
            ..base()
        },
        NewPage {
            row_key: past.row_key,
            ..base()
        },
        NewPage {
            primary_keyword: past.primary_keyword,
            ..base()
        },
        NewPage {
            topic: past.topic,
            ..base()
        },
    ] {
        let answer = store.plan(&op(0), &[past]).await;
        assert!(
            matches!(answer, Err(Error::TooLarge { limit, found, .. }) if found == limit + 1),
            "{answer:?}"
        );
    }
    let many: Vec<_> = (0..=limits::MAX_ROWS).map(|n| topic("many", n)).collect();
    assert!(matches!(
        store.plan(&op(0), &many).await,
        Err(Error::InvalidInput { field: "topics", .. })
    ));
    assert_eq!(
        store.plan(&op(0), &many[1..]).await.unwrap().created,
        limits::MAX_ROWS as u64
    );
}

pub async fn plan_refuses_bad_text<H: Harness>(h: &H) {
    let store = h.store();
    let base = || topic("site", 1);
    for (wrong, name) in [
        (
            NewPage {
                row_key: "a\0b".into(),
                ..base()
            },
            "row_key",
        ),
        (
            NewPage {
                row_key: String::new(),
                ..base()
            },
            "row_key",
        ),
        // An a with a combining ring: the same letter as U+00E5, and another key.
        (
            NewPage {
                primary_keyword: "a\u{30a}".into(),
                ..base()
            },
            "primary_keyword",
        ),
        (
            NewPage {
                site: "a\nb".into(),
                ..base()
            },
            "site",
        ),
        (
            NewPage {
                locale: String::new(),
                ..base()
            },
            "locale",
        ),
        (
            NewPage {
                slug: "Page".into(),
                ..base()
            },
            "slug",
        ),
        (
            NewPage {
                slug: "a--b".into(),
                ..base()
            },
            "slug",
        ),
        (
            NewPage {
                slug: String::new(),
                ..base()
            },
            "slug",
        ),
    ] {
        let answer = store.plan(&op(0), &[wrong]).await;
        assert!(
            matches!(&answer, Err(Error::InvalidInput { field, .. }) if *field == name),
            "{answer:?}"
        );
    }
    for at_ms in [-1, limits::NUMBER + 1] {
        let answer = store.plan(&crate::Op::at(at_ms), &[base()]).await;
        assert!(
            matches!(answer, Err(Error::InvalidInput { field: "op time", .. })),
            "{answer:?}"
        );
    }
    assert_eq!(store.counts("site").await.unwrap().total(), 0);
}

pub async fn plan_keeps_metacharacters_as_text<H: Harness>(h: &H) {
    let store = h.store();
    let wild = [
        "'; DROP TABLE content_metadata; --",
        "\" OR 1=1",
        "?1 $1 :name @x %s {0}",
        "back\\slash 100% _under_",
        "日本語 🏳️‍🌈 مرحبا ẞ",
        "[\"json\", {\"a\": null}]",
    ];
    for (n, text) in wild.into_iter().enumerate() {
        let new = NewPage {
            site: text.to_owned(),
            locale: text.to_owned(),
            row_key: text.to_owned(),
            primary_keyword: text.to_owned(),
            topic: json!({ text: text, "control": "\u{0}\u{1}\n", "float": 0.1, "big": 9_007_199_254_740_993_u64 }),
            ..topic("", n)
        };
        store.plan(&op(0), std::slice::from_ref(&new)).await.unwrap();
        let page = store.get_by_slug(text, text, &new.slug).await.unwrap().unwrap();
        assert_eq!((page.row_key.as_str(), &page.topic), (text, &new.topic));
        assert_eq!(store.counts(text).await.unwrap().total(), 1);
    }
}

pub async fn plan_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let (op, topics) = (op(0), [topic("site", 1), topic("site", 2)]);
    store.lose_next();
    lost(store.plan(&op, &topics).await);
    let before = store.get_by_slug("site", "en", "page-1").await.unwrap();
    assert_eq!(store.plan(&op, &topics).await.unwrap().created, 2, "the first report");
    assert_eq!(store.get_by_slug("site", "en", "page-1").await.unwrap(), before);
    assert_eq!(store.counts("site").await.unwrap().total(), 2);
    let other = store.plan(&op, &[topic("site", 3)]).await;
    assert!(matches!(other, Err(Error::OpReused { .. })), "{other:?}");
}

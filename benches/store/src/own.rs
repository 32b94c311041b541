use std::{path::Path, sync::Arc, time::Duration};

use meter::Meter;
use presswork_content_store::{Claim, NewPage, Op, Pages, SqliteStore};

use crate::{database, refs, save as saved, topic};

/// Plans and claims `n` pages, and publishes the first so that there is one to read.
pub async fn prepare(folder: &Path, n: usize) {
    let store = SqliteStore::open(database(folder)).unwrap();
    let claim = Claim {
        site: "almanac".to_owned(),
        owner: "bench".to_owned(),
        limit: 100,
        lease: Duration::from_secs(3600),
        max_attempts: 3,
    };
    let mut lines = String::new();
    for from in (0..n).step_by(100) {
        let topics: Vec<_> = (from..n.min(from + 100)).map(|at| planned("almanac", at)).collect();
        store.plan(&Op::now(), &topics).await.unwrap();
        for page in store.claim(&Op::now(), &claim).await.unwrap() {
            lines += &format!("{} {}\n", page.id, page.version);
        }
    }
    std::fs::write(folder.join("pages.txt"), lines).unwrap();
    println!("{{}}");
}

pub fn planned(site: &str, at: usize) -> NewPage {
    NewPage {
        site: site.to_owned(),
        locale: "en".to_owned(),
        slug: format!("time-in-rome-{at}"),
        row_key: format!("Europe/Rome/{at}"),
        primary_keyword: format!("time in rome {at}"),
        topic: topic(),
    }
}

/// Each page once, by `writers` at a time.
pub async fn save(folder: &Path, n: usize, writers: usize) {
    let store = Arc::new(SqliteStore::open(database(folder)).unwrap());
    let pages: Vec<_> = refs(folder).into_iter().take(n).collect();
    assert_eq!(pages.len(), n);
    let save = Arc::new(saved());
    let meter = Meter::start();
    if writers == 1 {
        for page in &pages {
            store.save(&Op::now(), page, &save).await.unwrap();
        }
    } else {
        let share = |writer: usize| pages.iter().copied().skip(writer).step_by(writers).collect::<Vec<_>>();
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let (store, save, share) = (Arc::clone(&store), Arc::clone(&save), share(writer));
                tokio::spawn(async move {
                    for page in share {
                        store.save(&Op::now(), &page, &save).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
    meter.per(n as u64).print();
}

pub async fn get(folder: &Path, n: usize) {
    let store = SqliteStore::open(database(folder)).unwrap();
    let page = refs(folder)[0];
    store.save(&Op::now(), &page, &saved()).await.unwrap();
    let meter = Meter::start();
    for _ in 0..n {
        let page = store.get(&page.id).await.unwrap().unwrap();
        assert!(page.content.unwrap().body_html.len() > 5900);
    }
    meter.per(n as u64).print();
}

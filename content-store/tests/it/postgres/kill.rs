//! The server is killed in mid-write: what was committed is there, what was not is there whole or not at all, and the
//! database opens again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use presswork_content_store::{
    Claim, Content, Error, NewOutbox, NewPage, Op, Outbox, Page, Pages, PostgresStore, SavePage, Status,
};

use super::server::Server;

/// `CONTENT_STORE_KILLS=50` for the long run.
fn rounds() -> usize {
    std::env::var("CONTENT_STORE_KILLS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(3)
}

fn topic(name: &str) -> NewPage {
    NewPage {
        site: "site".to_owned(),
        locale: "en".to_owned(),
        slug: name.to_owned(),
        row_key: name.to_owned(),
        primary_keyword: name.to_owned(),
        topic: name.into(),
    }
}

fn save(page: &Page) -> SavePage {
    SavePage {
        content: Content {
            body_html: page.slug.repeat(200),
            ..Content::default()
        },
        to: Status::Published,
        outbox: vec![NewOutbox {
            topic: "pages".to_owned(),
            payload: page.id.to_string().into(),
        }],
        spend: Vec::new(),
    }
}

/// Saves pages until the server is gone. Gives what was acknowledged, and the one whose answer was lost with its op.
async fn write(store: &PostgresStore, pages: Vec<Page>, gone: &AtomicBool) -> (Vec<Page>, Option<(Op, Page)>) {
    let mut saved = Vec::new();
    for page in pages {
        let op = Op::now();
        match store.save(&op, &page.to_ref(), &save(&page)).await {
            Ok(_) => saved.push(page),
            Err(error) => {
                assert!(gone.load(Ordering::SeqCst), "{error:?}");
                assert!(error.is_retryable(), "{error:?}");
                let lost = matches!(error, Error::OutcomeUnknown { .. });
                return (saved, lost.then_some((op, page)));
            }
        }
    }
    (saved, None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_committed_survives_the_server() {
    let Some(mut server) = Server::start(&[]).await else {
        return;
    };
    let url = server.url("");
    let store = PostgresStore::builder(&url)
        .deadline(Duration::from_secs(20))
        .connect()
        .await
        .unwrap();
    let store = Arc::new(store);
    let (mut written, mut unknown) = (0, 0);
    for round in 0..rounds() {
        let topics: Vec<_> = (0..400).map(|n| topic(&format!("r{round}-{n}"))).collect();
        store.plan(&Op::now(), &topics).await.unwrap();
        let claim = Claim {
            site: "site".to_owned(),
            owner: "writer".to_owned(),
            limit: 400,
            lease: Duration::from_secs(3_600),
            max_attempts: 9,
        };
        let pages = store.claim(&Op::now(), &claim).await.unwrap();
        let gone = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = pages
            .chunks(50)
            .map(|share| {
                let (store, gone, share) = (Arc::clone(&store), Arc::clone(&gone), share.to_vec());
                tokio::spawn(async move { write(&store, share, &gone).await })
            })
            .collect();
        // In the midst of the writing, at another moment every round.
        let enough = (written + 5 + (round * 13) % 60) as u64;
        while store.counts("site").await.unwrap().get(Status::Published) < enough {}
        gone.store(true, Ordering::SeqCst);
        server.kill();
        let ended = join_all(writers).await;
        server.run().await;

        let mut saved = Vec::new();
        let mut lost = Vec::new();
        for one in ended {
            let (pages, open) = one.unwrap();
            saved.extend(pages);
            lost.extend(open);
        }
        for page in &saved {
            let found = store.get(&page.id).await.unwrap().unwrap();
            assert_eq!(found.status, Status::Published, "{} was acknowledged", page.slug);
        }
        for (op, page) in &lost {
            let landed = store.did_it_land(&op.id).await.unwrap();
            let found = store.get(&page.id).await.unwrap().unwrap();
            assert_eq!(found.status == Status::Published, landed, "whole or not at all");
            // The same op again settles it either way, once.
            let again = store.save(op, &page.to_ref(), &save(page)).await.unwrap();
            assert_eq!((again.status, again.version), (Status::Published, page.version + 1));
        }
        unknown += lost.len();
        let published = store.counts("site").await.unwrap().get(Status::Published);
        assert_eq!(published, (written + saved.len() + lost.len()) as u64);
        assert_eq!(
            store.outbox_counts().await.unwrap().pending,
            published,
            "page and message stand together"
        );
        written += saved.len() + lost.len();
    }
    println!("{} rounds: {written} pages, {unknown} answers lost", rounds());
}

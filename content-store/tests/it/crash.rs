//! The process is killed in mid-write: what was acknowledged is there, what was not is there whole or not at all.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use presswork_content_store::{
    Claim, Content, ContentStore, NewOutbox, NewPage, Op, Outbox, Pages, SavePage, SqliteStore, Status,
};

const FILE: &str = "CONTENT_STORE_CRASH_FILE";
const ROUND: &str = "CONTENT_STORE_CRASH_ROUND";

/// `CONTENT_STORE_KILLS=50` for the long run.
fn rounds() -> usize {
    let rounds = std::env::var("CONTENT_STORE_KILLS").ok();
    rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(20)
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content.db");
    let mut acknowledged = Vec::new();
    for round in 0..rounds() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::writes_until_killed", "--nocapture"])
            .env(FILE, &path)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let mut slugs = lines
            .by_ref()
            .filter_map(|line| Some(line.split_once("saved ")?.1.to_owned()));
        // Another moment every round.
        let first: Vec<String> = slugs.by_ref().take(1 + (round * 7) % 40).collect();
        child.kill().unwrap();
        acknowledged.extend(first);
        acknowledged.extend(slugs);
        child.wait().unwrap();

        let store = SqliteStore::open(&path).unwrap();
        for slug in &acknowledged {
            let page = store.get_by_slug("site", "en", slug).await.unwrap().unwrap();
            assert_eq!(page.status, Status::Published, "{slug}");
            assert!(page.content.unwrap().body_html.contains(slug.as_str()));
            assert_eq!(store.revisions(&page.id).await.unwrap().len() as u64, page.version);
        }
        let published = store.counts("site").await.unwrap().get(Status::Published);
        assert_eq!(
            store.outbox_counts().await.unwrap().pending,
            published,
            "page and message stand together"
        );
    }
    assert!(acknowledged.len() >= rounds(), "{}", acknowledged.len());
}

/// The child of the test above; by itself it does nothing.
#[tokio::test]
async fn writes_until_killed() {
    let Ok(path) = std::env::var(FILE) else {
        return;
    };
    let round: usize = std::env::var(ROUND).unwrap().parse().unwrap();
    let store = SqliteStore::open(path).unwrap();
    let topics: Vec<_> = (0..1_000).map(|n| topic(&format!("r{round}-{n}"))).collect();
    store.plan(&Op::now(), &topics).await.unwrap();
    loop {
        join_all((0..8).map(|_| write_one(&store))).await;
    }
}

async fn write_one(store: &dyn ContentStore) {
    let claim = Claim {
        site: "site".to_owned(),
        owner: "writer".to_owned(),
        limit: 1,
        lease: Duration::from_secs(60),
        max_attempts: 100,
    };
    for page in store.claim(&Op::now(), &claim).await.unwrap() {
        let save = SavePage {
            content: Content {
                body_html: page.slug.repeat(500),
                ..Content::default()
            },
            to: Status::Published,
            outbox: vec![NewOutbox {
                topic: "pages".to_owned(),
                payload: page.id.to_string().into(),
            }],
            spend: Vec::new(),
        };
        store.save(&Op::now(), &page.to_ref(), &save).await.unwrap();
        println!("saved {}", page.slug);
    }
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

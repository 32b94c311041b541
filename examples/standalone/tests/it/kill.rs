//! `kill -9` at random moments, fifty times in a row: one page per topic, one post per page.

use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use crate::support::{Folder, small_site, some};

const TOPICS: usize = 300;
const KILLS: u32 = 50;

#[test]
fn fifty_kills_lose_nothing_and_double_nothing() {
    let folder = Folder::new();
    small_site(&folder, TOPICS);
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let mut random = seed | 1;
    let mut interrupted = 0;
    for _ in 0..KILLS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut child = folder
            .command(&[])
            .env("PRESSWORK_PAGES_PER_RUN", "20")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(5 + random % 250));
        interrupted += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(
        interrupted > KILLS / 4,
        "only {interrupted} of {KILLS} kills met a running program; the test proves little"
    );

    let ran = folder.run(&["--json", "run", "--pages", "1000"]).expect(0);
    let status = folder.json(&["status"]);
    assert_eq!(
        some(&status["pages"]),
        serde_json::json!({ "published": TOPICS }),
        "{}{status}",
        ran.out
    );
    assert_eq!(
        some(&status["posts"]),
        serde_json::json!({ "posted": TOPICS }),
        "{status}"
    );
    assert_eq!(
        (&status["outbox_waiting"], &status["dead_letters"]),
        (&0.into(), &0.into()),
        "{status}"
    );
    assert_eq!(folder.site().len(), TOPICS);
    let posts = folder.posts();
    assert_eq!(posts.len(), TOPICS);
    assert!(
        posts.values().all(|count| *count == 1),
        "posted more than once: {posts:?}"
    );
}

/// What a process leaves that is killed between the ledger's word that a post is on its way and the post itself.
#[test]
fn a_post_that_never_left_is_made_by_the_next_run_and_nothing_is_left_to_do() {
    let folder = Folder::new();
    small_site(&folder, 1);
    folder.run(&[]).expect(0);
    let database = Connection::open(folder.path("presswork-data/content.db")).unwrap();
    let changed = database.execute(
        "UPDATE post_ledger SET status = 'in_flight', remote_id = NULL, remote_url = NULL, posted_at_ms = NULL, \
         claim_owner = 'killed', claim_until_ms = 1, in_flight_at_ms = 1",
        [],
    );
    assert_eq!(changed.unwrap(), 1);
    let reset = database.execute("UPDATE outbox SET status = 'pending', id = id || '-again'", []);
    assert_eq!(reset.unwrap(), 1);
    drop(database);
    folder.write("presswork-data/posts.jsonl", "");

    let ran = folder.run(&["--json", "run"]).expect(0);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&report["posts"]["acknowledged"], &report["posts"]["later"]),
        (&1.into(), &0.into())
    );
    assert_eq!(folder.posts().values().copied().collect::<Vec<_>>(), [1]);
}

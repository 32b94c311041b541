//! A post that nobody could tell about, and a person who can.

use std::time::Duration;

use presswork_queue::{Consumer as _, Message, Outcome, Queue as _, Settle as _, Settlement, SqliteQueue};
use rusqlite::Connection;
use serde_json::json;

use crate::support::{Folder, small_site, some};

/// A published page whose post is parked, and its message among the dead letters, as a network leaves them that answers
/// neither yes nor no.
fn parked() -> Folder {
    let folder = Folder::new();
    small_site(&folder, 1);
    folder.run(&[]).expect(0);
    let database = Connection::open(folder.path("presswork-data/content.db")).unwrap();
    let changed = database
        .execute(
            "UPDATE post_ledger SET status = 'parked', remote_id = NULL, remote_url = NULL, posted_at_ms = NULL",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    let id: String = database
        .query_row("SELECT page_id FROM post_ledger", [], |row| row.get(0))
        .unwrap();
    let queue = SqliteQueue::builder(folder.path("presswork-data/queue.db"))
        .name("posts")
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        queue
            .send(&Message::json(&json!({ "page_id": id })).unwrap())
            .await
            .unwrap();
        queue
            .send(&Message::json(&json!({ "page_id": "of another page" })).unwrap())
            .await
            .unwrap();
        for delivery in queue.receive(2, Duration::ZERO).await.unwrap() {
            let dead = Settlement::new(delivery.lease().clone(), Outcome::dead_letter("nobody can tell"));
            queue.settle(&[dead]).await.unwrap();
        }
    });
    folder
}

#[test]
fn an_absent_post_is_posted_by_the_next_run() {
    let folder = parked();
    let listed = folder.run(&["posts", "--status", "parked"]).expect(0);
    assert!(
        listed.out.contains("slug-0") && listed.out.contains("presswork resolve"),
        "{}",
        listed.out
    );

    let resolved = folder.json(&["resolve", "slug-0", "--absent"]);
    assert_eq!(
        (&resolved["status"], &resolved["messages"]),
        (&json!("retry"), &json!(1)),
        "{resolved}"
    );
    let status = folder.json(&["status"]);
    assert_eq!(
        (&status["queue_ready"], &status["dead_letters"]),
        (&json!(1), &json!(1)),
        "{status}"
    );

    folder.run(&["run"]).expect(0);
    assert_eq!(some(&folder.json(&["status"])["posts"]), json!({ "posted": 1 }));
}

#[test]
fn a_post_that_is_there_is_recorded_and_not_made_again() {
    let folder = parked();
    let before = folder.posts();
    let url = "https://m.example/@me/110042";
    folder.run(&["resolve", "slug-0", "--posted", url]).expect(0);
    folder.run(&["run"]).expect(0);
    assert_eq!(folder.posts(), before);
    let posts = folder.json(&["posts"]);
    assert_eq!(
        (
            &posts[0]["status"],
            &posts[0]["url"],
            &posts[0]["remote_id"],
            &posts[0]["slug"]
        ),
        (&json!("posted"), &json!(url), &json!("110042"), &json!("slug-0"))
    );
    folder
        .run(&["resolve", "slug-0", "--absent"])
        .expect(1)
        .says(&["slug-0", "has no parked post"]);
}

#[test]
fn an_answer_is_needed_and_only_one() {
    let folder = parked();
    folder
        .run(&["resolve", "slug-0"])
        .expect(2)
        .says(&["--posted", "--absent"]);
    folder
        .run(&["resolve", "slug-0", "--posted", "x", "--absent"])
        .expect(2);
    folder
        .run(&["resolve", "nowhere", "--absent"])
        .expect(1)
        .says(&["no page \"nowhere\""]);
    folder
        .run(&["resolve", "slug-0", "--target", "mastodon", "--absent"])
        .expect(1)
        .says(&["has no parked post"]);
}

//! Pages that wait for a person, and what is given another chance.

use crate::support::{Folder, SETTINGS, small_site, some};

fn waiting(count: usize) -> Folder {
    let folder = Folder::new();
    small_site(&folder, count);
    folder.write(
        "presswork.toml",
        SETTINGS.replace("[gates]", "[generator]\nreview = true\n\n[gates]"),
    );
    let cycle = folder.json(&[]);
    assert_eq!(
        (&cycle["pages"]["in_review"], &cycle["pages"]["published"]),
        (&count.into(), &0.into()),
        "{cycle}"
    );
    folder
}

#[test]
fn nothing_is_public_or_posted_before_a_person_approves() {
    let folder = waiting(3);
    assert_eq!((folder.site().len(), folder.posts().len()), (0, 0));
    assert!(folder.run(&["review"]).expect(0).out.contains("slug-1"));

    assert_eq!(
        folder.run(&["review", "approve", "slug-1"]).expect(0).out,
        "1 page published\n"
    );
    assert_eq!(
        folder
            .run(&["review", "reject", "slug-2", "--reason", "dull"])
            .expect(0)
            .out,
        "1 page rejected\n"
    );
    folder.run(&["run"]).expect(0);
    assert_eq!((folder.site(), folder.posts().len()), (vec!["slug-1".to_owned()], 1));

    folder.run(&["review", "approve", "--all"]).expect(0);
    folder.run(&["run"]).expect(0);
    assert_eq!(folder.posts().len(), 2);
}

#[test]
fn one_wrong_slug_changes_nothing() {
    let folder = waiting(2);
    folder
        .run(&["review", "approve", "slug-0", "slug-9"])
        .expect(1)
        .says(&["no page \"slug-9\""]);
    assert_eq!(
        some(&folder.json(&["status"])["pages"]),
        serde_json::json!({ "in_review": 2 })
    );
    folder.run(&["review", "reject", "slug-0"]).expect(0);
    folder
        .run(&["review", "approve", "slug-0"])
        .expect(1)
        .says(&["rejected, not in review"]);
}

#[test]
fn failed_topics_are_drafted_again_after_a_redrive() {
    let folder = Folder::new();
    small_site(&folder, 2);
    let once = "[generator]\nmax_attempts = 1\n\n[gates]\ntitle_min = 60\n";
    folder.write("presswork.toml", SETTINGS.replace("[gates]\n", once));
    let ran = folder.run(&[]).expect(3);
    assert!(ran.out.contains("expected 60 to 65"), "{}", ran.out);
    assert_eq!(
        some(&folder.json(&["status"])["pages"]),
        serde_json::json!({ "failed": 2 })
    );

    folder.write("presswork.toml", SETTINGS);
    assert_eq!(folder.json(&["redrive", "--dry-run"])["topics"], 2);
    assert_eq!(
        some(&folder.json(&["status"])["pages"]),
        serde_json::json!({ "failed": 2 })
    );
    let out = folder.run(&["redrive"]).expect(0).out;
    assert_eq!(out, "2 topics planned again, 0 posts reopened, 0 messages put back\n");
    folder.run(&["run"]).expect(0);
    assert_eq!(folder.posts().len(), 2);
}

#[test]
fn a_slug_twice_is_one_page_and_the_site_is_written_at_once() {
    let folder = waiting(1);
    let out = folder.run(&["review", "approve", "slug-0", "slug-0"]).expect(0).out;
    assert_eq!(out, "1 page published\n");
    assert_eq!(folder.site(), ["slug-0"]);
}

#[test]
fn one_page_that_fails_does_not_hold_back_the_others() {
    let folder = waiting(3);
    let other = rusqlite::Connection::open(folder.path("presswork-data/content.db")).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE UPDATE ON content_metadata WHEN NEW.slug = 'slug-1'
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .unwrap();
    folder
        .run(&["review", "approve", "slug-0", "slug-1", "slug-2"])
        .expect(1)
        .says(&["slug-1: ", "2 of 3 published"]);
    let status = folder.json(&["status"]);
    assert_eq!(
        (&status["queue_ready"], &status["outbox_waiting"]),
        (&2.into(), &0.into())
    );
    assert_eq!(folder.site().len(), 2);
}

#[test]
fn a_reader_that_has_enough_does_not_hide_a_failure() {
    let folder = Folder::new();
    small_site(&folder, 2);
    let strict = SETTINGS.replace("[gates]", "[gates]\ntitle_min = 60");
    folder.write("presswork.toml", strict);
    let mut child = folder
        .command(&[])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

//! The first command of the README.

use crate::support::{Folder, small_site, some};

#[test]
fn the_first_run_needs_nothing_and_says_what_to_do_next() {
    let folder = Folder::new();
    let ran = folder.run(&[]).expect(0);
    for word in [
        "Topics",
        "312 new, 287 left",
        "25 published",
        "all passed",
        "25 pages posted",
        "Cost",
        "Time",
        "Look at",
        "Next",
    ] {
        assert!(ran.out.contains(word), "{word:?} is not in:\n{}", ran.out);
    }
    assert_eq!(ran.err, "", "no bar and no log when nobody looks at a terminal");
    assert_eq!(folder.site().len(), 25);
    assert_eq!(folder.posts().len(), 25);
    assert!(
        folder
            .read("presswork-data/site/index.html")
            .contains("<h1>Time Zone Almanac</h1>")
    );
    assert!(folder.read("presswork-data/site/sitemap.xml").contains("<loc>"));
}

#[test]
fn a_second_run_makes_the_next_pages_and_doubles_nothing() {
    let folder = Folder::new();
    folder.run(&[]).expect(0);
    let second = folder.json(&[]);
    assert_eq!(
        (&second["pages"]["published"], &second["imported"]["created"]),
        (&25.into(), &0.into()),
        "{second}"
    );
    assert_eq!(folder.site().len(), 50);
    let posts = folder.posts();
    assert_eq!(posts.len(), 50);
    assert!(posts.values().all(|count| *count == 1), "{posts:?}");
}

#[test]
fn the_whole_sample_passes_its_gates() {
    let folder = Folder::new();
    folder.run(&[]).expect(0);
    let rest = folder.json(&["run", "--pages", "1000"]);
    assert_eq!(
        (&rest["pages"]["published"], &rest["pages"]["problems"]),
        (&287.into(), &serde_json::json!([])),
        "{rest}"
    );
    assert_eq!(folder.posts().len(), 312);
    assert_eq!(folder.json(&[])["pages"]["published"], 0);
}

#[test]
fn status_and_posts_tell_people_and_machines_the_same() {
    let folder = Folder::new();
    small_site(&folder, 3);
    folder.run(&[]).expect(0);
    let status = folder.json(&["status"]);
    assert_eq!(some(&status["pages"]), serde_json::json!({ "published": 3 }));
    assert_eq!(some(&status["posts"]), serde_json::json!({ "posted": 3 }));
    assert_eq!(
        (&status["pages"]["failed"], &status["queue_ready"]),
        (&0.into(), &0.into())
    );
    assert!(folder.run(&["status"]).expect(0).out.contains("3 published"));

    assert_eq!(folder.json(&["posts"]).as_array().unwrap().len(), 3);
    let table = folder.run(&["posts", "--limit", "2"]).expect(0).out;
    assert_eq!(table.lines().count(), 3, "{table}");
    let newest = folder.json(&["posts", "--limit", "1"]);
    assert_eq!(newest[0], folder.json(&["posts"])[2]);
    folder.run(&["posts", "--limit", "0"]).expect(2);
    folder
        .run(&["posts", "--status", "sent"])
        .expect(2)
        .says(&["--status", "posted"]);
}

#[test]
fn a_topic_whose_facts_change_before_it_is_drafted_uses_the_new_facts() {
    let folder = Folder::new();
    small_site(&folder, 2);
    folder.run(&["import", "topics.csv"]).expect(0);
    let changed = folder.read("topics.csv").replace("1 facts", "eleven facts");
    folder.write("topics.csv", changed);
    let out = folder.run(&["import", "topics.csv"]).expect(0).out;
    assert_eq!(out, "0 topics planned, 1 updated, 1 there already\n");
    folder.run(&["run"]).expect(0);
    assert!(
        folder
            .read("presswork-data/site/slug-1/index.html")
            .contains("eleven facts")
    );
}

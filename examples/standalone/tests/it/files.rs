//! Where files are, whose they are, and when they are written again.

use std::process::Stdio;

use crate::support::{Folder, SETTINGS, small_site};

#[test]
fn paths_of_the_file_are_beside_it_and_those_of_flags_are_not() {
    let folder = Folder::new();
    small_site(&folder, 1);
    for name in ["topics.csv", "templates.toml"] {
        folder.write(&format!("there/{name}"), folder.read(name));
    }
    let target = "[[target]]\nkind = \"outbox\"\npath = \"mine.jsonl\"\n";
    folder.write(
        "there/presswork.toml",
        format!("store = \"sqlite:pages.db\"\nqueue = \"sqlite:messages.db\"\n{SETTINGS}\n{target}"),
    );
    folder.run(&["--config", "there/presswork.toml"]).expect(0);
    for name in [
        "pages.db",
        "messages.db",
        "mine.jsonl",
        "presswork-data/site/slug-0/index.html",
    ] {
        assert!(folder.path("there").join(name).exists(), "{name}");
    }
    assert!(!folder.path("presswork-data").exists() && !folder.path("pages.db").exists());
    folder
        .run_with(
            "PRESSWORK_STORE",
            "sqlite:here.db",
            &["--config", "there/presswork.toml", "--data", "here"],
        )
        .expect(0);
    assert!(folder.path("here/site").exists() && folder.path("here.db").exists());
}

#[test]
fn looking_at_nothing_makes_nothing() {
    let folder = Folder::new();
    for args in [&["status"][..], &["posts"], &["review"], &["redrive"]] {
        folder
            .run(args)
            .expect(2)
            .says(&["there is no data folder presswork-data"]);
    }
    assert!(!folder.path("presswork-data").exists());
}

#[test]
fn every_page_is_written_again_when_the_site_is_another() {
    let folder = Folder::new();
    small_site(&folder, 2);
    folder.run(&[]).expect(0);
    let page = "presswork-data/site/slug-0/index.html";
    folder.write("presswork.toml", SETTINGS.replace("\"Small\"", "\"Renamed\""));
    folder.run(&[]).expect(0);
    assert!(folder.read(page).contains("Renamed"), "{}", folder.read(page));
    // And only then.
    folder.write(page, "touched");
    folder.run(&[]).expect(0);
    assert_eq!(folder.read(page), "touched");
}

#[test]
fn one_file_under_two_names_is_one_lock() {
    let folder = Folder::new();
    small_site(&folder, 1);
    let settings = folder.read("presswork.toml");
    folder.write(
        "presswork.toml",
        format!("store = \"sqlite:one.db\"\nqueue = \"sqlite:./one.db\"\n{settings}"),
    );
    folder.run(&[]).expect(0);

    std::os::unix::fs::symlink(folder.path("one.db"), folder.path("link.db")).unwrap();
    let mut first = folder
        .command(&["serve", "--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Read::read_exact(first.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    let second = folder.run_with("PRESSWORK_STORE", "sqlite:link.db", &["--data", "two"]);
    first.kill().unwrap();
    first.wait().unwrap();
    second.expect(4).says(&["one.db.lock"]);
}

#[test]
fn an_error_is_a_document_too() {
    let folder = Folder::new();
    for args in [&["status", "--json"][..], &["posts", "--limit", "0", "--json"]] {
        let ran = folder.run(args).expect(2);
        let document: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(document["exit"], 2);
        let error = document["error"].as_str().unwrap();
        assert!(!error.is_empty() && ran.err.contains(error), "{error}: {}", ran.err);
    }
}

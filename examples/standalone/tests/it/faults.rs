//! Disks and files that do not cooperate: a clear error, and nothing lost.

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;

use crate::support::{Folder, small_site, some};

#[test]
fn a_second_instance_on_the_same_data_is_refused() {
    let folder = Folder::new();
    small_site(&folder, 3);
    let mut first = folder
        .command(&["serve", "--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut byte = [0];
    first.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
    folder
        .run(&[])
        .expect(4)
        .says(&["another presswork works here", "presswork-data", "--data"]);
    // Looking is allowed.
    folder.run(&["status"]).expect(0);
    first.kill().unwrap();
    first.wait().unwrap();
    folder.run(&[]).expect(0);
    assert_eq!(folder.posts().len(), 3);
}

#[test]
fn two_data_folders_with_one_database_are_one_instance() {
    let folder = Folder::new();
    small_site(&folder, 3);
    folder.write(
        "presswork.toml",
        "store = \"sqlite:shared.db\"\n".to_owned() + &folder.read("presswork.toml"),
    );
    let mut first = folder
        .command(&["serve", "--data", "one", "--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut byte = [0];
    first.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
    folder
        .run(&["--data", "two"])
        .expect(4)
        .says(&["another presswork works here", "shared.db.lock"]);
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn a_database_that_is_no_database_is_named_and_left_alone() {
    for name in ["content.db", "queue.db"] {
        let folder = Folder::new();
        small_site(&folder, 1);
        let file = format!("presswork-data/{name}");
        folder.write(
            &file,
            "this is not a database, it is a letter to my aunt, and it is long enough to be read",
        );
        let before = folder.read(&file);
        folder.run(&[]).expect(1).says(&[name, "not a"]);
        assert_eq!(folder.read(&file), before);
    }
}

#[test]
fn a_torn_database_is_named() {
    let folder = Folder::new();
    small_site(&folder, 50);
    folder.run(&["import", "topics.csv"]).expect(0);
    let path = folder.path("presswork-data/content.db");
    let mut bytes = fs::read(&path).unwrap();
    for byte in bytes.iter_mut().skip(4096) {
        *byte = 0xa5;
    }
    fs::write(&path, bytes).unwrap();
    folder.run(&["run"]).expect(1).says(&["content.db", "damaged"]);
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named() {
    let folder = Folder::new();
    small_site(&folder, 1);
    folder.write("presswork-data", "a file where the folder should be");
    folder.run(&[]).expect(1).says(&["presswork-data"]);
}

#[test]
fn a_torn_line_in_the_post_file_does_not_double_or_lose_a_post() {
    let folder = Folder::new();
    small_site(&folder, 2);
    folder.run(&["run"]).expect(0);
    folder.run(&[]).expect(0);
    let path = folder.path("presswork-data/posts.jsonl");
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"{\"id\": \"torn")
        .unwrap();
    folder.write("topics.csv", crate::support::topics(3));
    folder.run(&[]).expect(0);
    let posts = folder.posts();
    assert_eq!(posts.len(), 3);
    assert!(posts.values().all(|count| *count == 1), "{posts:?}");
}

/// Runs the binary where the data folder is a file system of its own. `None` where user namespaces are not allowed.
fn in_namespace(folder: &Folder, mount: &str) -> Option<crate::support::Ran> {
    let mount_and_run = format!("{mount} && exec \"$0\"");
    let allowed = std::process::Command::new("unshare")
        .args(["-rm", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !allowed {
        println!("skipped: `unshare -rm` is not allowed here, so no file system can be made for this test");
        return None;
    }
    let mut command = std::process::Command::new("unshare");
    command.args(["-rm", "sh", "-c", &mount_and_run, env!("CARGO_BIN_EXE_presswork")]);
    command.current_dir(folder.path("")).stdin(Stdio::null());
    Some(crate::support::Ran::from(command.output().unwrap()))
}

#[test]
fn a_full_disk_is_named_and_what_was_stored_stays() {
    let folder = Folder::new();
    small_site(&folder, 2_000);
    folder.run(&["run"]).expect(0);
    let mount =
        "cp -r presswork-data kept && mount -t tmpfs -o size=700k tmpfs presswork-data && cp -r kept/. presswork-data";
    let Some(ran) = in_namespace(&folder, mount) else {
        return;
    };
    ran.expect(1).says(&["no space left", "content.db"]);
    // The disk has room again: the import was cut between transactions, and goes on where it was.
    folder.run(&[]).expect(0);
    let status = folder.json(&["status"]);
    assert_eq!(
        some(&status["pages"]),
        serde_json::json!({ "planned": 1_975, "published": 25 }),
        "{status}"
    );
}

#[test]
fn a_read_only_disk_is_named() {
    let folder = Folder::new();
    small_site(&folder, 2);
    folder.run(&[]).expect(0);
    let mount = "mount --bind presswork-data presswork-data && mount -o remount,ro,bind presswork-data";
    let Some(ran) = in_namespace(&folder, mount) else {
        return;
    };
    ran.expect(1).says(&["presswork-data", "ead-only"]);
}

#[test]
fn a_locked_database_is_named_and_taken_up_later() {
    let folder = Folder::new();
    small_site(&folder, 2);
    folder.run(&["import", "topics.csv"]).expect(0);
    let other = rusqlite::Connection::open(folder.path("presswork-data/content.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    folder
        .run(&["run"])
        .expect(1)
        .says(&["content.db", "locked by another process"]);
    other.execute_batch("ROLLBACK").unwrap();
    folder.run(&["run"]).expect(0);
    assert_eq!(folder.posts().len(), 2);
}

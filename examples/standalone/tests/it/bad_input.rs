//! Bad topics: one clear message with file, line and field, and nothing changed.

use crate::support::{Folder, small_site, some, topics};

#[track_caller]
fn refused(text: impl AsRef<[u8]>, words: &[&str]) {
    let folder = Folder::new();
    small_site(&folder, 1);
    folder.write("bad.csv", text);
    let ran = folder.run(&["import", "bad.csv"]).expect(1).says(words);
    assert_eq!(ran.err.trim().lines().count(), 1, "one message: {}", ran.err);
    assert_eq!(
        some(&folder.json(&["status"])["pages"]),
        serde_json::json!({}),
        "nothing was planned"
    );
}

#[test]
fn a_wrong_header() {
    refused(
        "name,slug,keyword\na,a,a\n",
        &["bad.csv:1:", "\"key\" is missing", "name, slug, keyword"],
    );
}

#[test]
fn an_empty_file() {
    refused("", &["bad.csv:1:", "\"key\" is missing"]);
}

#[test]
fn a_short_row_after_many_good_ones() {
    refused(
        topics(3_000) + "short,row\n",
        &["bad.csv:3002: row:", "2 cells, the header has 4"],
    );
}

#[test]
fn bytes_that_are_not_utf8() {
    refused(
        b"key,slug,keyword\na,a,a\nb,b,\xff\xfe\n",
        &["bad.csv:3:", "\"keyword\" is not UTF-8"],
    );
}

#[test]
fn a_duplicate_key() {
    refused(
        "key,slug,keyword\na,a,a\nb,b,b\na,c,c\n",
        &["bad.csv:4: key:", "\"a\"", "earlier row"],
    );
}

#[test]
fn a_slug_that_is_no_slug() {
    refused("key,slug,keyword\na,Not A Slug,a\n", &["bad.csv:2:", "slug"]);
}

#[test]
fn a_cell_of_ten_megabytes() {
    let text = format!("key,slug,keyword,fact\na,a,a,\"{}\"\n", "x".repeat(10_000_000));
    refused(text, &["bad.csv:2:", "1048576 bytes"]);
}

#[test]
fn a_file_that_is_not_there() {
    let folder = Folder::new();
    folder
        .run(&["import", "nowhere.csv"])
        .expect(1)
        .says(&["nowhere.csv", "No such file"]);
}

#[test]
fn what_is_no_regular_file() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("topics.csv")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path("pipe")).status();
    assert!(made.unwrap().success());
    for name in ["topics.csv", "pipe"] {
        folder
            .run(&["import", name])
            .expect(1)
            .says(&[name, "is not a regular file"]);
    }
    assert!(!folder.path("presswork-data").exists());
}

#[test]
fn a_name_that_would_steer_the_terminal() {
    let ran = Folder::new().run(&["import", "no\u{1b}[2Jwhere.csv"]).expect(1);
    assert!(
        ran.err.contains("where.csv") && !ran.err.contains('\u{1b}'),
        "{:?}",
        ran.err
    );
}

//! Every row of a store, out and in, and into another.

use crate::servers;
use crate::support::{Folder, small_site};

fn made() -> Folder {
    let folder = Folder::new();
    small_site(&folder, 3);
    folder.run(&[]).expect(0);
    folder.run(&["delete", "slug-2", "--yes"]).expect(0);
    folder
}

#[test]
fn what_was_exported_goes_on_in_another_folder_as_if_it_had_begun_there() {
    let (old, new) = (made(), Folder::new());
    small_site(&new, 3);
    let rows = old.json(&["export", "rows.jsonl"])["rows"].as_u64().unwrap();
    let lines = old.read("rows.jsonl");
    assert_eq!(lines.lines().count() as u64, rows + 1);
    assert_eq!(old.run(&["export", "-"]).expect(0).out, lines);
    new.write("rows.jsonl", &lines);
    let taken = new.json(&["import", "rows.jsonl"]);
    assert_eq!(
        (taken["rows"].as_u64(), taken["written"].as_u64(), &taken["same"]),
        (Some(rows), Some(rows), &true.into())
    );
    let again = new.json(&["import", "rows.jsonl"]);
    assert_eq!((again["known"].as_u64(), &again["same"]), (Some(rows), &true.into()));
    // Pages are there, posts are not made again, what was deleted stays away.
    new.run(&[]).expect(0);
    assert_eq!((new.site().len(), new.posts().len()), (2, 0));
}

#[test]
fn a_file_that_is_cut_short_or_changed_writes_nothing() {
    let (old, new) = (made(), Folder::new());
    small_site(&new, 3);
    old.run(&["export", "rows.jsonl"]).expect(0);
    let lines = old.read("rows.jsonl");
    let without = |at: usize| {
        let kept = lines.lines().enumerate().filter(|(line, _)| *line != at);
        kept.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let last = lines.lines().count() - 1;
    for (text, words) in [
        (without(last), "cut short"),
        (without(1), "rows are missing or changed"),
        (lines.replacen("facts", "fakts", 1), "rows are missing or changed"),
        (lines[..lines.len() / 2].to_owned(), "rows.jsonl:"),
        (format!("{lines}{lines}"), "goes on after its end"),
    ] {
        new.write("rows.jsonl", text);
        new.run(&["import", "rows.jsonl"]).expect(1).says(&[words]);
        assert!(!new.path("presswork-data/content.db").exists());
    }
}

#[test]
fn a_store_that_says_something_else_is_left_as_it_is() {
    let (old, new) = (made(), Folder::new());
    small_site(&new, 3);
    old.run(&["export", "rows.jsonl"]).expect(0);
    new.write("rows.jsonl", old.read("rows.jsonl"));
    new.run(&["import", "rows.jsonl"]).expect(0);
    new.run(&["rename", "slug-1", "moved"]).expect(0);
    let before = new.run(&["export", "-"]).expect(0).out;
    new.run(&["import", "rows.jsonl"]).expect(1);
    assert_eq!(new.run(&["export", "-"]).expect(0).out, before);
}

#[test]
fn a_store_is_copied_to_a_file_and_to_a_server_and_back() {
    let folder = made();
    let copied = folder.json(&["copy", "sqlite:copy.db"]);
    assert_eq!((&copied["rows"], &copied["same"]), (&copied["written"], &true.into()));
    let said = folder.run(&["copy", "sqlite:copy.db"]).expect(0).out;
    assert!(
        said.contains("0 written") && said.contains("both hold the same"),
        "{said}"
    );
    folder
        .run(&["copy", "sqlite:presswork-data/content.db"])
        .expect(1)
        .says(&["the store itself"]);
    folder.run(&["copy"]).expect(2).says(&["PRESSWORK_COPY_TO"]);
    folder
        .run(&["copy", "postgres://me:s3cret@h/x"])
        .expect(2)
        .says(&["PRESSWORK_COPY_TO"]);
    let Some(server) = servers::postgres() else { return };
    let copied = folder
        .run_with("PRESSWORK_COPY_TO", &server.url, &["copy"])
        .expect(0)
        .out;
    assert!(copied.contains("both hold the same"), "{copied}");
    let back = folder
        .run_with("PRESSWORK_STORE", &server.url, &["copy", "sqlite:back.db"])
        .expect(0)
        .out;
    assert!(back.contains("both hold the same"), "{back}");
    let rows = folder.run(&["export", "-"]).expect(0).out;
    assert_eq!(
        folder
            .run_with("PRESSWORK_STORE", "sqlite:back.db", &["export", "-"])
            .expect(0)
            .out,
        rows
    );
}

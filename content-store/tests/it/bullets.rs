//! Every behaviour that the traits promise is a case, and every case is promised.

use std::collections::BTreeSet;

const SUITE: &str = include_str!("../../src/conformance/mod.rs");
const TRAITS: [&str; 10] = [
    include_str!("../../src/pages.rs"),
    include_str!("../../src/outbox.rs"),
    include_str!("../../src/post_ledger.rs"),
    include_str!("../../src/spend_ledger.rs"),
    include_str!("../../src/dead_letters.rs"),
    include_str!("../../src/upkeep.rs"),
    include_str!("../../src/editing.rs"),
    include_str!("../../src/reports.rs"),
    include_str!("../../src/transfer.rs"),
    include_str!("../../src/store.rs"),
];

fn promised(files: &[&'static str]) -> BTreeSet<&'static str> {
    let lines = files.iter().flat_map(|file| file.lines());
    lines
        .filter(|line| line.trim_start().starts_with("///"))
        .filter_map(|line| line.rsplit_once("(`")?.1.split_once("`)."))
        .map(|(case, _)| case)
        .collect()
}

#[test]
fn bullets_and_cases_agree() {
    let (_, list) = SUITE.split_once("$($for_all)*! { $($with)*:\n").unwrap();
    let (list, _) = list.split_once("}").unwrap();
    let tested: BTreeSet<&str> = list.split(',').map(str::trim).collect();
    assert_eq!(promised(&TRAITS), tested);
}

#[test]
fn bullets_and_cases_of_blobs_agree() {
    let tested = BTreeSet::from(presswork_content_store::conformance::BLOB_CASES);
    assert_eq!(promised(&[include_str!("../../src/blobs/store.rs")]), tested);
}

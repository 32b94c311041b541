//! The committed sample is what the program computes, its facts are known from elsewhere, and its templates render for
//! every row.

mod facts;
mod pages;

use std::{collections::BTreeMap, sync::OnceLock};

use super::FOLDER;

type Topic = BTreeMap<String, String>;

fn committed(file: &str) -> String {
    let path = crate::root().unwrap().join(FOLDER).join(file);
    std::fs::read_to_string(path).unwrap()
}

/// The committed rows; one test of their own says that they are not stale.
fn all() -> &'static [Topic] {
    static TOPICS: OnceLock<Vec<Topic>> = OnceLock::new();
    TOPICS.get_or_init(|| {
        let text = committed("topics.csv");
        let rows = csv::Reader::from_reader(text.as_bytes())
            .into_deserialize()
            .collect::<Result<_, _>>();
        rows.unwrap()
    })
}

//! `store <scenario> <n> <folder or URL>`: n operations on a page with a 6 kB body, in a folder that `prepare` has filled or
//! on a Postgres server.

mod keyset;
mod own;
#[cfg(feature = "postgres")]
mod postgres;
mod raw;

use std::path::{Path, PathBuf};

use meter::Args;
use presswork_content_store::{Content, NewOutbox, PageRef, SavePage, Status};

pub fn database(folder: &Path) -> PathBuf {
    folder.join("content.db")
}

fn main() {
    let args = Args::read();
    let folder = PathBuf::from(args.rest.first().expect("usage: store <scenario> <n> <folder>"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let n = args.n as usize;
    runtime.block_on(async {
        match args.scenario.as_str() {
            "prepare" => own::prepare(&folder, n).await,
            "save-raw" => raw::save(&folder, n),
            "save-alike" => raw::save_alike(&folder, n),
            "save-own" => own::save(&folder, n, 1).await,
            "save-own-16" => own::save(&folder, n, 16).await,
            "get-raw" => raw::get(&folder, n),
            "get-own" => own::get(&folder, n).await,
            "prepare-keyset" => keyset::prepare(&folder, n).await,
            "keyset-first" => keyset::page(&folder, n, 1).await,
            "keyset-late" => keyset::page(&folder, n, 1000).await,
            #[cfg(feature = "postgres")]
            other if other.starts_with("pg-") => postgres::run(&other[3..], n, &args.rest[0]).await,
            other => panic!("no scenario `{other}`"),
        }
    });
}

/// The pages of the folder: id and version, as they were claimed.
pub fn refs(folder: &Path) -> Vec<PageRef> {
    let text = std::fs::read_to_string(folder.join("pages.txt")).unwrap();
    let line = |line: &str| {
        let (id, version) = line.split_once(' ').unwrap();
        PageRef {
            id: id.parse().unwrap(),
            version: version.parse().unwrap(),
        }
    };
    text.lines().map(line).collect()
}

/// What a writer hands in: some 900 words, 6 kB.
pub fn save() -> SavePage {
    let sentence = "Rome keeps Central European Time and moves its clocks twice a year. ";
    SavePage {
        content: Content {
            title: "Time in Rome: offset and daylight saving".to_owned(),
            description: "Rome keeps UTC+01:00 in winter and moves its clocks forward by one hour in summer."
                .to_owned(),
            keywords: ["time in rome", "rome time zone", "rome daylight saving"]
                .map(str::to_owned)
                .to_vec(),
            body_html: format!("<h2>Offset</h2><p>{}</p>", sentence.repeat(88)),
            image_prompt: "A station clock in Rome at dusk".to_owned(),
            hooks: [
                "Calling Rome? Look here first.",
                "One hour ahead of UTC, two in summer.",
            ]
            .map(str::to_owned)
            .to_vec(),
            canonical_url: "https://almanac.example/time-in-rome".to_owned(),
            quality: serde_json::json!({ "words": 902, "findings": [] }),
            model: "gpt-5.4-mini".to_owned(),
            word_count: 902,
        },
        to: Status::Published,
        outbox: vec![NewOutbox {
            topic: "pages".to_owned(),
            payload: serde_json::json!({ "page": "0199f0a0-0000-7000-8000-000000000000", "v": 1 }),
        }],
        spend: Vec::new(),
    }
}

pub fn topic() -> serde_json::Value {
    serde_json::json!({ "zone": "Europe/Rome", "offset": "UTC+01:00", "summer": "UTC+02:00", "country": "Italy" })
}

//! A folder of its own for each test, and the binary run in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub(crate) struct Folder(tempfile::TempDir);

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_presswork"));
        command.current_dir(self.0.path()).args(args).stdin(Stdio::null());
        for (key, _) in std::env::vars_os() {
            let name = key.to_string_lossy().into_owned();
            if name.starts_with("PRESSWORK_")
                || name.starts_with("CLOUDFLARE_")
                || name.ends_with("_API_KEY")
                || name.ends_with("_ACCESS_TOKEN")
                || name == "RUST_LOG"
            {
                command.env_remove(&key);
            }
        }
        command
    }

    /// The binary with one more environment variable.
    pub(crate) fn run_with(&self, variable: &str, value: &str, args: &[&str]) -> Ran {
        Ran::from(self.command(args).env(variable, value).output().unwrap())
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().unwrap())
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--json"]].concat());
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err))
    }

    /// How often each key was posted to the outbox file.
    pub(crate) fn posts(&self) -> BTreeMap<String, u32> {
        let mut posts = BTreeMap::new();
        let path = self.path("presswork-data/posts.jsonl");
        for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
            let post: Value = serde_json::from_str(line).unwrap();
            *posts.entry(post["link"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        posts
    }

    /// Slugs of the pages written to the site.
    pub(crate) fn site(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path("presswork-data/site")) else {
            return Vec::new();
        };
        entries
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().join("index.html").exists())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }
}

impl Ran {
    pub(crate) fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "standard output:\n{}\nstandard error:\n{}",
            self.out, self.err
        );
        self
    }

    /// One message for a person: nothing that looks like an accident of the program.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in: {}", self.err);
        }
        for accident in ["panicked", "RUST_BACKTRACE", "unwrap"] {
            assert!(!self.err.contains(accident), "{}", self.err);
        }
        self
    }
}

/// The statuses that something has.
pub(crate) fn some(counts: &Value) -> Value {
    let mut counts = counts.as_object().unwrap().clone();
    counts.retain(|_, count| *count != 0);
    counts.into()
}

/// A topics file of `count` rows.
pub(crate) fn topics(count: usize) -> String {
    let rows: String = (0..count)
        .map(|index| format!("key-{index},slug-{index},keyword {index},{index} facts\n"))
        .collect();
    format!("key,slug,keyword,fact\n{rows}")
}

/// Settings of a small site with the offline writer.
pub(crate) fn small_site(folder: &Folder, count: usize) {
    folder
        .write("topics.csv", topics(count))
        .write("templates.toml", TEMPLATES)
        .write("presswork.toml", SETTINGS);
}

pub(crate) const SETTINGS: &str = r#"
topics = "topics.csv"
templates = "templates.toml"

[site]
id = "small"
name = "Small"
base_url = "https://small.example"

[gates]
words_min = 3
"#;

const TEMPLATES: &str = r#"
[page]
title = "A title about {{ topic.key }} that is long enough"
description = "A description of {{ topic.key }} that is long enough for the gate, which wants seventy characters."
keywords = "{{ topic.keyword }}"
body_html = "<h2>Facts</h2><p>There are {{ topic.fact }} here.</p>"
image_prompt = "{{ topic.key }}"
hooks = "{{ topic.key }} has {{ topic.fact }}."

[post]
text = "{{ page.hooks[0] }}"
"#;

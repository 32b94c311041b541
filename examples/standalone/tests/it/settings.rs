//! Bad settings: file, line, field, and exit code 2 before anything is written.

use crate::support::{Folder, SETTINGS, small_site};

#[track_caller]
fn refused(settings: &str, words: &[&str]) {
    let folder = Folder::new();
    small_site(&folder, 1);
    folder.write("presswork.toml", settings);
    folder.run(&[]).expect(2).says(words);
    assert!(!folder.path("presswork-data").exists(), "nothing was written");
}

#[test]
fn an_unknown_key() {
    refused(
        "[site]\nname = \"x\"\ncolour = \"red\"\n",
        &["presswork.toml:3:", "unknown field `colour`", "base_url"],
    );
    refused("\nsites = 1\n", &["presswork.toml:2:", "unknown field `sites`"]);
}

#[test]
fn a_value_of_the_wrong_kind() {
    refused(
        "[generator]\npages_per_run = \"many\"\n",
        &["presswork.toml:2:", "invalid type: string \"many\""],
    );
}

#[test]
fn a_value_out_of_range() {
    refused(
        "[generator]\npages_per_run = 0\n",
        &["presswork.toml", "generator.pages_per_run is 0, expected 1 to 10000"],
    );
}

#[test]
fn broken_toml() {
    refused("[site\n", &["presswork.toml:1:"]);
}

#[test]
fn an_unknown_provider_target_or_store() {
    refused(
        "[model]\nprovider = \"oracle\"\n",
        &["model.provider is \"oracle\", expected template, anthropic, gemini, workers-ai, openai, ollama"],
    );
    let folder = Folder::new();
    folder.write("presswork.toml", "[[target]]\nkind = \"pigeon\"\n");
    folder
        .run(&[])
        .expect(2)
        .says(&["target.kind is \"pigeon\", expected outbox, mastodon"]);
    for (settings, message) in [
        ("store = \"memory:\"\n", "store is \"memory:\", expected sqlite:PATH"),
        ("queue = \"sqlite:\"\n", "queue is \"sqlite:\", expected sqlite:PATH"),
        (
            "queue = \"sqlite::memory:\"\n",
            "queue is \"sqlite::memory:\", expected sqlite:PATH",
        ),
        ("data = \"\"\n", "data is empty, expected a folder"),
    ] {
        refused(settings, &[message]);
    }
    folder.write("presswork.toml", "store = \"mysql:x\"\n");
    folder
        .run(&[])
        .expect(2)
        .says(&["store is \"mysql:x\", expected sqlite:PATH"]);
}

#[test]
fn a_setting_the_target_would_ignore() {
    let folder = Folder::new();
    folder.write(
        "presswork.toml",
        "[[target]]\nkind = \"outbox\"\nurl = \"https://example.com\"\n",
    );
    folder
        .run(&[])
        .expect(2)
        .says(&["target outbox: url is not used, expected path"]);
}

#[test]
fn a_missing_secret() {
    refused(
        "[model]\nprovider = \"openai\"\nname = \"gpt\"\n",
        &["OPENAI_API_KEY is missing"],
    );
    let folder = Folder::new();
    small_site(&folder, 1);
    let target = "[[target]]\nkind = \"mastodon\"\nurl = \"https://m.example\"\naccount = \"me\"\n";
    folder.write("presswork.toml", format!("{SETTINGS}{target}"));
    folder
        .run(&[])
        .expect(2)
        .says(&["MASTODON_ACCESS_TOKEN is missing", "https://m.example"]);
}

#[test]
fn the_environment_overrides_one_setting_and_is_checked() {
    let folder = Folder::new();
    small_site(&folder, 3);
    let ran = folder
        .command(&["--json"])
        .env("PRESSWORK_PAGES_PER_RUN", "2")
        .output()
        .unwrap();
    let document: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(document["pages"]["published"], 2);
    let ran = folder
        .command(&[])
        .env("PRESSWORK_PAGES_PER_RUN", "two")
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(2));
    let message = String::from_utf8_lossy(&ran.stderr);
    assert!(
        message.starts_with("presswork: PRESSWORK_PAGES_PER_RUN is \"two\", expected a whole number"),
        "{message}"
    );
    // Of the right kind, but out of range.
    let ran = folder.run_with("PRESSWORK_PAGES_PER_RUN", "0", &[]).expect(2);
    let ran = ran.says(&["PRESSWORK_PAGES_PER_RUN: generator.pages_per_run is 0"]);
    assert!(!ran.err.contains("presswork.toml"), "{}", ran.err);
}

#[test]
fn a_variable_that_nothing_reads() {
    let folder = Folder::new();
    folder
        .run_with("PRESSWORK_PAGES_PER_RUNS", "2", &[])
        .expect(2)
        .says(&["PRESSWORK_PAGES_PER_RUNS is no setting"]);
    assert!(!folder.path("presswork-data").exists());
}

#[test]
fn a_file_that_was_named_must_be_there() {
    Folder::new()
        .run(&["--config", "other.toml"])
        .expect(2)
        .says(&["other.toml", "No such file"]);
}

#[test]
fn another_site_without_topics_drafts_nothing_of_the_sample() {
    let folder = Folder::new();
    folder.write(
        "presswork.toml",
        SETTINGS.replace("topics = \"topics.csv\"\ntemplates = \"templates.toml\"", ""),
    );
    assert_eq!(folder.json(&[])["imported"]["created"], 0);
    let ran = folder.run(&[]).expect(0).says(&["no topics file is set"]);
    assert!(
        ran.out.contains("no topics file is set, 0 left to draft"),
        "{}",
        ran.out
    );
}

#[test]
fn the_settings_of_the_readme_are_settings() {
    let readme = include_str!("../../../../README.md");
    let toml = readme
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let folder = Folder::new();
    small_site(&folder, 1);
    folder.write("presswork.toml", toml);
    // Everything is read; only the secret is missing.
    folder.run(&[]).expect(2).says(&["OPENAI_API_KEY is missing"]);
}

#[test]
fn a_setting_the_model_would_ignore() {
    refused(
        "[model]\nbase_url = \"http://127.0.0.1:1/v1\"\n",
        &["model.base_url is", "provider template"],
    );
    refused(
        "templates = \"templates.toml\"\n[model]\nprovider = \"openai\"\nname = \"m\"\n",
        &["templates is", "provider template"],
    );
}

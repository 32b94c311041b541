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
        &["model.provider is \"oracle\", expected template or openai"],
    );
    let folder = Folder::new();
    folder.write("presswork.toml", "[[target]]\nkind = \"pigeon\"\n");
    folder
        .run(&[])
        .expect(2)
        .says(&["target.kind is \"pigeon\", expected outbox or mastodon"]);
    folder.write("presswork.toml", "store = \"mysql:x\"\n");
    folder
        .run(&[])
        .expect(2)
        .says(&["store is \"mysql:x\", expected sqlite:PATH or memory:"]);
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
        .says(&["target outbox: url and account are not used"]);
}

#[test]
fn a_missing_secret() {
    refused(
        "[model]\nprovider = \"openai\"\nname = \"gpt\"\n",
        &["OPENAI_API_KEY is missing"],
    );
    let folder = Folder::new();
    folder.write(
        "presswork.toml",
        "[[target]]\nkind = \"mastodon\"\nurl = \"https://m.example\"\naccount = \"me\"\n",
    );
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
    assert!(String::from_utf8_lossy(&ran.stderr).contains("PAGES_PER_RUN is \"two\", expected a whole number"));
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

//! `presswork check`: whether everything can be used, and what to do.

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Folder, Ran, SETTINGS, small_site};

fn row<'r>(rows: &'r Value, what: &str) -> &'r Value {
    let mut rows = rows.as_array().unwrap().iter();
    rows.find(|row| row["what"].as_str().unwrap().starts_with(what))
        .unwrap_or_else(|| panic!("no {what}"))
}

#[test]
fn before_the_first_run_nothing_is_made() {
    let folder = Folder::new();
    small_site(&folder, 3);
    let ran = folder.run(&["check"]).expect(0);
    for words in ["3 rows, all good", "not yet", "writes offline", "the next run of serve"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert!(!folder.path("presswork-data").exists());
}

#[test]
fn what_works_says_so() {
    let folder = Folder::new();
    small_site(&folder, 1);
    folder.run(&[]).expect(0);
    let rows = folder.json(&["check"]);
    for what in ["site", "topics", "schedule", "store", "queue", "model", "outbox"] {
        assert_eq!(row(&rows, what)["ok"], true, "{rows}");
    }
}

#[test]
fn bad_topics_and_a_missing_key_are_named_all_at_once() {
    let folder = Folder::new();
    small_site(&folder, 1);
    folder.write("topics.csv", "key,slug,keyword\na,a\n");
    let settings = SETTINGS.replace("templates = \"templates.toml\"\n", "");
    folder.write(
        "presswork.toml",
        format!("{settings}\n[model]\nprovider = \"openai\"\nname = \"m\"\n"),
    );
    let ran = folder.run(&["check", "--json"]).expect(2);
    let rows: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(row(&rows, "topics")["ok"], false);
    assert!(
        row(&rows, "topics")["found"]
            .as_str()
            .unwrap()
            .contains("topics.csv:2: row:"),
        "{rows}"
    );
    assert!(
        row(&rows, "model")["found"]
            .as_str()
            .unwrap()
            .contains("OPENAI_API_KEY is missing"),
        "{rows}"
    );
}

async fn check(folder: Folder) -> (Folder, Ran, Value) {
    let run = tokio::task::spawn_blocking(move || {
        let mut command = folder.command(&["check", "--json"]);
        command
            .env("OPENAI_API_KEY", "sk-secret")
            .env("MASTODON_ACCESS_TOKEN", "tok-secret");
        let ran = Ran::from(command.output().unwrap());
        (folder, ran)
    });
    let (folder, ran) = run.await.unwrap();
    assert!(
        !ran.out.contains("secret") && !ran.err.contains("secret"),
        "{}{}",
        ran.out,
        ran.err
    );
    let rows = serde_json::from_str(&ran.out).unwrap();
    (folder, ran, rows)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_model_and_the_network_are_asked_and_nothing_is_posted() {
    let server = MockServer::start().await;
    let answer = json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "ready" } }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11 },
    });
    let good = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .respond_with(good(answer))
        .mount(&server)
        .await;
    Mock::given(path("/api/v2/instance"))
        .respond_with(good(json!({ "version": "4.5.2" })))
        .mount(&server)
        .await;
    let folder = Folder::new();
    small_site(&folder, 1);
    folder.write(
        "presswork.toml",
        format!(
            "{}\n[model]\nprovider = \"openai\"\nname = \"m\"\nbase_url = \"{url}/v1\"\n[[target]]\nkind = \"mastodon\"\nurl = \"{url}\"\naccount = \"me\"\n",
            SETTINGS.replace("templates = \"templates.toml\"\n", ""),
            url = server.uri()
        ),
    );
    let refused = Mock::given(path("/api/v1/accounts/verify_credentials"))
        .respond_with(ResponseTemplate::new(401).set_body_json(json!({ "error": "The access token is invalid" })))
        .mount_as_scoped(&server)
        .await;
    let (folder, ran, rows) = check(folder).await;
    assert_eq!(ran.code, 1, "{rows}");
    assert_eq!(row(&rows, "model")["ok"], true, "{rows}");
    let target = row(&rows, "mastodon");
    assert_eq!(target["ok"], false, "{rows}");
    assert!(target["todo"].as_str().unwrap().contains("new token"), "{rows}");
    drop(refused);

    let me = json!({ "id": "7", "username": "me", "acct": "me", "url": "https://m.example/@me" });
    Mock::given(path("/api/v1/accounts/verify_credentials"))
        .respond_with(good(me))
        .mount(&server)
        .await;
    let (_, ran, rows) = check(folder).await;
    assert_eq!(ran.code, 0, "{rows}");
    assert!(
        row(&rows, "mastodon")["found"].as_str().unwrap().contains("posts as"),
        "{rows}"
    );
    let requests = server.received_requests().await.unwrap();
    assert!(
        requests
            .iter()
            .all(|request| !request.url.path().ends_with("/statuses"))
    );
}

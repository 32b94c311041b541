//! A real model server, and what it may do wrong.

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::support::{Folder, small_site, some};

/// The small site without the templates of the offline writer.
fn settings() -> String {
    crate::support::SETTINGS.replace("templates = \"templates.toml\"\n", "")
}

fn page() -> Value {
    json!({
        "title": "A title that is long enough to pass the gate",
        "description": "A description that is long enough to pass the gate for descriptions, which wants seventy.",
        "keywords": ["one"],
        "body_html": "<h2>Facts</h2><p>Four words are enough.</p>",
        "image_prompt": "A clock",
        "hooks": ["Did you know?"],
    })
}

/// Answers with the page, or with a post when a post is asked for.
struct Writer(String);

impl Respond for Writer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        let text = if asked.to_string().contains("Write one post") {
            r#"{"text":"Did you know?"}"#.into()
        } else {
            self.0.clone()
        };
        ResponseTemplate::new(200).set_body_json(completion(json!(text), Value::Null))
    }
}

fn completion(content: Value, refusal: Value) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-test",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": content, "refusal": refusal } }],
        "usage": { "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150 },
    })
}

async fn cycle(answer: impl Respond + 'static) -> (Folder, Value, i32) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", "Bearer sk-test-secret"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let folder = Folder::new();
    small_site(&folder, 1);
    let model = format!(
        "[model]\nprovider = \"openai\"\nname = \"gpt-test\"\nbase_url = \"{}/v1\"\ntimeout_seconds = 5\n",
        server.uri()
    );
    folder.write("presswork.toml", format!("{}\n{model}", settings()));
    let output = tokio::task::spawn_blocking(move || {
        let output = folder
            .command(&["--json", "-v"])
            .env("OPENAI_API_KEY", "sk-test-secret")
            .output()
            .unwrap();
        (folder, output)
    });
    let (folder, output) = output.await.unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(
        !out.contains("sk-test-secret") && !err.contains("sk-test-secret"),
        "the key is in the output"
    );
    assert!(!err.contains("panicked"), "{err}");
    let document = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    (folder, document, output.status.code().unwrap())
}

#[track_caller]
fn nothing_was_made(folder: &Folder, cycle: &Value, code: i32, words: &str) {
    assert_eq!((code, &cycle["pages"]["postponed"]), (3, &1.into()), "{cycle}");
    let problem = cycle["pages"]["problems"][0].as_str().unwrap();
    assert!(
        problem.starts_with("slug-0: ") && problem.contains(words),
        "{words:?} is not in: {problem}"
    );
    assert_eq!((folder.site().len(), folder.posts().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_writes_the_page_and_the_post() {
    let (folder, cycle, code) = cycle(Writer(page().to_string())).await;
    assert_eq!(
        (code, &cycle["pages"]["published"], &cycle["posts"]["acknowledged"]),
        (0, &1.into(), &1.into()),
        "{cycle}"
    );
    assert_eq!(cycle["unpriced_calls"], 2);
    assert!(
        folder
            .read("presswork-data/site/slug-0/index.html")
            .contains("Four words are enough.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage() {
    let (folder, cycle, code) = cycle(Writer("I would rather talk about the weather.".into())).await;
    nothing_was_made(&folder, &cycle, code, "JSON");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_json_document() {
    let text = page().to_string();
    let (folder, cycle, code) = cycle(Writer(text[..text.len() / 2].into())).await;
    nothing_was_made(&folder, &cycle, code, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_body() {
    let (folder, cycle, code) = cycle(ResponseTemplate::new(200)).await;
    nothing_was_made(&folder, &cycle, code, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal() {
    let refusal = completion(Value::Null, json!("I cannot help with that."));
    let (folder, cycle, code) = cycle(ResponseTemplate::new(200).set_body_json(refusal)).await;
    nothing_was_made(&folder, &cycle, code, "I cannot help with that.");
}

#[tokio::test(flavor = "multi_thread")]
async fn html_with_scripts_is_stored_without_them() {
    let mut page = page();
    page["body_html"] =
        json!("```html\n<h2>Facts</h2><p onclick=\"steal()\">Four words are enough.</p><script>steal()</script>\n```");
    let (folder, cycle, code) = cycle(Writer(page.to_string())).await;
    assert_eq!(code, 0, "{cycle}");
    let html = folder.read("presswork-data/site/slug-0/index.html");
    assert!(
        html.contains("<h2>Facts</h2><p>Four words are enough.</p>") && !html.contains("steal"),
        "{html}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_say_so_and_keep_the_topic() {
    let body = json!({ "error": { "message": "Incorrect API key provided: sk-test-secret.", "type": "invalid_request_error", "code": "invalid_api_key" } });
    let (folder, cycle, code) = cycle(ResponseTemplate::new(401).set_body_json(body)).await;
    nothing_was_made(&folder, &cycle, code, "401");
    assert!(cycle["pages"]["stopped"].is_string(), "{cycle}");
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    let folder = Folder::new();
    small_site(&folder, 1);
    let model =
        "[model]\nprovider = \"openai\"\nname = \"m\"\nbase_url = \"http://127.0.0.1:9/v1\"\ntimeout_seconds = 3\n";
    folder.write("presswork.toml", format!("{}\n{model}", settings()));
    let ran = folder.run(&[]).expect(3);
    assert!(ran.out.contains("127.0.0.1:9"), "{}", ran.out);
    assert_eq!(some(&folder.json(&["status"])["pages"]), json!({ "planned": 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_finishes_the_drafts_under_way_and_starts_no_more() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200)
        .set_body_json(completion(json!(page().to_string()), Value::Null))
        .set_delay(std::time::Duration::from_millis(700));
    Mock::given(method("POST")).respond_with(slow).mount(&server).await;
    let folder = Folder::new();
    small_site(&folder, 20);
    let settings = format!(
        "{}\n[generator]\nconcurrency = 2\n[model]\nprovider = \"openai\"\nname = \"m\"\nbase_url = \"{}/v1\"\n",
        settings(),
        server.uri()
    );
    folder.write("presswork.toml", settings);
    let mut child = folder.command(&[]).stdout(std::process::Stdio::null()).spawn().unwrap();
    while server.received_requests().await.unwrap_or_default().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(0));
    let pages = some(&folder.json(&["status"])["pages"]);
    assert_eq!(pages, json!({ "planned": 18, "published": 2 }));
    assert_eq!(folder.posts().len(), 0, "posting had not begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_says_cannot_steer_the_terminal() {
    let server = MockServer::start().await;
    let refusal = completion(Value::Null, json!("no \u{1b}[2J never"));
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(refusal))
        .mount(&server)
        .await;
    let folder = Folder::new();
    small_site(&folder, 1);
    let settings = format!(
        "{}\n[model]\nprovider = \"openai\"\nname = \"m\"\nbase_url = \"{}/v1\"\n",
        settings(),
        server.uri()
    );
    folder.write("presswork.toml", settings);
    let ran = tokio::task::spawn_blocking(move || folder.run(&[]))
        .await
        .unwrap()
        .expect(3);
    assert!(
        ran.out.contains("  ! slug-0: ") && ran.out.contains("never"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains('\u{1b}'), "{:?}", ran.out);
}

//! Other models when one fails, and what a day may cost.

use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Folder, Ran, SETTINGS, small_site};

fn settings(model: &str) -> String {
    format!(
        "{}\n[model]\n{model}",
        SETTINGS.replace("templates = \"templates.toml\"\n", "")
    )
}

/// A page for whoever asks for one, a post for whoever asks for that; 1,000 tokens each way.
async fn writer() -> MockServer {
    let server = MockServer::start().await;
    let page = json!({
        "title": "A title that is long enough to pass the gate",
        "description": "A description that is long enough to pass the gate for descriptions, which wants seventy.",
        "keywords": ["one"], "body_html": "<h2>Facts</h2><p>Four words are enough.</p>",
        "image_prompt": "A clock", "hooks": ["Did you know?"],
    });
    let answer = move |request: &wiremock::Request| {
        let is_post = String::from_utf8_lossy(&request.body).contains("Write one post");
        let text = if is_post {
            json!({ "text": "Did you know?" })
        } else {
            page.clone()
        };
        ResponseTemplate::new(200).set_body_json(json!({
            "id": "1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text.to_string() } }],
            "usage": { "prompt_tokens": 1_000, "completion_tokens": 1_000, "total_tokens": 2_000 },
        }))
    };
    Mock::given(path("/v1/chat/completions"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

async fn run(folder: Folder, args: &'static [&'static str]) -> (Folder, Ran) {
    let run = tokio::task::spawn_blocking(move || {
        let ran = Ran::from(
            folder
                .command(args)
                .env("OPENAI_API_KEY", "sk-secret")
                .output()
                .unwrap(),
        );
        (folder, ran)
    });
    run.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_daily_budget_holds_across_runs() {
    let server = writer().await;
    let folder = Folder::new();
    small_site(&folder, 5);
    // A call costs $0.003; before it the ceiling of its output alone is reserved, $0.008192.
    let model = format!(
        "provider = \"openai\"\nname = \"m\"\nbase_url = \"{}/v1\"\ndaily_budget_usd = 0.02\n\
         [model.prices]\n\"openai/m\" = {{ input = 1.0, output = 2.0 }}\n[generator]\nconcurrency = 1\n[poster]\nconcurrency = 1\n",
        server.uri()
    );
    folder.write("presswork.toml", settings(&model));
    let (folder, ran) = run(folder, &["--json"]).await;
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let spent = report["cost_micros"].as_u64().unwrap();
    assert!((3_000..=20_000).contains(&spent), "{report}");
    assert!(
        report["pages"]["stopped"]
            .as_str()
            .is_some_and(|why| why.contains("left of $0.020000 a day")),
        "{report}"
    );
    let asked = server.received_requests().await.unwrap().len();
    // Another process on the same day has what the ledger leaves it: nothing.
    let (_, ran) = run(folder, &["--json", "run"]).await;
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["pages"]["published"], 0, "{report}");
    assert_eq!(server.received_requests().await.unwrap().len(), asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_next_model_writes_when_the_first_is_down() {
    let (down, server) = (MockServer::start().await, writer().await);
    Mock::given(path("/v1/chat/completions"))
        .respond_with(ResponseTemplate::new(503))
        .mount(&down)
        .await;
    let folder = Folder::new();
    small_site(&folder, 1);
    let model = format!(
        "provider = \"openai\"\nname = \"m\"\nbase_url = \"{}/v1\"\n[[model.fallback]]\nprovider = \"vllm\"\nname = \"m\"\nbase_url = \"{}/v1\"\n",
        down.uri(),
        server.uri()
    );
    folder.write("presswork.toml", settings(&model));
    let (_, ran) = run(folder, &["--json"]).await;
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["pages"]["published"], 1, "{report}");
    assert_eq!(report["posts"]["acknowledged"], 1, "{report}");
    let asked = server.received_requests().await.unwrap();
    assert!(
        asked
            .iter()
            .all(|request| !request.headers.contains_key("authorization")),
        "the first server's key"
    );
}

#[test]
fn settings_that_contradict_are_named() {
    let folder = Folder::new();
    small_site(&folder, 1);
    for (model, words) in [
        (
            "provider = \"ollama\"\nname = \"m\"\ndaily_budget_usd = 0\n",
            &["presswork.toml", "model.daily_budget_usd is 0"][..],
        ),
        (
            "provider = \"ollama\"\nname = \"m\"\ndaily_budget_usd = 1\n",
            &["model.prices has no \"ollama/m\""],
        ),
        (
            "provider = \"ollama\"\nname = \"m\"\nrequests_per_minute = 0\n",
            &["model.requests_per_minute is 0"],
        ),
        (
            "provider = \"ollama\"\nname = \"m\"\nfallback = [{ provider = \"anthropic\", name = \"m\" }]\n",
            &["ANTHROPIC_API_KEY is missing"],
        ),
        (
            "provider = \"ollama\"\nname = \"m\"\nfallback = [{ provider = \"oracle\", name = \"m\" }]\n",
            &["model.fallback.provider is \"oracle\""],
        ),
        (
            "provider = \"ollama\"\nname = \"m\"\n[model.prices]\n\"ollama/n\" = { input = 1, output = 1 }\n",
            &["model.prices is \"ollama/n\", expected ollama/m"],
        ),
        (
            "fallback = [{ provider = \"ollama\", name = \"m\" }]\n",
            &["model.fallback is not used with the provider template"],
        ),
    ] {
        folder.write("presswork.toml", settings(model));
        folder.run(&[]).expect(2).says(words);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn costs_are_counted_by_campaign() {
    let server = writer().await;
    let folder = Folder::new();
    small_site(&folder, 2);
    let model = format!(
        "provider = \"openai\"\nname = \"m\"\nbase_url = \"{}/v1\"\n\
         prices = {{ \"openai/m\" = {{ input = 1.0, output = 1.0 }} }}\n[generator]\npages_per_run = 1",
        server.uri()
    );
    folder.write("presswork.toml", settings(&model));
    let (folder, ran) = run(folder, &[]).await;
    ran.expect(0);
    folder.write(
        "presswork.toml",
        settings(&format!("{model}\n[poster]\ncampaign = \"autumn\"")),
    );
    let (folder, ran) = run(folder, &[]).await;
    ran.expect(0);
    let (folder, said) = run(folder, &["status", "--json"]).await;
    let status: Value = serde_json::from_str(&said.out).unwrap();
    // A page and a post each: four times a tenth of a cent for 1,000 tokens either way.
    for campaign in ["", "autumn"] {
        let of = &status["campaigns"][campaign];
        assert_eq!(
            (&of["calls"], &of["cost_micros"]),
            (&json!(2), &json!(4_000)),
            "{status}"
        );
    }
    let (_, said) = run(folder, &["status"]).await;
    assert!(said.out.contains("autumn: $0.004000, 2 calls"), "{}", said.out);
}

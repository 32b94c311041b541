//! Each provider by its name: its own server, its own key.

use wiremock::{MockServer, Request};

use crate::support::{Folder, SETTINGS, small_site};

/// Provider, the variable of its key, the header it goes in, and how the path ends.
const PROVIDERS: [(&str, &str, &str, &str); 6] = [
    ("openai", "OPENAI_API_KEY", "authorization", "/chat/completions"),
    ("anthropic", "ANTHROPIC_API_KEY", "x-api-key", "/messages"),
    (
        "gemini",
        "GEMINI_API_KEY",
        "x-goog-api-key",
        "/models/some-model:generateContent",
    ),
    ("workers-ai", "CLOUDFLARE_API_TOKEN", "authorization", "/some-model"),
    ("groq", "GROQ_API_KEY", "authorization", "/chat/completions"),
    ("llama.cpp", "LLAMA_CPP_API_KEY", "authorization", "/chat/completions"),
];

fn folder(provider: &str, more: &str) -> Folder {
    let folder = Folder::new();
    small_site(&folder, 1);
    // The templates are the offline writer's.
    let settings = SETTINGS.replace("templates = \"templates.toml\"\n", "");
    let model = format!("[model]\nprovider = \"{provider}\"\nname = \"some-model\"\n{more}");
    folder.write("presswork.toml", format!("{settings}\n{model}"));
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn every_provider_is_asked_with_its_key() {
    for (provider, variable, header, end) in PROVIDERS {
        // It answers 404, which no provider repeats.
        let server = MockServer::start().await;
        let folder = folder(provider, &format!("base_url = \"{}/v1\"\n", server.uri()));
        let ran = tokio::task::spawn_blocking(move || {
            let ran = folder
                .command(&[])
                .env(variable, "s3cret-key")
                .env("CLOUDFLARE_ACCOUNT_ID", "acc0unt")
                .output()
                .unwrap();
            crate::support::Ran::from(ran)
        });
        let ran = ran.await.unwrap().expect(3);
        assert!(
            !ran.out.contains("s3cret-key") && !ran.err.contains("s3cret-key"),
            "{provider}"
        );
        let requests: Vec<Request> = server.received_requests().await.unwrap();
        let first = requests
            .first()
            .unwrap_or_else(|| panic!("{provider} was not asked: {}", ran.out));
        assert!(first.url.path().ends_with(end), "{provider}: {}", first.url.path());
        let key = first.headers[header].to_str().unwrap();
        assert_eq!(key.trim_start_matches("Bearer "), "s3cret-key", "{provider}");
        assert!(!first.url.as_str().contains("s3cret-key"), "{provider}");
    }
}

#[test]
fn a_missing_key_is_named() {
    for (provider, variable, ..) in PROVIDERS {
        if provider == "llama.cpp" {
            continue; // a server on this machine needs none
        }
        let ran = folder(provider, "")
            .command(&[])
            .env("CLOUDFLARE_ACCOUNT_ID", "acc0unt")
            .output()
            .unwrap();
        crate::support::Ran::from(ran)
            .expect(2)
            .says(&[&format!("{variable} is missing")]);
    }
    let ran = folder("workers-ai", "").run(&[]);
    ran.expect(2).says(&["CLOUDFLARE_ACCOUNT_ID is missing"]);
}

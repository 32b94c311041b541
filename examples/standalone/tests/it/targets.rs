//! Targets that cannot be what the person meant.

use serde_json::json;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Folder, SETTINGS, small_site};

fn folder(targets: &str) -> Folder {
    let folder = Folder::new();
    small_site(&folder, 1);
    folder.write("presswork.toml", format!("{SETTINGS}\n{targets}"));
    folder
}

fn mastodon(url: &str, more: &str) -> String {
    format!("[[target]]\nkind = \"mastodon\"\nurl = \"{url}\"\naccount = \"me\"\n{more}\n")
}

#[test]
fn one_token_does_not_go_to_two_servers() {
    let both = mastodon("https://a.example", "") + &mastodon("https://b.example", "");
    folder(&both)
        .run_with("MASTODON_ACCESS_TOKEN", "secret", &[])
        .expect(2)
        .says(&["MASTODON_ACCESS_TOKEN", "token_env"]);
    let named = mastodon("https://a.example", "") + &mastodon("https://b.example", "token_env = \"OTHER_TOKEN\"");
    folder(&named)
        .run_with("MASTODON_ACCESS_TOKEN", "secret", &[])
        .expect(2)
        .says(&["OTHER_TOKEN is missing", "https://b.example"]);
    folder("[[target]]\nkind = \"outbox\"\ntoken_env = \"OTHER_TOKEN\"\n")
        .run(&[])
        .expect(2)
        .says(&["token_env"]);
}

#[test]
fn the_same_account_twice_is_refused() {
    let twice = "[[target]]\nkind = \"outbox\"\npath = \"posts.jsonl\"\n".repeat(2);
    folder(&twice)
        .run(&[])
        .expect(2)
        .says(&["two targets are the outbox", "posts.jsonl"]);
    let twice = mastodon("https://a.example", "") + &mastodon("https://a.example", "token_env = \"PATH\"");
    folder(&twice)
        .run_with("MASTODON_ACCESS_TOKEN", "secret", &[])
        .expect(2)
        .says(&["two targets are the account", "a.example"]);
}

#[test]
fn a_network_without_a_site_is_refused() {
    let folder = Folder::new();
    folder.write("presswork.toml", mastodon("https://a.example", ""));
    folder
        .run_with("MASTODON_ACCESS_TOKEN", "secret", &[])
        .expect(2)
        .says(&["site.base_url is not set", "https://almanac.example"]);
}

async fn server(username: &str) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/v1/accounts/verify_credentials"))
        .and(header("authorization", "Bearer secret"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({
            "id": "1", "username": username, "acct": username, "url": "https://m.example/@x",
        })))
        .mount(&server)
        .await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_another_account_is_refused() {
    let server = server("somebody").await;
    let folder = folder(&mastodon(&server.uri(), "token_env = \"MY_TOKEN\""));
    let ran = tokio::task::spawn_blocking(move || {
        let ran = folder.run_with("MY_TOKEN", "secret", &[]);
        assert!(!folder.path("presswork-data/content.db").exists());
        ran
    });
    ran.await.unwrap().expect(2).says(&["belongs to @somebody"]);
}

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

#[test]
fn a_kind_takes_what_it_knows_and_needs_its_secrets() {
    for (target, words) in [
        (
            "kind = \"x\"\naccount = \"me\"",
            &[
                "X_API_KEY, X_API_KEY_SECRET, X_ACCESS_TOKEN, X_ACCESS_TOKEN_SECRET are missing",
                "target x (me)",
            ][..],
        ),
        (
            "kind = \"x\"\naccount = \"me\"\ntoken_env = \"X_BRAND\"",
            &["X_BRAND_API_KEY, "],
        ),
        ("kind = \"x\"", &["target x: account is missing"]),
        (
            "kind = \"bluesky\"\naccount = \"me.bsky.social\"",
            &["BLUESKY_APP_PASSWORD is missing"],
        ),
        (
            "kind = \"bluesky\"\naccount = \"a\"\nservice = \"x\"",
            &["target bluesky: service is not used"],
        ),
        (
            "kind = \"buffer\"\naccount = \"1\"",
            &["target buffer: service is missing"],
        ),
        (
            "kind = \"buffer\"\naccount = \"1\"\nservice = \"x\"",
            &["BUFFER_API_KEY is missing"],
        ),
        (
            "kind = \"pigeon\"",
            &[
                "target.kind is \"pigeon\"",
                "outbox, mastodon, bluesky, x, buffer, linkedin, threads, webhook",
            ],
        ),
    ] {
        folder(&format!("[[target]]\n{target}\n"))
            .run(&[])
            .expect(2)
            .says(words);
    }
    folder("[[target]]\nkind = \"buffer\"\naccount = \"1\"\nservice = \"pigeon\"\n")
        .run_with("BUFFER_API_KEY", "secret", &[])
        .expect(2)
        .says(&["target.service is \"pigeon\"", "linkedin"]);
    folder("[[target]]\nkind = \"x\"\naccount = \"me\"\n")
        .run_with("X_CLIENT_ID", "id", &[])
        .expect(2)
        .says(&["X_ACCESS_TOKEN, X_REFRESH_TOKEN are missing"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_page_is_posted_to_x_and_kept_for_a_bluesky_that_is_down() {
    let server = MockServer::start().await;
    let answer = |body: serde_json::Value| ResponseTemplate::new(200).set_body_json(body);
    Mock::given(path("/2/users/me"))
        .respond_with(answer(json!({ "data": { "id": "7", "name": "Me", "username": "me" } })))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/2/tweets"))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({ "data": { "id": "77", "text": "x" } })))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/xrpc/com.atproto.server.createSession"))
        .respond_with(ResponseTemplate::new(503))
        .mount(&server)
        .await;
    let url = server.uri();
    let folder = folder(&format!(
        "[[target]]\nkind = \"x\"\naccount = \"me\"\nurl = \"{url}\"\n[[target]]\nkind = \"bluesky\"\naccount = \"me.example\"\nurl = \"{url}\"\n"
    ));
    let run = tokio::task::spawn_blocking(move || {
        let ran = |args: &[&str]| {
            let mut command = folder.command(args);
            for name in [
                "X_API_KEY",
                "X_API_KEY_SECRET",
                "X_ACCESS_TOKEN",
                "X_ACCESS_TOKEN_SECRET",
                "BLUESKY_APP_PASSWORD",
            ] {
                command.env(name, "tok-secret");
            }
            crate::support::Ran::from(command.output().unwrap())
        };
        let cycle = ran(&[]).expect(3);
        let posts = ran(&["posts", "--json"]).expect(0);
        assert!(!format!("{}{}{}", cycle.out, cycle.err, posts.out).contains("tok-secret"));
        posts
    });
    let posts: serde_json::Value = serde_json::from_str(&run.await.unwrap().out).unwrap();
    let status = |target: &str| {
        let mut posts = posts.as_array().unwrap().iter();
        posts.find(|post| post["target"] == target).unwrap()["status"].clone()
    };
    assert_eq!(
        (status("x"), status("bluesky")),
        ("posted".into(), "retry".into()),
        "{posts}"
    );
}

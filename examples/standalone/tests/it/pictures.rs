//! The picture of a page: beside it, in its preview, and in posts.

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{Folder, Ran, SETTINGS, small_site};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const CARD: &str = "presswork-data/site/slug-0/card.png";
const PAGE: &str = "presswork-data/site/slug-0/index.html";

#[test]
fn a_page_has_a_picture_and_its_preview_shows_it() {
    let folder = Folder::new();
    small_site(&folder, 1);
    folder.run(&[]).expect(0);
    let png = std::fs::read(folder.path(CARD)).unwrap();
    assert!(png.starts_with(PNG));
    // Width and height stand first in the header.
    assert_eq!(png[16..24], [1200_u32.to_be_bytes(), 630_u32.to_be_bytes()].concat());
    let html = folder.read(PAGE);
    for tag in [
        r#"<meta property="og:image" content="https://small.example/slug-0/card.png">"#,
        r#"<meta property="og:image:alt" content="A title about key-0 that is long enough">"#,
        r#"<meta name="twitter:card" content="summary_large_image">"#,
        r#""image":["https://small.example/slug-0/card.png"]"#,
    ] {
        assert!(html.contains(tag), "{tag}: {html}");
    }
    let without = SETTINGS.replace("[site]", "[site]\ncards = false");
    folder.write("presswork.toml", without).run(&[]).expect(0);
    let html = folder.read(PAGE);
    assert!(
        html.contains(r#"content="summary""#) && !html.contains("card.png"),
        "{html}"
    );
    assert!(!folder.path(CARD).exists());
}

#[test]
fn a_title_in_letters_that_cannot_be_drawn_has_the_picture_of_the_site() {
    let folder = Folder::new();
    small_site(&folder, 1);
    let templates = folder.read("templates.toml");
    folder.write(
        "templates.toml",
        templates.replace("A title about", "時刻についての長い題名"),
    );
    folder.run(&[]).expect(0);
    assert!(std::fs::read(folder.path(CARD)).unwrap().starts_with(PNG));
}

/// The file that a form carries, and whether the form says what it shows.
fn is_picture(request: &Request) -> bool {
    let at = |what: &[u8]| request.body.windows(what.len()).any(|part| part == what);
    at(PNG) && at(b"A title about key-0")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_mastodon_post_carries_it_and_each_attempt_uploads_it_anew() {
    let server = MockServer::start().await;
    let account = json!({ "id": "1", "username": "me", "acct": "me", "url": "https://m.example/@me" });
    let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    Mock::given(path("/api/v1/accounts/verify_credentials"))
        .respond_with(ok(account.clone()))
        .mount(&server)
        .await;
    for id in ["m2", "m1"] {
        // The one mounted last answers first, once.
        Mock::given(path("/api/v2/media"))
            .and(is_picture)
            .respond_with(ok(
                json!({ "id": id, "type": "image", "url": "https://m.example/1.png" }),
            ))
            .up_to_n_times(1)
            .with_priority(if id == "m1" { 1 } else { 2 })
            .expect(1)
            .mount(&server)
            .await;
    }
    Mock::given(path("/api/v1/statuses"))
        .respond_with(
            |request: &Request| match request.body_json::<Value>().unwrap()["media_ids"][0].as_str() {
                Some("m2") => ResponseTemplate::new(200).set_body_json(json!({
                    "id": "100", "url": "https://m.example/@me/100", "uri": "https://m.example/100", "content": "",
                    "created_at": "2026-11-25T00:00:00.000Z", "visibility": "public",
                })),
                _ => ResponseTemplate::new(429)
                    .insert_header("retry-after", "0")
                    .set_body_json(json!({ "error": "later" })),
            },
        )
        .expect(2)
        .mount(&server)
        .await;
    let target = format!("kind = \"mastodon\"\naccount = \"me\"\nurl = \"{}\"", server.uri());
    let posts = posted(target, "MASTODON_ACCESS_TOKEN").await;
    assert_eq!(
        (&posts[0]["status"], &posts[0]["remote_id"]),
        (&json!("posted"), &json!("100")),
        "{posts}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_card_on_bluesky_shows_it() {
    let server = MockServer::start().await;
    let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    let session = json!({ "did": "did:plc:abc", "handle": "me.example", "accessJwt": "a", "refreshJwt": "r" });
    for name in ["createSession", "getSession"] {
        let name = format!("/xrpc/com.atproto.server.{name}");
        Mock::given(path(name))
            .respond_with(ok(session.clone()))
            .mount(&server)
            .await;
    }
    let blob = json!({ "$type": "blob", "ref": { "$link": "bafkrei" }, "mimeType": "image/png", "size": 9 });
    Mock::given(method("POST"))
        .and(path("/xrpc/com.atproto.repo.uploadBlob"))
        .and(|request: &Request| request.body.starts_with(PNG))
        .respond_with(ok(json!({ "blob": blob })))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/xrpc/com.atproto.repo.putRecord"))
        .respond_with(move |request: &Request| {
            let body: Value = request.body_json().unwrap();
            assert_eq!(body["record"]["embed"]["external"]["thumb"], blob, "{body}");
            let rkey = body["rkey"].as_str().unwrap();
            ResponseTemplate::new(200)
                .set_body_json(json!({ "uri": format!("at://did:plc:abc/app.bsky.feed.post/{rkey}"), "cid": "b" }))
        })
        .expect(1)
        .mount(&server)
        .await;
    let target = format!(
        "kind = \"bluesky\"\naccount = \"me.example\"\nurl = \"{}\"",
        server.uri()
    );
    let posts = posted(target, "BLUESKY_APP_PASSWORD").await;
    assert_eq!(posts[0]["status"], "posted", "{posts}");
}

/// The ledger after as many runs as it takes, three at most.
async fn posted(target: String, variable: &'static str) -> Value {
    let runs = tokio::task::spawn_blocking(move || {
        let folder = Folder::new();
        small_site(&folder, 1);
        folder.write("presswork.toml", format!("{SETTINGS}\n[[target]]\n{target}\n"));
        let run = |args: &[&str]| Ran::from(folder.command(args).env(variable, "tok-secret").output().unwrap());
        for _ in 0..3 {
            if run(&[]).code == 0 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1_100));
        }
        serde_json::from_str(&run(&["posts", "--json"]).expect(0).out).unwrap()
    });
    runs.await.unwrap()
}

//! A page goes to each network that the settings name, and what the network was sent.

use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, body_string_contains, header, header_exists, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{Folder, Ran, SETTINGS, small_site};

const LINK: &str = "https://small.example/slug-0/";

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

async fn posted(target: String, variable: &'static str, secret: &'static str) -> Value {
    posted_with(target, vec![(variable, secret)]).await
}

/// Checks and posts one page twice, with these secrets in the environment; the second run finds nothing to do. The answer is
/// the ledger's row.
async fn posted_with(target: String, secrets: Vec<(&'static str, &'static str)>) -> Value {
    let run = tokio::task::spawn_blocking(move || {
        let folder = Folder::new();
        small_site(&folder, 1);
        folder.write("presswork.toml", format!("{SETTINGS}\n[[target]]\n{target}\n"));
        let run = |args: &[&str]| {
            let ran = Ran::from(folder.command(args).envs(secrets.iter().copied()).output().unwrap());
            let words = format!("{}{}", ran.out, ran.err);
            assert!(!secrets.iter().any(|(_, secret)| words.contains(secret)), "{words}");
            ran
        };
        run(&["check"]).expect(0);
        run(&[]).expect(0);
        run(&[]).expect(0);
        let posts: Value = serde_json::from_str(&run(&["posts", "--json"]).expect(0).out).unwrap();
        posts
    });
    let posts = run.await.unwrap();
    assert_eq!(posts.as_array().unwrap().len(), 1, "{posts}");
    assert_eq!(posts[0]["status"], "posted", "{posts}");
    posts[0].clone()
}

async fn sent(server: &MockServer, wanted: &str) -> Request {
    let requests = server.received_requests().await.unwrap();
    let mut wanted: Vec<_> = requests
        .into_iter()
        .filter(|request| request.url.path() == wanted)
        .collect();
    assert_eq!(wanted.len(), 1);
    wanted.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn bluesky_by_a_session_that_is_kept() {
    let server = MockServer::start().await;
    let session = json!({ "did": "did:plc:abc", "handle": "me.example", "accessJwt": "acc", "refreshJwt": "ref" });
    Mock::given(path("/xrpc/com.atproto.server.createSession"))
        .and(body_partial_json(
            json!({ "identifier": "me.example", "password": "tok-secret" }),
        ))
        .respond_with(ok(session.clone()))
        .expect(1) // four processes, and one session
        .mount(&server)
        .await;
    Mock::given(path("/xrpc/com.atproto.server.getSession"))
        .and(header("authorization", "Bearer acc"))
        .respond_with(ok(session))
        .mount(&server)
        .await;
    Mock::given(path("/xrpc/com.atproto.repo.putRecord"))
        .and(header("authorization", "Bearer acc"))
        .and(body_partial_json(
            json!({ "repo": "did:plc:abc", "collection": "app.bsky.feed.post", "swapRecord": null }),
        ))
        .respond_with(|request: &Request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let key = body["rkey"].as_str().unwrap();
            ok(json!({ "uri": format!("at://did:plc:abc/app.bsky.feed.post/{key}"), "cid": "bafy" }))
        })
        .expect(1)
        .mount(&server)
        .await;
    let target = format!(
        "kind = \"bluesky\"\naccount = \"me.example\"\nurl = \"{}\"",
        server.uri()
    );
    let post = posted(target, "BLUESKY_APP_PASSWORD", "tok-secret").await;
    let body: Value = sent(&server, "/xrpc/com.atproto.repo.putRecord")
        .await
        .body_json()
        .unwrap();
    assert_eq!(body["record"]["embed"]["external"]["uri"], LINK, "{body}");
    assert_eq!(
        post["remote_id"],
        format!("at://did:plc:abc/app.bsky.feed.post/{}", body["rkey"].as_str().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn buffer_and_what_the_network_behind_it_answered() {
    let server = MockServer::start().await;
    let at = "https://x.example/me/status/9";
    for (asked, data) in [
        (
            "query{account{organizations",
            json!({ "account": { "organizations": [{ "id": "o1" }] } }),
        ),
        (
            "query($i:ChannelsInput!)",
            json!({ "channels": [{ "id": "c1", "name": "me", "service": "twitter" }] }),
        ),
        (
            "mutation($i:CreatePostInput!)",
            json!({ "createPost": {
            "__typename": "PostActionSuccess", "post": { "id": "p1", "status": "sending" } } }),
        ),
        (
            "query($i:PostInput!)",
            json!({ "post": { "id": "p1", "status": "sent", "externalLink": at } }),
        ),
    ] {
        Mock::given(method("POST"))
            .and(path("/"))
            .and(header("authorization", "Bearer tok-secret"))
            .and(body_string_contains(asked))
            .respond_with(ok(json!({ "data": data })))
            .mount(&server)
            .await;
    }
    let target = format!(
        "kind = \"buffer\"\naccount = \"c1\"\nservice = \"x\"\nurl = \"{}\"",
        server.uri()
    );
    let post = posted(target, "BUFFER_API_KEY", "tok-secret").await;
    assert_eq!((&post["remote_id"], &post["url"]), (&json!("p1"), &json!(at)));
    let requests = server.received_requests().await.unwrap();
    let bodies = requests.iter().map(|request| request.body_json::<Value>().unwrap());
    let made: Vec<Value> = bodies
        .filter(|body| body["query"].as_str().unwrap().starts_with("mutation"))
        .collect();
    assert_eq!(made.len(), 1);
    let input = &made[0]["variables"]["i"];
    assert_eq!(
        (&input["channelId"], &input["mode"]),
        (&json!("c1"), &json!("shareNow"))
    );
    assert!(input["text"].as_str().unwrap().ends_with(LINK), "{input}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn linkedin_in_the_version_of_the_settings() {
    let server = MockServer::start().await;
    Mock::given(path("/v2/userinfo"))
        .and(header("authorization", "Bearer tok-secret"))
        .respond_with(ok(json!({ "sub": "8675309", "name": "Me" })))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/rest/posts"))
        .and(header("authorization", "Bearer tok-secret"))
        .and(header("linkedin-version", "202607"))
        .and(body_partial_json(
            json!({ "author": "urn:li:person:8675309", "content": { "article": { "source": LINK } } }),
        ))
        .respond_with(ResponseTemplate::new(201).insert_header("x-restli-id", "urn:li:share:77"))
        .expect(1)
        .mount(&server)
        .await;
    let target = format!(
        "kind = \"linkedin\"\naccount = \"urn:li:person:8675309\"\napi_version = \"202607\"\nurl = \"{}\"",
        server.uri()
    );
    let post = posted(target, "LINKEDIN_ACCESS_TOKEN", "tok-secret").await;
    assert_eq!(post["remote_id"], "urn:li:share:77");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn linkedin_by_a_token_that_was_renewed() {
    let server = MockServer::start().await;
    let ended = ResponseTemplate::new(401).set_body_json(json!({
        "status": 401, "code": "EXPIRED_ACCESS_TOKEN", "message": "The token used in the request has expired"
    }));
    Mock::given(header("authorization", "Bearer tok-ended"))
        .respond_with(ended)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/oauth/v2/accessToken"))
        .and(body_string_contains("grant_type=refresh_token"))
        .and(body_string_contains("refresh_token=tok-refresh"))
        .and(body_string_contains("client_id=tok-id"))
        .and(body_string_contains("client_secret=tok-client"))
        .respond_with(ok(json!({
            "access_token": "tok-next", "expires_in": 5_184_000,
            "refresh_token": "tok-refresh", "refresh_token_expires_in": 525_600
        })))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/v2/userinfo"))
        .and(header("authorization", "Bearer tok-next"))
        .respond_with(ok(json!({ "sub": "1", "name": "Me" })))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/rest/posts"))
        .and(header("authorization", "Bearer tok-next"))
        .respond_with(ResponseTemplate::new(201).insert_header("x-restli-id", "urn:li:share:78"))
        .expect(1)
        .mount(&server)
        .await;
    let target = format!(
        "kind = \"linkedin\"\naccount = \"urn:li:person:1\"\napi_version = \"202607\"\nurl = \"{}\"",
        server.uri()
    );
    let secrets = vec![
        ("LINKEDIN_ACCESS_TOKEN", "tok-ended"),
        ("LINKEDIN_REFRESH_TOKEN", "tok-refresh"),
        ("LINKEDIN_CLIENT_ID", "tok-id"),
        ("LINKEDIN_CLIENT_SECRET", "tok-client"),
    ];
    let post = posted_with(target, secrets).await;
    assert_eq!(post["remote_id"], "urn:li:share:78");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn threads_by_a_token_that_was_renewed() {
    let server = MockServer::start().await;
    Mock::given(path("/refresh_access_token"))
        .and(query_param("grant_type", "th_refresh_token"))
        .and(header("authorization", "Bearer tok-secret"))
        .respond_with(ok(
            json!({ "access_token": "tok-next", "token_type": "bearer", "expires_in": 5_184_000 }),
        ))
        .expect(1)
        .mount(&server)
        .await;
    for (at, answer) in [
        ("/v1.0/me", json!({ "id": "7", "username": "me" })),
        ("/v1.0/7/threads", json!({ "id": "container" })),
        ("/v1.0/7/threads_publish", json!({ "id": "99" })),
        (
            "/v1.0/99",
            json!({ "id": "99", "permalink": "https://threads.example/99" }),
        ),
    ] {
        Mock::given(path(at))
            .and(header("authorization", "Bearer tok-next"))
            .respond_with(ok(answer))
            .mount(&server)
            .await;
    }
    let target = format!("kind = \"threads\"\naccount = \"me\"\nurl = \"{}\"", server.uri());
    let post = posted(target, "THREADS_ACCESS_TOKEN", "tok-secret").await;
    assert_eq!(
        (&post["remote_id"], &post["url"]),
        (&json!("99"), &json!("https://threads.example/99"))
    );
    let published = sent(&server, "/v1.0/7/threads_publish").await;
    assert_eq!(String::from_utf8(published.body).unwrap(), "creation_id=container");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_webhook_signed_and_by_an_id_of_the_post() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/hook/tok-in-path"))
        .and(header_exists("webhook-timestamp"))
        .and(header_exists("webhook-signature"))
        .and(body_partial_json(
            json!({ "type": "post.publish", "data": { "link": LINK } }),
        ))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let target = format!(
        "kind = \"webhook\"\naccount = \"own\"\nurl = \"{}/hook/tok-in-path\"",
        server.uri()
    );
    let post = posted(target, "WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").await;
    let request = sent(&server, "/hook/tok-in-path").await;
    assert_eq!(post["remote_id"], request.headers["webhook-id"].to_str().unwrap());
    assert_eq!(post["account"], "webhook/own");
}

#[test]
fn what_each_kind_lacks_is_named() {
    for (target, words) in [
        (
            "kind = \"linkedin\"\naccount = \"urn:li:person:1\"",
            &["target linkedin: api_version is missing"][..],
        ),
        (
            "kind = \"linkedin\"\napi_version = \"202607\"",
            &["target linkedin: account is missing"],
        ),
        (
            "kind = \"linkedin\"\naccount = \"urn:li:person:1\"\napi_version = \"202607\"",
            &["LINKEDIN_ACCESS_TOKEN is missing", "urn:li:person:1"],
        ),
        (
            "kind = \"threads\"\naccount = \"me\"",
            &["THREADS_ACCESS_TOKEN is missing", "threads (me)"],
        ),
        (
            "kind = \"threads\"\naccount = \"me\"\nservice = \"x\"",
            &["target threads: service is not used"],
        ),
        ("kind = \"webhook\"", &["target webhook: url is missing"]),
        (
            "kind = \"webhook\"\nurl = \"https://a.example/tok-in-path\"",
            &["WEBHOOK_SECRET is missing"],
        ),
    ] {
        let folder = Folder::new();
        small_site(&folder, 1);
        folder.write("presswork.toml", format!("{SETTINGS}\n[[target]]\n{target}\n"));
        let ran = folder.run(&[]).expect(2).says(words);
        assert!(!ran.err.contains("tok-in-path"), "{}", ran.err);
    }
    for (target, variable, words) in [
        (
            "kind = \"webhook\"\nurl = \"https://a.example/h\"",
            "WEBHOOK_SECRET",
            "whsec_",
        ),
        (
            "kind = \"linkedin\"\naccount = \"me\"\napi_version = \"202607\"",
            "LINKEDIN_ACCESS_TOKEN",
            "urn:li:person",
        ),
        (
            "kind = \"linkedin\"\naccount = \"urn:li:person:1\"\napi_version = \"1\"",
            "LINKEDIN_ACCESS_TOKEN",
            "202607",
        ),
    ] {
        let folder = Folder::new();
        small_site(&folder, 1);
        folder.write("presswork.toml", format!("{SETTINGS}\n[[target]]\n{target}\n"));
        folder.run_with(variable, "tok-secret", &[]).expect(2).says(&[words]);
    }
}

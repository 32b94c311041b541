//! Every answer a server is known to give, and the condition it becomes.

use std::time::Duration;

use presswork_social::{Attempt, Error, Media, Post, SocialTarget, conformance::Harness};
use serde_json::json;

use super::Site;
use crate::{
    clock::{START_MS, iso},
    server::Reply,
    site::World as _,
};

async fn publish_into(reply: Reply) -> Error {
    let site = Site::with(|builder| builder).await;
    site.script([reply]);
    let error = site
        .target
        .publish(&Post::new("text").idempotency_key("k"))
        .await
        .unwrap_err();
    assert_eq!(site.seen().len(), 1, "publish makes one request");
    assert!(!(error.is_unknown() && error.is_retryable()), "{error:?}");
    error
}

macro_rules! answers {
    ($($name:ident: $reply:expr => $pattern:pat $(if $guard:expr)?),+ $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            let error = publish_into($reply).await;
            assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
        }
    )+};
}

fn page(status: u16) -> Reply {
    Reply::Answer {
        status,
        headers: Vec::new(),
        body: b"<html><h1>Bad gateway</h1>".to_vec(),
    }
}

answers! {
    invalid_token: Reply::error(401, "The access token is invalid") => Error::Unauthenticated { report } if report.status == Some(401),
    missing_scope: Reply::error(403, "This action is outside the authorized scopes") => Error::Forbidden { .. },
    disabled_login: Reply::error(403, "Your login is currently disabled") => Error::PauseAccount { .. },
    missing_parent: Reply::error(404, "Record not found") => Error::Rejected { .. },
    validation: Reply::error(422, "Validation failed: Text character limit of 500 exceeded")
        => Error::Rejected { field: Some(field), .. } if field == "text",
    gotosocial_validation: Reply::error(400, "Bad Request: no content") => Error::Rejected { .. },
    processing_media: Reply::error(422, "Cannot attach files that have not finished processing. Try again in a moment!")
        => error @ Error::MediaNotReady { .. } if error.is_retryable() && error.retry_after() == Some(Duration::from_secs(10)),
    attached_media: Reply::error(422, "Media 1 not found or already attached to another post")
        => error @ Error::Duplicate { .. } if error.is_unknown(),
    rate_limit_by_reset: Reply::error(429, "Too many requests").with("x-ratelimit-reset", iso(START_MS + 90_000))
        => error @ Error::RateLimited { .. } if error.retry_after() == Some(Duration::from_secs(90)),
    retry_after_wins_over_reset: Reply::error(429, "overload").with("retry-after", "30").with("x-ratelimit-reset", iso(START_MS + 90_000))
        => error @ Error::RateLimited { .. } if error.retry_after() == Some(Duration::from_secs(30)),
    rate_limit_without_a_time: Reply::error(429, "Too many requests") => Error::RateLimited { retry_after: None, .. },
    overload_with_retry_after: page(503).with("retry-after", "30")
        => error @ Error::Unavailable { .. } if error.is_retryable() && error.retry_after() == Some(Duration::from_secs(30)),
    overload_without_retry_after: page(503) => Error::Unknown { evidence, .. } if evidence.status == Some(503),
    bad_gateway: page(502).with("x-request-id", "req-1")
        => Error::Unknown { evidence, .. } if evidence.request_id.as_deref() == Some("req-1") && evidence.note.contains("Bad gateway"),
    gateway_timeout: page(504) => Error::Unknown { .. },
    server_error: page(500) => Error::Unknown { .. },
    request_timeout: page(408) => Error::Unknown { .. },
    redirect: page(301).with("location", "http://127.0.0.1:1/") => Error::Rejected { report, .. } if report.message.contains("redirects"),
    dropped_as_spam: Reply::json(200, &json!({"id": null, "content": "<p>text</p>"})) => Error::Unknown { .. },
    id_of_nothing: Reply::json(200, &json!({"id": "", "content": "<p>text</p>"})) => Error::Unknown { .. },
    empty_success: Reply::Answer { status: 200, headers: Vec::new(), body: Vec::new() } => Error::Unknown { .. },
    cut_off_success: Reply::CutOff { status: 200, body: br#"{"id":"1","content":"<p>text</p>"}"#.to_vec() } => Error::Unknown { .. },
    endless_success: Reply::Answer { status: 200, headers: Vec::new(), body: vec![b' '; 2 * 1024 * 1024] }
        => Error::Unknown { evidence, .. } if evidence.note.contains("longer than"),
    cut_off_refusal: Reply::CutOff { status: 401, body: b"{\"error\":\"x\"}".to_vec() } => Error::Unauthenticated { .. },
}

#[tokio::test]
async fn what_changes_nothing_visible_is_retryable_where_a_publish_is_unknown() {
    let site = Site::with(|builder| builder).await;
    for reply in [
        page(500),
        page(502),
        Reply::json(200, &json!({})),
        Reply::Reset,
        page(408),
    ] {
        for call in ["check", "upload"] {
            site.script([reply.clone()]);
            let error = match call {
                "check" => site.target.check().await.unwrap_err(),
                _ => site
                    .target
                    .upload(&Media::new(&b"\x89PNG"[..], "image/png"))
                    .await
                    .unwrap_err(),
            };
            assert!(
                error.is_retryable() && !error.is_unknown(),
                "{call} {reply:?}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_read_says_nothing_of_the_post() {
    let site = Site::with(|builder| builder).await;
    let attempt = Attempt::new(Post::new("text"), site.now_ms());
    for page in [
        json!({}),
        json!([{"created_at": iso(START_MS)}]),
        json!([{"id": 7}]),
        json!([{"id": "7"}]),
    ] {
        let reply = Reply::json(200, &page);
        site.world.lock().unwrap().common().instead = Some(("/statuses", reply));
        let error = site.target.reconcile(&attempt).await.unwrap_err();
        assert!(error.is_retryable() && !error.is_unknown(), "{page}: {error:?}");
    }
}

#[tokio::test]
async fn errors_read_well_and_are_bounded() {
    let long = publish_into(Reply::error(422, &format!("Validation failed: {}", "é".repeat(9_000)))).await;
    assert!(long.to_string().chars().count() < 600);
    let error =
        publish_into(Reply::error(403, "This action is outside the authorized scopes").with("x-request-id", "req-9"))
            .await;
    assert_eq!(
        error.to_string(),
        "mastodon (403, request req-9): This action is outside the authorized scopes"
    );
}

use super::*;

fn peer() -> Peer {
    Peer {
        provider: "p".to_owned(),
        host: "h".to_owned(),
        is_cloudflare: false,
        secrets: Arc::new([]),
    }
}

fn error(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Error {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    error_of(&peer(), status, &headers, body.as_bytes())
}

#[test]
fn the_body_decides_before_the_status() {
    for (status, body, condition, retryable) in [
        (
            429,
            r#"{"error":{"message":"slow","type":"requests","code":"rate_limit_exceeded"}}"#,
            "rate_limited",
            true,
        ),
        (
            429,
            r#"{"error":{"message":"pay","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            "quota_exhausted",
            false,
        ),
        (
            429,
            r#"{"error":{"message":"pay","code":"credit_balance_exhausted"}}"#,
            "quota_exhausted",
            false,
        ),
        (429, "", "rate_limited", true),
        (
            503,
            r#"{"error":{"message":"slower","code":"slow_down"}}"#,
            "rate_limited",
            true,
        ),
        (
            503,
            r#"{"error":{"message":"m","code":"server_is_overloaded"}}"#,
            "unavailable",
            true,
        ),
        (
            400,
            r#"{"error":{"message":"m","code":"image_too_large"}}"#,
            "rejected",
            false,
        ),
        (
            400,
            r#"{"error":{"message":"m","code":"tool_use_failed","failed_generation":"x"}}"#,
            "malformed",
            true,
        ),
        (
            498,
            r#"{"error":{"message":"flex","code":"capacity_exceeded"}}"#,
            "rate_limited",
            true,
        ),
        (
            402,
            r#"{"error":{"message":"credits","code":402}}"#,
            "quota_exhausted",
            false,
        ),
        (
            400,
            r#"{"error":{"message":"m","type":"invalid_request_error","code":null}}"#,
            "rejected",
            false,
        ),
        (
            400,
            r#"{"error":{"message":"m","code":"content_policy_violation"}}"#,
            "refused",
            false,
        ),
        (
            400,
            r#"{"error":{"message":"m","code":"json_validate_failed","failed_generation":"{"}}"#,
            "malformed",
            true,
        ),
        (
            401,
            r#"{"error":{"message":"m","code":"invalid_api_key"}}"#,
            "unauthenticated",
            false,
        ),
        (403, r#"{"message":"m"}"#, "unauthenticated", false),
        (
            404,
            r#"{"error":"model 'x' not found, try pulling it first"}"#,
            "model_not_found",
            false,
        ),
        (408, "", "unavailable", true),
        (409, "", "unavailable", true),
        (413, "", "rejected", false),
        (
            422,
            r#"{"detail":[{"loc":["body"],"msg":"m","type":"t"}]}"#,
            "rejected",
            false,
        ),
        (500, "<html>oops</html>", "unavailable", true),
        (502, "", "unavailable", true),
        (
            503,
            r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
            "unavailable",
            true,
        ),
        (529, "", "unavailable", true),
        (302, "", "config", false),
    ] {
        let error = error(status, &[], body);
        assert_eq!(
            (error.condition(), error.is_retryable()),
            (condition, retryable),
            "{status} {body}"
        );
        assert_eq!(error.failure().status, Some(status));
    }
}

#[test]
fn every_dialect_of_an_error_is_read() {
    for (body, message, code) in [
        (r#"{"error":{"message":"m","type":"t","code":"c"}}"#, "h: m", Some("c")),
        (r#"{"error":{"message":"m","type":"t"}}"#, "h: m", Some("t")),
        (r#"{"error":"m"}"#, "h: m", None),
        (r#"[{"error":{"message":"m","code":400}}]"#, "h: m", Some("400")),
        (r#"{"errors":[{"code":7003,"message":"m"}]}"#, "h: m", Some("7003")),
        (
            r#"{"object":"error","message":"m","type":"t","code":1}"#,
            "h: m",
            Some("1"),
        ),
        (r#"{"detail":"m"}"#, "h: m", None),
        ("<h1>m</h1>", "h: <h1>m</h1>", None),
        ("", "h: no details", None),
    ] {
        let error = error(400, &[], body);
        assert_eq!(error.failure().message, message, "{body}");
        assert_eq!(error.failure().code.as_deref(), code, "{body}");
    }
    assert!(error(404, &[], "<html>").to_string().contains("is the base URL right?"));
    let long = error(500, &[], &"é".repeat(100_000));
    assert!(long.failure().message.chars().count() <= 500);
}

#[test]
fn headers_say_when_and_whether() {
    let error_with = |headers| error(429, headers, r#"{"error":{"message":"Please try again in 2s"}}"#);
    let told = error_with(&[("retry-after-ms", "1500"), ("x-request-id", "req_1")]);
    assert_eq!(told.retry_after(), Some(std::time::Duration::from_millis(1500)));
    assert_eq!(told.failure().request_id.as_deref(), Some("req_1"));
    assert_eq!(error_with(&[]).retry_after(), Some(std::time::Duration::from_secs(2)));
    assert!(!error_with(&[("x-should-retry", "false")]).is_retryable());
    assert!(error(400, &[("x-should-retry", "true")], "").is_retryable());
    let quota = r#"{"error":{"message":"m","code":"insufficient_quota"}}"#;
    let quota = error(429, &[("x-should-retry", "true"), ("retry-after", "1")], quota);
    assert!(!quota.is_retryable() && quota.retry_after().is_none() && quota.is_provider_fault());
}

#[test]
fn an_error_under_a_success_goes_by_its_code() {
    for (json, condition) in [
        (serde_json::json!({ "code": 429, "message": "m" }), "rate_limited"),
        (serde_json::json!({ "code": 502, "message": "m" }), "unavailable"),
        (
            serde_json::json!({ "message": "m", "type": "server_error" }),
            "unavailable",
        ),
        (
            serde_json::json!({ "message": "m", "type": "invalid_request_error" }),
            "rejected",
        ),
    ] {
        let told = Told::of(&json).unwrap();
        assert_eq!(
            error_told(&peer(), Some(200), &HeaderMap::new(), told).condition(),
            condition,
            "{json}"
        );
    }
}

#[tokio::test]
async fn what_comes_after_the_deadline_is_not_read() {
    let server = wiremock::MockServer::start().await;
    let answer = wiremock::ResponseTemplate::new(200).set_body_string("late");
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(answer)
        .mount(&server)
        .await;
    let request = reqwest::Request::new(reqwest::Method::POST, server.uri().parse().unwrap());
    let minute = std::time::Duration::from_secs(60);
    let exchanged = platform::exchange(&reqwest::Client::new(), request, minute).await;
    let (_, _, mut body) = exchanged.unwrap();
    tokio::time::pause();
    tokio::time::advance(minute).await;
    let error = transport(&peer(), body.chunk().await.unwrap_err());
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
}

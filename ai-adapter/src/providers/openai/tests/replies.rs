//! Whole replies in every dialect, and connections that give none.

use super::*;

#[tokio::test]
async fn a_full_reply_is_read_in_full() {
    let body = json!({
        "model": "m-2026", "choices": [{ "message": { "content": "Hi" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": { "cached_tokens": 4 },
                   "completion_tokens_details": { "reasoning_tokens": 3 } },
    });
    let answer = ResponseTemplate::new(200)
        .set_body_json(body)
        .insert_header("x-request-id", "req_7");
    let response = answering(answer).await.1.generate(&hello()).await.unwrap();
    let usage = Usage {
        input_tokens: Some(10),
        output_tokens: Some(5),
        cached_input_tokens: Some(4),
        reasoning_tokens: Some(3),
        ..Usage::default()
    };
    assert_eq!(response.usage, usage);
    assert_eq!(
        (response.model.as_str(), response.request_id.as_deref()),
        ("m-2026", Some("req_7"))
    );
    assert_eq!(
        (response.finish, response.finish_raw.as_deref()),
        (FinishReason::Stop, Some("stop"))
    );
    assert!(response.attempts[0].latency.is_some());
}

#[tokio::test]
async fn compatible_replies_are_read_leniently() {
    for (choice, text, finish) in [
        (
            json!({ "message": { "content": "x" }, "finish_reason": null }),
            "x",
            FinishReason::Unspecified,
        ),
        (
            json!({ "message": { "content": "x" }, "finish_reason": "" }),
            "x",
            FinishReason::Unspecified,
        ),
        (
            json!({ "message": { "content": "x" }, "finish_reason": "abort" }),
            "x",
            FinishReason::Other("abort".into()),
        ),
        (
            json!({ "message": { "content": "x" }, "finish_reason": "model_length" }),
            "x",
            FinishReason::Length,
        ),
        (
            json!({ "message": { "content": null }, "finish_reason": "length" }),
            "",
            FinishReason::Length,
        ),
        (
            json!({ "message": { "content": "x" }, "finish_reason": "content_filter" }),
            "x",
            FinishReason::ContentFilter,
        ),
        (
            json!({ "message": { "content": { "a": 1 } } }),
            "{\"a\":1}",
            FinishReason::Unspecified,
        ),
        (
            json!({ "message": { "content": [{ "type": "thinking", "thinking": [] }, { "type": "text", "text": "x" }] } }),
            "x",
            FinishReason::Unspecified,
        ),
        (
            json!({ "message": { "content": "x", "role": null }, "index": null, "delta": null }),
            "x",
            FinishReason::Unspecified,
        ),
    ] {
        let response = reply_to(json!({ "id": null, "choices": [choice], "usage": null, "error": null }))
            .await
            .unwrap();
        assert_eq!((response.text.as_str(), &response.finish), (text, &finish), "{choice}");
        assert_eq!(response.usage, Usage::default());
    }
    let odd = json!({ "choices": [{ "message": { "content": "x" } }],
                      "usage": { "prompt_tokens": 3.0, "completion_tokens": "many", "prompt_cache_hit_tokens": 2 } });
    let usage = reply_to(odd).await.unwrap().usage;
    assert_eq!(
        (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens),
        (Some(3), None, Some(2))
    );
}

#[tokio::test]
async fn tool_calls_in_every_spelling() {
    for (message, want) in [
        (
            json!({ "tool_calls": [{ "id": "a", "function": { "name": "f", "arguments": "{\"x\":1}" } }] }),
            ("a", "{\"x\":1}"),
        ),
        (
            json!({ "content": null, "tool_calls": [{ "function": { "name": "f", "arguments": { "x": 1 } } }] }),
            ("call_0", "{\"x\":1}"),
        ),
        (
            json!({ "tool_calls": [{ "id": "", "index": 0, "function": { "name": "f", "arguments": "" } }] }),
            ("call_0", ""),
        ),
        (
            json!({ "function_call": { "name": "f", "arguments": "{}" } }),
            ("call_0", "{}"),
        ),
    ] {
        let response = reply_to(json!({ "choices": [{ "message": message, "finish_reason": "stop" }] }))
            .await
            .unwrap();
        assert_eq!(response.tool_calls, [ToolCall::new(want.0, "f", want.1)], "{message}");
        assert_eq!(response.finish, FinishReason::ToolCalls);
    }
}

#[tokio::test]
async fn a_success_that_is_an_error_is_one() {
    for (body, condition) in [
        (json!({ "error": { "code": 429, "message": "m" } }), "rate_limited"),
        (json!({ "error": { "code": 402, "message": "m" } }), "quota_exhausted"),
        (json!([{ "error": { "code": 400, "message": "m" } }]), "rejected"),
        (
            json!({ "choices": [{ "message": { "content": "" }, "finish_reason": "error" }] }),
            "unavailable",
        ),
        (
            json!({ "choices": [{ "message": { "content": "x" }, "finish_reason": "insufficient_system_resource" }] }),
            "unavailable",
        ),
        (json!({ "choices": [] }), "malformed"),
        (json!({ "hello": "world" }), "malformed"),
        (json!("hello"), "malformed"),
    ] {
        assert_eq!(
            reply_to(body.clone()).await.unwrap_err().condition(),
            condition,
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_unreachable_server_is_named_plainly() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = model_at(&format!("http://{address}/v1"))
        .generate(&hello())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("openai: cannot connect to {address}: ")),
        "{text}"
    );
    assert!(text.contains("refused") && !text.contains("/v1"), "{text}");
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn a_huge_body_is_refused() {
    let (_server, model) = answering(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 17 * 1024 * 1024])).await;
    let error = model.generate(&hello()).await.unwrap_err();
    assert!(
        matches!(error, Error::Malformed(_)) && error.to_string().contains("16 MiB"),
        "{error}"
    );
}

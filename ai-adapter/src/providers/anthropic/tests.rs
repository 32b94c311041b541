//! Requests byte for byte, and every block, event and reason of the Messages API.

use futures_util::StreamExt;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::{
    Error, FinishReason, Message, ReasoningEffort, ResponseSchema, StreamEvent, Tool, ToolCall, ToolChoice, Usage,
};

const KEY: &str = "sk-ant-secret-abcdefghijklmnop";

async fn answering(
    answer: ResponseTemplate,
    set: impl FnOnce(AnthropicBuilder) -> AnthropicBuilder,
) -> (MockServer, Anthropic) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/messages"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let model = Anthropic::builder("claude-sonnet-4-5")
        .api_key(KEY)
        .base_url(server.uri());
    let model = set(model).build().unwrap();
    (server, model)
}

fn hello() -> TextRequest {
    TextRequest::user("Hi")
}

fn reply(content: Value, stop_reason: &str) -> Value {
    json!({ "type": "message", "model": "m-1", "content": content, "stop_reason": stop_reason, "usage": { "input_tokens": 1 } })
}

async fn reply_to(body: Value) -> Result<TextResponse> {
    let answer = ResponseTemplate::new(200).set_body_json(body);
    answering(answer, |it| it).await.1.generate(&hello()).await
}

async fn stream_of(events: &[Value], request: TextRequest) -> Vec<Result<StreamEvent>> {
    let body: String = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect();
    let answer = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
    let (_server, model) = answering(answer, |it| it).await;
    let stream = model.stream(&request).await.unwrap();
    let events = stream.filter(|event| std::future::ready(!matches!(event, Ok(StreamEvent::Ping))));
    events.collect().await
}

#[tokio::test]
async fn the_request_is_exactly_what_the_api_takes() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string", "maxLength": 5 } } });
    let request = hello()
        .system("Be brief.")
        .message(Message::tool_calls([
            ToolCall::new("t1", "look_up", "{\"q\":1.50}"),
            ToolCall::new("t2", "look_up", "not JSON"),
        ]))
        .message(Message::tool_result("t1", "42"))
        .message(Message::tool_result("t2", "43"))
        .message(Message::user("And now?"))
        .max_output_tokens(50)
        .temperature(0.5)
        .top_p(0.9)
        .stop("END")
        .schema(ResponseSchema::new("page", schema))
        .tool(Tool::new("look_up", "Looks up.", json!({ "type": "object" })))
        .tool_choice(ToolChoice::Named("look_up".into()))
        .reasoning_effort(ReasoningEffort::High);
    let answer = ResponseTemplate::new(200).set_body_json(reply(json!([{ "type": "text", "text": "x" }]), "end_turn"));
    let (server, model) = answering(answer, |it| {
        it.prompt_cache(PromptCache::OneHour).user_id("u1").beta("a").beta("b")
    })
    .await;
    model.generate(&request).await.unwrap();
    let cached = json!({ "type": "ephemeral", "ttl": "1h" });
    let want = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 50,
        "system": [{ "type": "text", "text": "Be brief.", "cache_control": cached }],
        "messages": [
            { "role": "user", "content": [{ "type": "text", "text": "Hi" }] },
            { "role": "assistant", "content": [
                { "type": "tool_use", "id": "t1", "name": "look_up", "input": { "q": 1.5 } },
                { "type": "tool_use", "id": "t2", "name": "look_up", "input": {} }] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t1", "content": "42" },
                { "type": "tool_result", "tool_use_id": "t2", "content": "43" },
                { "type": "text", "text": "And now?", "cache_control": cached }] },
        ],
        "temperature": 0.5, "top_p": 0.9, "stop_sequences": ["END"],
        "tools": [{ "name": "look_up", "description": "Looks up.", "input_schema": { "type": "object" } }],
        "tool_choice": { "type": "tool", "name": "look_up" },
        "output_config": { "effort": "high", "format": { "type": "json_schema", "schema": {
            "type": "object", "properties": { "a": { "type": "string", "description": "(maxLength 5)" } },
            "required": [], "additionalProperties": false } } },
        "metadata": { "user_id": "u1" },
    });
    let sent = &server.received_requests().await.unwrap()[0];
    assert_eq!(sent.body_json::<Value>().unwrap(), want);
    assert_eq!(
        (&sent.headers["x-api-key"], &sent.headers["anthropic-beta"]),
        (&KEY.parse().unwrap(), &"a,b".parse().unwrap())
    );
    assert!(
        String::from_utf8_lossy(&sent.body).contains("1.50"),
        "arguments go back as they were written"
    );
}

#[tokio::test]
async fn thinking_is_asked_for_and_closes_what_it_excludes() {
    let answer = ResponseTemplate::new(200).set_body_json(reply(json!([{ "type": "text", "text": "x" }]), "end_turn"));
    let (server, model) = answering(answer, |it| it.thinking(Thinking::Budget(2048))).await;
    model.generate(&hello()).await.unwrap();
    model
        .generate(&hello().reasoning_effort(ReasoningEffort::None))
        .await
        .unwrap();
    let bodies: Vec<Value> = server
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(|sent| sent.body_json().unwrap())
        .collect();
    assert_eq!(
        bodies[0]["thinking"],
        json!({ "type": "enabled", "budget_tokens": 2048 })
    );
    assert_eq!(bodies[1]["thinking"], json!({ "type": "disabled" }));
    let can = model.capabilities();
    assert!(!can.forced_tool && !can.sampling && can.native_schema);
}

#[test]
fn what_a_model_refuses_follows_from_its_id() {
    let can = |model: &str| Anthropic::builder(model).api_key("k").build().unwrap().capabilities();
    assert!(can("claude-sonnet-4-5").sampling && can("claude-sonnet-4-5").forced_tool);
    assert!(!can("claude-opus-4-7-20260101").sampling && can("claude-opus-4-7").forced_tool);
    assert!(!can("claude-sonnet-5-5").forced_tool);
    assert!(!can("claude-3-haiku-20240307").native_schema && can("claude-3-haiku-20240307").forced_tool);
    assert!(!can("claude-sonnet-4-20250514").native_schema);
    let new = Anthropic::builder("claude-sonnet-4-5")
        .api_key("k")
        .version("2026-10-21")
        .build()
        .unwrap();
    assert!(!new.capabilities().sampling);
    let forced = Anthropic::builder("claude-sonnet-5-5")
        .api_key("k")
        .capabilities(Capabilities::all())
        .build()
        .unwrap();
    assert!(forced.capabilities().forced_tool);
    for (builder, reason) in [
        (Anthropic::builder("m"), "needs an API key"),
        (
            Anthropic::builder("m").api_key("k").max_output_tokens(0),
            "output limit is zero",
        ),
        (
            Anthropic::builder("m").api_key("k").thinking(Thinking::Budget(10)),
            "thinking budget",
        ),
        (
            Anthropic::builder("m").api_key("k").version("a\nb"),
            "anthropic-version",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error, Error::Config(_)) && error.to_string().contains(reason),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_whole_reply_is_read_by_its_blocks() {
    let content = json!([
        { "type": "thinking", "thinking": "hm", "signature": "sig" },
        { "type": "redacted_thinking", "data": "xx" },
        { "type": "text", "text": "Hel", "citations": null },
        { "type": "server_tool_use", "id": "s1", "name": "web_search", "input": { "q": "x" } },
        { "type": "text", "text": "lo." },
        { "type": "tool_use", "id": "t1", "name": "f", "input": { "x": 1 } },
    ]);
    let mut body = reply(content.clone(), "tool_use");
    body["usage"] = json!({ "input_tokens": 10, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 5,
        "output_tokens": 7, "output_tokens_details": { "thinking_tokens": 4 } });
    let answer = ResponseTemplate::new(200).set_body_json(body);
    let (server, model) = answering(answer, |it| it).await;
    let request = hello().tool(Tool::new("f", "", json!({ "type": "object" })));
    let response = model.generate(&request).await.unwrap();
    assert_eq!(
        (response.text.as_str(), response.finish.clone()),
        ("Hello.", FinishReason::ToolCalls)
    );
    assert_eq!(response.tool_calls, [ToolCall::new("t1", "f", "{\"x\":1}")]);
    let usage = Usage {
        input_tokens: Some(18),
        output_tokens: Some(7),
        cached_input_tokens: Some(5),
        cache_write_tokens: Some(3),
        reasoning_tokens: Some(4),
    };
    assert_eq!(response.usage, usage);
    // The turn goes back block by block as it came.
    let next = request
        .message(response.message())
        .message(Message::tool_result("t1", "1"));
    model.generate(&next).await.unwrap();
    let sent: Value = server.received_requests().await.unwrap()[1].body_json().unwrap();
    assert_eq!(sent["messages"][1]["content"], content);
}

#[tokio::test]
async fn every_reason_has_its_meaning() {
    let text = json!([{ "type": "text", "text": "x" }]);
    for (reason, finish) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("pause_turn", FinishReason::Pause),
        ("refusal", FinishReason::ContentFilter),
        ("something_new", FinishReason::Other("something_new".into())),
    ] {
        let response = reply_to(reply(text.clone(), reason)).await.unwrap();
        assert_eq!(
            (response.finish, response.finish_raw.as_deref()),
            (finish, Some(reason))
        );
        assert_eq!(response.refusal.is_some(), reason == "refusal");
    }
}

#[tokio::test]
async fn every_error_has_its_condition() {
    for (status, kind, details, condition, retryable) in [
        (400, "invalid_request_error", Value::Null, "rejected", false),
        (401, "authentication_error", Value::Null, "unauthenticated", false),
        (402, "billing_error", Value::Null, "quota_exhausted", false),
        (403, "permission_error", Value::Null, "unauthenticated", false),
        (404, "not_found_error", Value::Null, "model_not_found", false),
        (409, "conflict_error", Value::Null, "unavailable", true),
        (413, "request_too_large", Value::Null, "rejected", false),
        (429, "rate_limit_error", Value::Null, "rate_limited", true),
        (
            429,
            "rate_limit_error",
            json!({ "error_code": "ramp_limit_exceeded" }),
            "rate_limited",
            true,
        ),
        (
            429,
            "rate_limit_error",
            json!({ "error_code": "contract_spend_limit_reached" }),
            "quota_exhausted",
            false,
        ),
        (
            429,
            "rate_limit_error",
            json!({ "error_code": "enforced_spend_limit_reached" }),
            "quota_exhausted",
            false,
        ),
        (500, "api_error", Value::Null, "unavailable", true),
        (504, "timeout_error", Value::Null, "unavailable", true),
        (529, "overloaded_error", Value::Null, "unavailable", true),
    ] {
        let body = json!({ "type": "error", "error": { "type": kind, "message": "m", "details": details }, "request_id": "req_1" });
        let answer = ResponseTemplate::new(status).set_body_json(&body);
        let error = answering(answer, |it| it).await.1.generate(&hello()).await.unwrap_err();
        assert_eq!(
            (error.condition(), error.is_retryable()),
            (condition, retryable),
            "{kind} {details}"
        );
        assert_eq!(error.failure().request_id.as_deref(), Some("req_1"));
        // The same inside a stream, where there is no status.
        let mut events = stream_of(&[body], hello()).await;
        let streamed = events.pop().unwrap().unwrap_err();
        if kind != "conflict_error" {
            assert_eq!(streamed.condition(), condition, "{kind} in a stream");
        }
    }
    let own_limit = json!({ "type": "error", "error": { "type": "invalid_request_error",
        "message": "You have reached your specified API usage limits. You will regain access on 2026-12-01." } });
    let answer = ResponseTemplate::new(400).set_body_json(own_limit);
    let error = answering(answer, |it| it).await.1.generate(&hello()).await.unwrap_err();
    assert!(matches!(error, Error::QuotaExhausted(_)));
}

#[tokio::test]
async fn every_event_of_a_stream_is_understood_or_passed_over() {
    let start =
        |index: usize, block: Value| json!({ "type": "content_block_start", "index": index, "content_block": block });
    let delta = |index: usize, delta: Value| json!({ "type": "content_block_delta", "index": index, "delta": delta });
    let mut message = reply(json!([]), "");
    message["stop_reason"] = Value::Null;
    message["usage"] = json!({ "input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1 });
    let events = [
        json!({ "type": "message_start", "message": message }),
        start(0, json!({ "type": "thinking", "thinking": "", "signature": "" })),
        json!({ "type": "ping" }),
        delta(0, json!({ "type": "thinking_delta", "thinking": "h" })),
        delta(0, json!({ "type": "thinking_delta", "thinking": "m" })),
        delta(0, json!({ "type": "signature_delta", "signature": "sig" })),
        json!({ "type": "content_block_stop", "index": 0 }),
        start(1, json!({ "type": "text", "text": "" })),
        delta(1, json!({ "type": "text_delta", "text": "Hel" })),
        delta(1, json!({ "type": "citations_delta", "citation": {} })),
        delta(1, json!({ "type": "text_delta", "text": "lo." })),
        json!({ "type": "content_block_stop", "index": 1 }),
        start(2, json!({ "type": "tool_use", "id": "t1", "name": "f", "input": {} })),
        delta(2, json!({ "type": "input_json_delta", "partial_json": "" })),
        delta(2, json!({ "type": "input_json_delta", "partial_json": "{\"x\":" })),
        delta(2, json!({ "type": "input_json_delta", "partial_json": "1}" })),
        // Cut by the limit inside a call, the block may never stop.
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use", "stop_sequence": null },
                "usage": { "output_tokens": 7 } }),
        json!({ "type": "from_the_future", "delta": { "type": "x" } }),
        json!({ "type": "message_stop" }),
    ];
    let request = hello().tool(Tool::new("f", "", json!({ "type": "object" })));
    let mut seen = stream_of(&events, request).await;
    let Some(Ok(StreamEvent::Done(response))) = seen.pop() else {
        panic!("{seen:?}")
    };
    let pieces: Vec<String> = seen
        .iter()
        .map(|event| match event.as_ref().unwrap() {
            StreamEvent::Text(text) => format!("t:{text}"),
            StreamEvent::Reasoning(text) => format!("r:{text}"),
            StreamEvent::ToolCall { index, name, arguments } => format!("c{index}:{name}:{arguments}"),
            _ => "?".to_owned(),
        })
        .collect();
    assert_eq!(
        pieces,
        ["r:h", "r:m", "t:Hel", "t:lo.", "c0:f:", "c0::{\"x\":", "c0::1}"]
    );
    assert_eq!(
        (response.text.as_str(), response.finish.clone()),
        ("Hello.", FinishReason::ToolCalls)
    );
    assert_eq!(response.tool_calls, [ToolCall::new("t1", "f", "{\"x\":1}")]);
    assert_eq!(
        (response.usage.input_tokens, response.usage.output_tokens),
        (Some(15), Some(7))
    );
    let blocks = json!([
        { "type": "thinking", "thinking": "hm", "signature": "sig" },
        { "type": "text", "text": "Hello." },
        { "type": "tool_use", "id": "t1", "name": "f", "input": { "x": 1 } },
    ]);
    assert_eq!(response.message().verbatim("anthropic"), Some(&blocks));
}

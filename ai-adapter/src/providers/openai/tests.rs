//! Requests byte for byte, replies in every dialect, and what goes wrong on the way.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::{
    FinishReason, LanguageModelExt, Message, ReasoningEffort, ResponseSchema, StreamEvent, Tool,
    ToolCall, ToolChoice, Usage,
};

const KEY: &str = "sk-secret-abcdefghijklmnop";

fn model_at(uri: &str) -> OpenAi {
    OpenAi::builder("m")
        .api_key(KEY)
        .base_url(uri)
        .dialect(Dialect::openai())
        .build()
        .unwrap()
}

async fn answering(answer: ResponseTemplate) -> (MockServer, OpenAi) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/chat/completions"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let model = model_at(&server.uri());
    (server, model)
}

fn hello() -> TextRequest {
    TextRequest::user("Hi")
}

async fn reply_to(body: Value) -> Result<TextResponse> {
    answering(ResponseTemplate::new(200).set_body_json(body))
        .await
        .1
        .generate(&hello())
        .await
}

fn sse(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(text, "text/event-stream; charset=utf-8")
}

async fn stream_of(answer: ResponseTemplate) -> Vec<Result<StreamEvent>> {
    let (_server, model) = answering(answer).await;
    match model.stream(&hello()).await {
        Ok(stream) => stream.collect().await,
        Err(error) => vec![Err(error)],
    }
}

fn done(events: Vec<Result<StreamEvent>>) -> TextResponse {
    match events.into_iter().next_back() {
        Some(Ok(StreamEvent::Done(response))) => *response,
        other => panic!("not done: {other:?}"),
    }
}

#[tokio::test]
async fn the_request_is_exactly_what_the_api_takes() {
    let schema = json!({
        "type": "object",
        "properties": { "a": { "type": "string", "maxLength": 5 }, "b": { "type": "integer", "format": "int32" } },
        "required": ["a"],
    });
    let request = TextRequest::user("Hi")
        .system("Be brief.")
        .message(Message::tool_calls([ToolCall::new(
            "c1",
            "look_up",
            "{\"q\":1}",
        )]))
        .message(Message::tool_result("c1", "42"))
        .max_output_tokens(50)
        .temperature(0.7)
        .top_p(0.9)
        .stop("END")
        .schema(ResponseSchema::new("page", schema))
        .tool(Tool::new(
            "look_up",
            "Looks up.",
            json!({ "type": "object" }),
        ))
        .tool_choice(ToolChoice::Named("look_up".into()))
        .reasoning_effort(ReasoningEffort::Low)
        .metadata("site", "x");
    let want = json!({
        "model": "m",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "Hi" },
            { "role": "assistant", "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "look_up", "arguments": "{\"q\":1}" } }] },
            { "role": "tool", "content": "42", "tool_call_id": "c1" },
        ],
        "max_completion_tokens": 50, "temperature": 0.7, "top_p": 0.9, "stop": ["END"],
        "response_format": { "type": "json_schema", "json_schema": { "name": "page", "strict": true, "schema": {
            "type": "object",
            "properties": {
                "a": { "type": "string", "description": "(maxLength 5)" },
                "b": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
            },
            "required": ["a", "b"], "additionalProperties": false,
        } } },
        "tools": [{ "type": "function", "function":
            { "name": "look_up", "description": "Looks up.", "parameters": { "type": "object" } } }],
        "tool_choice": { "type": "function", "function": { "name": "look_up" } },
        "reasoning_effort": "low",
    });
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200)
        .set_body_json(json!({ "choices": [{ "message": { "content": "x" } }] }));
    Mock::given(method("POST"))
        .and(body_json(want))
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    model_at(&server.uri()).generate(&request).await.unwrap();
    let sent = &server.received_requests().await.unwrap()[0];
    assert_eq!(sent.url.path(), "/chat/completions");
    assert_eq!(
        sent.headers["authorization"],
        format!("Bearer {KEY}").as_str()
    );
}

#[tokio::test]
async fn without_a_key_no_authorization_is_sent_and_the_dialect_names_the_limit() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200)
        .set_body_json(json!({ "choices": [{ "message": { "content": "x" } }] }));
    let want =
        json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }], "max_tokens": 5 });
    Mock::given(body_json(want))
        .respond_with(answer)
        .mount(&server)
        .await;
    let model = OpenAi::builder("m")
        .base_url(server.uri())
        .name("ollama")
        .build()
        .unwrap();
    let response = model.generate(&hello().max_output_tokens(5)).await.unwrap();
    assert_eq!(
        (response.provider.as_str(), response.model.as_str()),
        ("ollama", "m")
    );
    assert!(
        !server.received_requests().await.unwrap()[0]
            .headers
            .contains_key("authorization")
    );
}

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
        let response =
            reply_to(json!({ "id": null, "choices": [choice], "usage": null, "error": null }))
                .await
                .unwrap();
        assert_eq!(
            (response.text.as_str(), &response.finish),
            (text, &finish),
            "{choice}"
        );
        assert_eq!(response.usage, Usage::default());
    }
    let odd = json!({ "choices": [{ "message": { "content": "x" } }],
                      "usage": { "prompt_tokens": 3.0, "completion_tokens": "many", "prompt_cache_hit_tokens": 2 } });
    let usage = reply_to(odd).await.unwrap().usage;
    assert_eq!(
        (
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_input_tokens
        ),
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
        let response =
            reply_to(json!({ "choices": [{ "message": message, "finish_reason": "stop" }] }))
                .await
                .unwrap();
        assert_eq!(
            response.tool_calls,
            [ToolCall::new(want.0, "f", want.1)],
            "{message}"
        );
        assert_eq!(response.finish, FinishReason::ToolCalls);
    }
}

#[tokio::test]
async fn a_success_that_is_an_error_is_one() {
    for (body, condition) in [
        (
            json!({ "error": { "code": 429, "message": "m" } }),
            "rate_limited",
        ),
        (
            json!({ "error": { "code": 402, "message": "m" } }),
            "quota_exhausted",
        ),
        (
            json!([{ "error": { "code": 400, "message": "m" } }]),
            "rejected",
        ),
        (
            json!({ "choices": [{ "message": { "content": "" }, "finish_reason": "error" }] }),
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
async fn streams_end_well_in_every_dialect() {
    let text = |text: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n";
    let groq = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"x_groq\":{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}}\n\n";
    for (body, known) in [
        (
            format!(
                ": hi\n\n{}{}{finish}{usage}data: [DONE]\n\n",
                text("a"),
                text("b")
            ),
            true,
        ),
        (format!("{}{}{finish}", text("a"), text("b")), false),
        (
            format!("{}{}{groq}data: [DONE]", text("a"), text("b")).replace('\n', "\r\n"),
            true,
        ),
        (format!("{}{}data: [DONE]\n\n", text("a"), text("b")), false),
    ] {
        let events = stream_of(sse(&body)).await;
        assert_eq!(events.len(), 3, "{events:?}");
        let response = done(events);
        assert_eq!(response.text, "ab");
        assert_eq!(response.usage.output_tokens.is_some(), known, "{body}");
        assert_eq!(response.attempts.len(), 1);
    }
    let whole = json!({ "choices": [{ "message": { "content": "ab" }, "finish_reason": "stop" }] });
    let events = stream_of(ResponseTemplate::new(200).set_body_json(whole)).await;
    assert!(matches!(&events[0], Ok(StreamEvent::Text(text)) if text == "ab"));
    assert_eq!(done(events).text, "ab");
}

#[tokio::test]
async fn streamed_calls_and_thoughts_are_put_together() {
    let chunk = |delta: Value| format!("data: {}\n\n", json!({ "choices": [{ "delta": delta }] }));
    let call = |index: usize, id: &str, name: &str, arguments: &str| {
        chunk(
            json!({ "tool_calls": [{ "index": index, "id": id, "function": { "name": name, "arguments": arguments } }] }),
        )
    };
    let body = [
        chunk(json!({ "reasoning_content": "hm" })),
        call(0, "a", "f", ""),
        call(0, "", "", "{\"x\":"),
        call(0, "a", "f", "1}"),
        call(0, "b", "g", "{}"),
        call(1, "c", "h", "[]"),
        "data: [DONE]\n\n".to_owned(),
    ];
    let events = stream_of(sse(&body.concat())).await;
    assert!(matches!(&events[0], Ok(StreamEvent::Reasoning(thought)) if thought == "hm"));
    let want = [
        ToolCall::new("a", "f", "{\"x\":1}"),
        ToolCall::new("b", "g", "{}"),
        ToolCall::new("c", "h", "[]"),
    ];
    assert_eq!(done(events).tool_calls, want);
}

#[tokio::test]
async fn broken_streams_end_in_one_error() {
    let piece = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    for (body, condition) in [
        (
            format!(
                "{piece}data: {{\"error\":{{\"message\":\"m\",\"type\":\"server_error\"}}}}\n\n{piece}"
            ),
            "unavailable",
        ),
        (
            format!("{piece}data: {{\"error\":{{\"message\":\"m\",\"code\":429}}}}\n\n"),
            "rate_limited",
        ),
        (
            format!("{piece}data: {{\"choices\":[{{\"finish_reason\":\"error\"}}]}}\n\n"),
            "unavailable",
        ),
        (format!("{piece}data: {{\"choi\n\n"), "malformed"),
        (piece.to_owned(), "incomplete"),
        (String::new(), "incomplete"),
        ("data: [DONE]\n\n".to_owned(), "malformed"),
    ] {
        let mut events = stream_of(sse(&body)).await;
        let error = events.pop().unwrap().unwrap_err();
        assert_eq!(error.condition(), condition, "{body}");
        assert_eq!(error.attempts().len(), 1);
        assert!(events.iter().all(Result::is_ok));
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
async fn the_callers_deadline_ends_a_slow_stream() {
    let answer = sse("data: {}\n\n").set_delay(Duration::from_secs(20));
    let (_server, model) = answering(answer).await;
    let error = model
        .stream(&hello().timeout(Duration::from_millis(50)))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
    let error = model
        .generate(&hello().timeout(Duration::ZERO))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
}

#[tokio::test]
async fn a_huge_body_is_refused() {
    let (_server, model) =
        answering(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 17 * 1024 * 1024])).await;
    let error = model.generate(&hello()).await.unwrap_err();
    assert!(
        matches!(error, Error::Malformed(_)) && error.to_string().contains("16 MiB"),
        "{error}"
    );
}

#[tokio::test]
async fn no_key_in_anything_printable() {
    let echo = json!({ "error": { "message": format!("Incorrect API key provided: {KEY}. Bearer {KEY}"), "code": KEY } });
    let (_server, model) = answering(ResponseTemplate::new(401).set_body_json(echo)).await;
    let error = model.generate(&hello()).await.unwrap_err();
    let builder = OpenAi::builder("m").api_key(KEY);
    let unusable = OpenAi::builder("m")
        .api_key(format!("{KEY}\u{7f}\n1"))
        .build()
        .unwrap_err();
    let in_url = OpenAi::builder("m")
        .base_url(format!("https://user:{KEY}@h/v1"))
        .build()
        .unwrap_err();
    let printed = format!(
        "{model:?} {builder:?} {error} {error:?} {:?} {unusable:?} {in_url:?}",
        error.attempts()
    );
    assert!(!printed.contains("abcdefgh"), "{printed}");
    assert!(printed.contains("ApiKey(..)"));
}

#[test]
fn build_checks_everything() {
    let with_key = || OpenAi::builder("m").api_key("k");
    for (builder, reason) in [
        (OpenAi::builder(" ").api_key("k"), "model id is empty"),
        (OpenAi::builder("m"), "needs an API key"),
        (OpenAi::builder("m").api_key(" "), "API key is empty"),
        (with_key().name(""), "name is empty"),
        (with_key().timeout(Duration::ZERO), "timeout is zero"),
        (
            with_key().base_url("localhost:11434/v1"),
            "neither http nor https",
        ),
        (with_key().base_url("/v1"), "is not a URL"),
        (with_key().base_url("https://h/v1?key=1"), "query"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error, Error::Config(_)) && error.to_string().contains(reason),
            "{error}"
        );
    }
    let local = OpenAi::builder("m")
        .base_url("http://localhost:11434/v1/")
        .build()
        .unwrap();
    assert_eq!(
        local.endpoint.as_str(),
        "http://localhost:11434/v1/chat/completions"
    );
    assert_eq!(local.peer.host, "localhost:11434");
    assert_eq!(local.dialect, Dialect::compatible());
    assert_eq!(with_key().build().unwrap().dialect, Dialect::openai());
}

#[tokio::test]
async fn a_typed_answer_comes_back_through_the_strict_dialect() {
    #[derive(Debug, serde::Deserialize, schemars::JsonSchema, PartialEq)]
    struct Note {
        text: String,
        tag: Option<String>,
    }
    let content = json!({ "text": "hi", "tag": null }).to_string();
    let body =
        json!({ "choices": [{ "message": { "content": content }, "finish_reason": "stop" }] });
    let (server, model) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let object = model.generate_object::<Note>(&hello()).await.unwrap();
    assert_eq!(
        object.value,
        Note {
            text: "hi".into(),
            tag: None
        }
    );
    let sent: Value = server.received_requests().await.unwrap()[0]
        .body_json()
        .unwrap();
    let schema = &sent["response_format"]["json_schema"];
    assert_eq!(
        (&schema["name"], &schema["strict"]),
        (&json!("Note"), &json!(true))
    );
    assert_eq!(schema["schema"]["required"], json!(["tag", "text"]));
}

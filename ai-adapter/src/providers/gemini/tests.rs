//! Requests byte for byte, and every reason of `generateContent`.

use futures_util::StreamExt;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::{
    Error, FinishReason, Message, ReasoningEffort, ResponseSchema, StreamEvent, Tool, ToolCall, ToolChoice, Usage,
};

const KEY: &str = "AIzaSecretabcdefghijklmnop";

async fn answering(model: &str, answer: ResponseTemplate) -> (MockServer, Gemini) {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let model = Gemini::builder(model)
        .api_key(KEY)
        .base_url(server.uri())
        .build()
        .unwrap();
    (server, model)
}

fn hello() -> TextRequest {
    TextRequest::user("Hi")
}

fn candidate(parts: Value, finish: &str) -> Value {
    json!({ "candidates": [{ "content": { "role": "model", "parts": parts }, "finishReason": finish }] })
}

async fn reply_to(body: Value) -> Result<TextResponse> {
    let answer = ResponseTemplate::new(200).set_body_json(body);
    answering("gemini-2.5-flash", answer).await.1.generate(&hello()).await
}

#[tokio::test]
async fn the_request_is_exactly_what_the_api_takes() {
    let schema = json!({ "type": "object", "properties": { "a": { "const": "x" } }, "required": ["a"] });
    let request = hello()
        .system("Be brief.")
        .message(Message::tool_calls([
            ToolCall::new("call_0", "look_up", "{\"q\":1}"),
            ToolCall::new("fc-9", "other", "{}"),
        ]))
        .message(Message::tool_result("call_0", "{\"n\":42}"))
        .message(Message::tool_result("fc-9", "plain"))
        .max_output_tokens(50)
        .temperature(0.5)
        .top_p(0.9)
        .stop("END")
        .schema(ResponseSchema::new("page", schema))
        .tool(Tool::new("look_up", "Looks up.", json!({ "type": "object" })))
        .tool_choice(ToolChoice::Named("look_up".into()))
        .reasoning_effort(ReasoningEffort::Low);
    let answer = ResponseTemplate::new(200).set_body_json(candidate(json!([{ "text": "x" }]), "STOP"));
    let server = MockServer::start().await;
    Mock::given(path("/models/gemini-2.5-pro:generateContent"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let model = Gemini::builder("gemini-2.5-pro").api_key(KEY).base_url(server.uri());
    let model = model
        .safety("HARM_CATEGORY_HARASSMENT", "BLOCK_ONLY_HIGH")
        .cached_content("cachedContents/1")
        .include_thoughts();
    model.build().unwrap().generate(&request).await.unwrap();
    let want = json!({
        "contents": [
            { "role": "user", "parts": [{ "text": "Hi" }] },
            { "role": "model", "parts": [
                { "functionCall": { "name": "look_up", "args": { "q": 1 } } },
                { "functionCall": { "id": "fc-9", "name": "other", "args": {} } }] },
            { "role": "user", "parts": [
                { "functionResponse": { "name": "look_up", "response": { "n": 42 } } },
                { "functionResponse": { "id": "fc-9", "name": "other", "response": { "result": "plain" } } }] },
        ],
        "systemInstruction": { "parts": [{ "text": "Be brief." }] },
        "generationConfig": {
            "temperature": 0.5, "topP": 0.9, "maxOutputTokens": 50, "stopSequences": ["END"],
            "responseMimeType": "application/json",
            "responseJsonSchema": { "type": "object", "properties": { "a": { "type": "string", "enum": ["x"] } },
                                    "required": ["a"], "additionalProperties": false },
            "thinkingConfig": { "thinkingBudget": 1024, "includeThoughts": true },
        },
        "tools": [{ "functionDeclarations": [
            { "name": "look_up", "description": "Looks up.", "parametersJsonSchema": { "type": "object" } }] }],
        "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["look_up"] } },
        "safetySettings": [{ "category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH" }],
        "cachedContent": "cachedContents/1",
    });
    let sent = &server.received_requests().await.unwrap()[0];
    assert_eq!(sent.body_json::<Value>().unwrap(), want);
    assert_eq!(sent.headers["x-goog-api-key"], KEY);
    assert_eq!(sent.url.query(), None);
}

#[tokio::test]
async fn later_models_take_a_thinking_level_and_say_what_was_rounded() {
    let answer = ResponseTemplate::new(200).set_body_json(candidate(json!([{ "text": "x" }]), "STOP"));
    let (server, model) = answering("gemini-3-pro", answer).await;
    let response = model
        .generate(&hello().reasoning_effort(ReasoningEffort::Max))
        .await
        .unwrap();
    assert_eq!(response.warnings.len(), 1);
    let sent: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    assert_eq!(
        sent["generationConfig"],
        json!({ "thinkingConfig": { "thinkingLevel": "high" } })
    );
}

#[tokio::test]
async fn parts_calls_thoughts_and_usage_are_read() {
    let parts = json!([
        { "text": "hm", "thought": true },
        { "text": "Hello." },
        { "functionCall": { "name": "f", "args": { "x": 1 } }, "thoughtSignature": "sig" },
        { "executableCode": { "code": "1" } },
    ]);
    let mut body = candidate(parts.clone(), "STOP");
    body["usageMetadata"] = json!({ "promptTokenCount": 10, "toolUsePromptTokenCount": 2, "candidatesTokenCount": 5,
        "thoughtsTokenCount": 3, "cachedContentTokenCount": 4, "totalTokenCount": 20 });
    body["modelVersion"] = json!("gemini-2.5-flash-001");
    let (server, model) = answering("gemini-2.5-flash", ResponseTemplate::new(200).set_body_json(body)).await;
    let request = hello().tool(Tool::new("f", "", json!({ "type": "object" })));
    let response = model.generate(&request).await.unwrap();
    assert_eq!(
        (response.text.as_str(), response.finish.clone()),
        ("Hello.", FinishReason::ToolCalls)
    );
    assert_eq!(response.tool_calls, [ToolCall::new("call_0", "f", "{\"x\":1}")]);
    let usage = Usage {
        input_tokens: Some(12),
        output_tokens: Some(8),
        cached_input_tokens: Some(4),
        reasoning_tokens: Some(3),
        ..Usage::default()
    };
    assert_eq!(response.usage, usage);
    let next = request
        .message(response.message())
        .message(Message::tool_result("call_0", "1"));
    model.generate(&next).await.unwrap();
    let sent: Value = server.received_requests().await.unwrap()[1].body_json().unwrap();
    assert_eq!(sent["contents"][1]["parts"], parts);
    assert_eq!(sent["contents"][2]["parts"][0]["functionResponse"]["name"], "f");
}

#[tokio::test]
async fn every_finish_reason_has_its_meaning() {
    let text = json!([{ "text": "x" }]);
    for (reason, finish) in [
        ("STOP", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("CONTINUATION", FinishReason::Pause),
        ("NO_IMAGE", FinishReason::Other("NO_IMAGE".into())),
        ("IMAGE_OTHER", FinishReason::Other("IMAGE_OTHER".into())),
        ("SOMETHING_NEW", FinishReason::Other("SOMETHING_NEW".into())),
    ] {
        let response = reply_to(candidate(text.clone(), reason)).await.unwrap();
        assert_eq!(
            (response.finish, response.finish_raw.as_deref()),
            (finish, Some(reason))
        );
    }
    for reason in [
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    ] {
        let response = reply_to(candidate(json!([]), reason)).await.unwrap();
        assert!(response.is_refused() && response.finish_raw.as_deref() == Some(reason));
    }
    for (reason, condition) in [
        ("MALFORMED_FUNCTION_CALL", "malformed"),
        ("UNEXPECTED_TOOL_CALL", "malformed"),
        ("TOO_MANY_TOOL_CALLS", "malformed"),
        ("MALFORMED_RESPONSE", "malformed"),
        ("OTHER", "unavailable"),
    ] {
        assert_eq!(
            reply_to(candidate(json!([]), reason)).await.unwrap_err().condition(),
            condition
        );
    }
    for reason in [
        "SAFETY",
        "OTHER",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "IMAGE_SAFETY",
        "MODEL_ARMOR",
        "JAILBREAK",
    ] {
        let response = reply_to(json!({ "promptFeedback": { "blockReason": reason } }))
            .await
            .unwrap();
        assert_eq!(
            (response.refusal.as_deref(), response.finish),
            (Some(reason), FinishReason::ContentFilter)
        );
    }
    assert_eq!(
        reply_to(json!({ "usageMetadata": {} })).await.unwrap_err().condition(),
        "malformed"
    );
}

#[tokio::test]
async fn every_error_has_its_condition() {
    for (code, status, condition, retryable) in [
        (400, "INVALID_ARGUMENT", "rejected", false),
        (400, "FAILED_PRECONDITION", "rejected", false),
        (401, "UNAUTHENTICATED", "unauthenticated", false),
        (403, "PERMISSION_DENIED", "unauthenticated", false),
        (404, "NOT_FOUND", "model_not_found", false),
        (429, "RESOURCE_EXHAUSTED", "rate_limited", true),
        (499, "CANCELLED", "unavailable", true),
        (500, "INTERNAL", "unavailable", true),
        (503, "UNAVAILABLE", "unavailable", true),
        (504, "DEADLINE_EXCEEDED", "unavailable", true),
    ] {
        let body = json!({ "error": { "code": code, "message": "m", "status": status } });
        let answer = ResponseTemplate::new(code).set_body_json(&body);
        let error = answering("gemini-2.5-flash", answer)
            .await
            .1
            .generate(&hello())
            .await
            .unwrap_err();
        assert_eq!(
            (error.condition(), error.is_retryable()),
            (condition, retryable),
            "{status}"
        );
        // The same inside a stream that began with 200.
        let stream = format!("data: {body}\r\n\r\n");
        let answer = ResponseTemplate::new(200).set_body_raw(stream, "text/event-stream");
        let (_server, model) = answering("gemini-2.5-flash", answer).await;
        let events: Vec<_> = model.stream(&hello()).await.unwrap().collect().await;
        let streamed = events.into_iter().next_back().unwrap().unwrap_err();
        assert_eq!(streamed.condition(), condition, "{status} in a stream");
    }
}

#[tokio::test]
async fn streams_end_by_a_finish_reason_in_every_spelling_of_lines() {
    let first = json!({ "candidates": [{ "content": { "parts": [{ "text": "Hel" }] } }], "usageMetadata": { "promptTokenCount": 1 } });
    let mut last = candidate(json!([{ "text": "lo." }]), "STOP");
    last["usageMetadata"] = json!({ "promptTokenCount": 1, "candidatesTokenCount": 2 });
    for gap in ["\n\n", "\r\r", "\r\n\r\n"] {
        let body = format!("data: {first}{gap}data: {last}{gap}");
        let answer = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
        let (server, model) = answering("gemini-2.5-flash", answer).await;
        let events: Vec<_> = model.stream(&hello()).await.unwrap().collect().await;
        let texts = events
            .iter()
            .filter(|event| matches!(event, Ok(StreamEvent::Text(_))))
            .count();
        let Some(Ok(StreamEvent::Done(response))) = events.into_iter().next_back() else {
            panic!("not done")
        };
        assert_eq!(
            (texts, response.text.as_str(), response.usage.output_tokens),
            (2, "Hello.", Some(2))
        );
        assert_eq!(
            server.received_requests().await.unwrap()[0].url.query(),
            Some("alt=sse")
        );
    }
}

#[test]
fn build_checks_everything() {
    for (builder, reason) in [
        (Gemini::builder("m"), "needs an API key"),
        (Gemini::builder("m?key=1").api_key("k"), "no path can"),
        (Gemini::builder("").api_key("k"), "model id is empty"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error, Error::Config(_)) && error.to_string().contains(reason),
            "{error}"
        );
    }
    let model = Gemini::builder("tunedModels/mine").api_key("k").build().unwrap();
    assert!(
        model
            .generate
            .0
            .path()
            .ends_with("/v1beta/tunedModels/mine:generateContent")
    );
    assert!(!format!("{:?}", Gemini::builder("m").api_key(KEY)).contains("AIza"));
}

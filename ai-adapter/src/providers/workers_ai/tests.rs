//! Requests byte for byte, results in every shape, and Cloudflare's own codes.

use futures_util::StreamExt;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::{FinishReason, Message, ReasoningEffort, ResponseSchema, StreamEvent, Tool, ToolCall, ToolChoice};

const KEY: &str = "cf-secret-abcdefghijklmnop";
const LLAMA: &str = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
const OSS: &str = "@cf/openai/gpt-oss-120b";

async fn answering(model: &str, answer: ResponseTemplate) -> (MockServer, WorkersAi) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(format!("/ai/run/{model}")))
        .respond_with(answer)
        .mount(&server)
        .await;
    let built = WorkersAi::builder(model)
        .api_key(KEY)
        .base_url(format!("{}/ai", server.uri()));
    let model = built.build().unwrap();
    (server, model)
}

fn hello() -> TextRequest {
    TextRequest::user("Hi")
}

fn json_reply(result: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "result": result, "success": true, "errors": [], "messages": [] }))
}

async fn reply_to(result: Value) -> Result<TextResponse> {
    answering(LLAMA, json_reply(&result)).await.1.generate(&hello()).await
}

#[tokio::test]
async fn the_inputs_are_exactly_what_the_model_takes() {
    let request = hello()
        .system("Be brief.")
        .message(Message::tool_calls([ToolCall::new("c1", "look_up", "{\"q\":1}")]))
        .message(Message::tool_result("c1", "42"))
        .temperature(0.5)
        .top_p(0.9)
        .tool(Tool::new("look_up", "Looks up.", json!({ "type": "object" })))
        .tool_choice(ToolChoice::Required);
    let (server, model) = answering(LLAMA, json_reply(&json!({ "response": "x" }))).await;
    let response = model.generate(&request).await.unwrap();
    assert_eq!(response.warnings.len(), 1, "the forced tool was not called");
    let want = json!({
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "Hi" },
            { "role": "assistant", "content": "", "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "look_up", "arguments": "{\"q\":1}" } }] },
            { "role": "tool", "content": "42", "tool_call_id": "c1" },
        ],
        "max_tokens": 4096, "temperature": 0.5, "top_p": 0.9,
        "tools": [{ "type": "function", "function": { "name": "look_up", "description": "Looks up.", "parameters": { "type": "object" } } }],
        "tool_choice": { "type": "function", "function": { "name": "look_up" } },
    });
    let sent = &server.received_requests().await.unwrap()[0];
    assert_eq!(sent.body_json::<Value>().unwrap(), want);
    assert_eq!(sent.headers["authorization"], format!("Bearer {KEY}").as_str());
}

#[tokio::test]
async fn a_schema_goes_out_bare_and_is_never_streamed() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] });
    let request = hello().schema(ResponseSchema::new("page", schema));
    let (server, model) = answering(LLAMA, json_reply(&json!({ "response": { "a": "x" } }))).await;
    assert_eq!(model.generate(&request).await.unwrap().text, "{\"a\":\"x\"}");
    let events: Vec<_> = model.stream(&request).await.unwrap().collect().await;
    assert!(matches!(&events[0], Ok(StreamEvent::Text(text)) if text == "{\"a\":\"x\"}"));
    for sent in server.received_requests().await.unwrap() {
        let sent: Value = sent.body_json().unwrap();
        let bare = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"], "additionalProperties": false });
        assert_eq!(
            sent["response_format"],
            json!({ "type": "json_schema", "json_schema": bare })
        );
        assert_eq!(sent.get("stream"), None);
    }
    let both = request.tool(Tool::new("f", "", json!({})));
    assert!(matches!(
        model.generate(&both).await.unwrap_err(),
        Error::Unsupported(_)
    ));
}

#[tokio::test]
async fn results_come_in_every_shape() {
    let usage = json!({ "prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": { "cached_tokens": 2 } });
    let old = reply_to(json!({ "response": "Hello.", "usage": usage })).await.unwrap();
    assert_eq!(
        (old.text.as_str(), old.finish.clone()),
        ("Hello.", FinishReason::Unspecified)
    );
    assert_eq!(
        (old.usage.output_tokens, old.usage.cached_input_tokens),
        (Some(7), Some(2))
    );
    let calls = json!([{ "name": "f", "arguments": { "x": 1 } }, { "name": "g", "arguments": "{}" }]);
    let called = reply_to(json!({ "response": "", "tool_calls": calls })).await.unwrap();
    let want = [
        ToolCall::new("call_0", "f", "{\"x\":1}"),
        ToolCall::new("call_1", "g", "{}"),
    ];
    assert_eq!(
        (called.tool_calls.as_slice(), called.finish),
        (&want[..], FinishReason::ToolCalls)
    );
    let choice =
        json!({ "index": 0, "message": { "role": "assistant", "content": "Hello." }, "finish_reason": "stop" });
    let newer = reply_to(json!({ "id": "1", "choices": [choice], "usage": usage }))
        .await
        .unwrap();
    assert_eq!((newer.text.as_str(), newer.finish), ("Hello.", FinishReason::Stop));
    // Without the envelope, as the binding and the gateway give it.
    let bare = ResponseTemplate::new(200).set_body_json(json!({ "response": "Hello." }));
    assert_eq!(
        answering(LLAMA, bare).await.1.generate(&hello()).await.unwrap().text,
        "Hello."
    );
    let cut = json_reply(&json!({ "response": "Once", "usage": usage }));
    let cut = answering(LLAMA, cut)
        .await
        .1
        .generate(&hello().max_output_tokens(7))
        .await
        .unwrap();
    assert_eq!(cut.finish, FinishReason::Length);
    for empty in [
        json!({ "response": "" }),
        json!({ "response": null }),
        json!({}),
        Value::Null,
    ] {
        assert_eq!(
            reply_to(empty.clone()).await.unwrap_err().condition(),
            "malformed",
            "{empty}"
        );
    }
}

#[tokio::test]
async fn gpt_oss_is_asked_and_read_by_the_responses_api() {
    let message = json!({ "type": "message", "content": [{ "type": "output_text", "text": "Hello." }] });
    let output = json!([{ "type": "reasoning", "content": [{ "type": "reasoning_text", "text": "hm" }] }, message]);
    let (server, model) = answering(OSS, json_reply(&json!({ "status": "completed", "output": output }))).await;
    let request = hello().system("Be brief.").reasoning_effort(ReasoningEffort::Low);
    assert_eq!(model.generate(&request).await.unwrap().text, "Hello.");
    // It may answer in one piece although a stream was asked for.
    let events: Vec<_> = model.stream(&hello()).await.unwrap().collect().await;
    assert_eq!(events.len(), 2);
    let sent: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    let want = json!({ "input": [{ "role": "user", "content": "Hi" }], "instructions": "Be brief.", "max_output_tokens": 4096,
                       "reasoning": { "effort": "low" } });
    assert_eq!(sent, want);
}

#[tokio::test]
async fn streams_in_both_shapes_end_by_done() {
    let old = "data: {\"response\":\"Hel\",\"p\":\"abcdef\"}\n\ndata: {\"response\":\"lo.\",\"tool_calls\":[]}\n\n\
               data: {\"response\":\"\",\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    let newer = "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"lo.\"}}]}\n\n\
                 data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    for body in [old, newer] {
        let answer = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
        let (server, model) = answering(LLAMA, answer).await;
        let response = model.stream(&hello()).await.unwrap().response().await.unwrap();
        assert_eq!(
            (response.text.as_str(), response.usage.output_tokens),
            ("Hello.", Some(2))
        );
        let sent: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
        assert_eq!(sent["stream"], true);
    }
}

#[tokio::test]
async fn cloudflares_codes_decide_wherever_they_stand() {
    for (status, code, condition, retryable) in [
        (400, 5007, "model_not_found", false),
        (400, 5004, "rejected", false),
        (400, 3039, "rejected", false),
        (400, 3003, "rejected", false),
        (403, 5018, "unauthenticated", false),
        (403, 5016, "unauthenticated", false),
        (403, 3023, "unauthenticated", false),
        (403, 3041, "unauthenticated", false),
        (405, 5019, "rejected", false),
        (405, 5005, "rejected", false),
        (404, 3042, "model_not_found", false),
        (413, 3006, "rejected", false),
        (408, 3007, "unavailable", true),
        (408, 3008, "unavailable", true),
        (429, 3036, "quota_exhausted", false),
        (429, 3040, "rate_limited", true),
        (400, 5006, "rejected", false),
        (400, 5023, "rejected", false),
        (400, 8006, "rejected", false),
        (400, 2016, "refused", false),
        (400, 2017, "refused", false),
    ] {
        let rest = json!({ "success": false, "errors": [{ "code": code, "message": "m" }], "result": null });
        let binding =
            json!({ "internalCode": code, "message": "x", "name": "InferenceUpstreamError", "description": "m" });
        let in_text = json!({ "error": { "message": format!("AiError: AiError: {code}: about it (4711: not a code)"), "code": 17 } });
        for body in [rest, binding, in_text] {
            let answer = ResponseTemplate::new(status).set_body_json(&body);
            let error = answering(LLAMA, answer).await.1.generate(&hello()).await.unwrap_err();
            assert_eq!(
                (error.condition(), error.is_retryable()),
                (condition, retryable),
                "{body}"
            );
            assert_eq!(
                error.failure().code.as_deref(),
                Some(code.to_string().as_str()),
                "{body}"
            );
        }
    }
    let unmet = json!({ "errors": [{ "code": 1, "message": "AiError: JSON Mode couldn't be met" }], "success": false });
    let error = answering(LLAMA, ResponseTemplate::new(200).set_body_json(unmet))
        .await
        .1
        .generate(&hello())
        .await;
    assert_eq!(error.unwrap_err().condition(), "malformed");
}

#[test]
fn the_doors_and_what_is_wrong_with_them() {
    let at = |builder: WorkersAiBuilder| match builder.build().unwrap().door {
        Door::Http { url, .. } => url.0.to_string(),
        Door::Binding { .. } => unreachable!("there is no binding here"),
    };
    let rest = WorkersAi::builder("@cf/a/b").account("acc").api_key(KEY);
    assert_eq!(
        at(rest),
        "https://api.cloudflare.com/client/v4/accounts/acc/ai/run/@cf/a/b"
    );
    let gateway = WorkersAi::builder("@cf/a/b").account("acc").gateway("gw").api_key(KEY);
    let gateway = gateway.header("cf-aig-authorization", "Bearer x");
    assert_eq!(
        at(gateway),
        "https://gateway.ai.cloudflare.com/v1/acc/gw/workers-ai/@cf/a/b"
    );
    for (builder, reason) in [
        (WorkersAi::builder("m").account("acc"), "needs an API key"),
        (WorkersAi::builder("m").api_key("k"), "account id is needed"),
        (WorkersAi::builder("m").account("a/../b").api_key("k"), "no path can"),
        (WorkersAi::builder("m?x").account("a").api_key("k"), "no path can"),
        (
            WorkersAi::builder("m").account("a").api_key("k").max_output_tokens(0),
            "output limit",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error, Error::Config(_)) && error.to_string().contains(reason),
            "{error}"
        );
    }
}

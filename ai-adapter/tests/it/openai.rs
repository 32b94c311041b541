//! The suite around OpenAI's two APIs, against a server as strict as OpenAI's.

use std::sync::Arc;

use presswork_ai_adapter::conformance::{Fault, RETRY_AFTER};
use presswork_ai_adapter::providers::openai::Dialect;
use presswork_ai_adapter::{LanguageModel, OpenAi};
use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::vendor::{KEY, Vendor, sse, vendor_conformance};

fn at(uri: &str, dialect: Dialect) -> Arc<dyn LanguageModel> {
    let model = OpenAi::builder("gpt-test").api_key(KEY).base_url(format!("{uri}/v1/"));
    Arc::new(model.dialect(dialect).build().unwrap())
}

/// An unknown field is a 400 at OpenAI.
fn check_fields(body: &Value, fields: &[&str]) {
    for field in body.as_object().expect("an object").keys() {
        assert!(fields.contains(&field.as_str()), "{field}");
    }
    assert_eq!(body["model"], "gpt-test");
}

fn error(status: u16, kind: &str, code: &str) -> ResponseTemplate {
    let error = json!({ "message": format!("about {code}"), "type": kind, "param": null, "code": code });
    ResponseTemplate::new(status).set_body_json(json!({ "error": error }))
}

fn failure(fault: Fault) -> ResponseTemplate {
    match fault {
        Fault::RateLimited => error(429, "requests", "rate_limit_exceeded")
            .insert_header("retry-after", RETRY_AFTER.as_secs().to_string()),
        Fault::Quota => error(429, "insufficient_quota", "insufficient_quota"),
        Fault::Unauthenticated => error(401, "invalid_request_error", "invalid_api_key"),
        Fault::BadRequest => error(400, "invalid_request_error", "invalid_value"),
        other => panic!("unknown fault {other:?}"),
    }
}

struct Chat;

fn chat_reply(message: &Value, finish: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-test-1",
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish }],
        "usage": { "prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11,
                   "prompt_tokens_details": { "cached_tokens": 4 },
                   "completion_tokens_details": { "reasoning_tokens": 0 } },
        "service_tier": "default", "system_fingerprint": "fp"
    })
}

impl Vendor for Chat {
    fn model(uri: &str) -> Arc<dyn LanguageModel> {
        at(uri, Dialect::chat())
    }

    fn path(_: bool) -> &'static str {
        "/v1/chat/completions"
    }

    fn headers() -> Vec<(&'static str, String)> {
        vec![("authorization", format!("Bearer {KEY}"))]
    }

    fn check(_: &Request, body: &Value) -> bool {
        let fields = [
            "model",
            "messages",
            "max_completion_tokens",
            "temperature",
            "top_p",
            "stop",
            "response_format",
            "tools",
            "tool_choice",
            "reasoning_effort",
            "stream",
            "stream_options",
        ];
        check_fields(body, &fields);
        assert!(body.get("stream_options").is_none() || body["stream"] == true);
        for message in body["messages"].as_array().expect("messages") {
            assert!(["system", "user", "assistant", "tool"].contains(&message["role"].as_str().unwrap()));
            assert!(message["content"].is_string());
        }
        let is_json = body["response_format"]["type"] == "json_object";
        assert!(
            !is_json || body["messages"].to_string().contains("JSON"),
            "OpenAI insists on the word"
        );
        body["stream"] == true
    }

    fn reply(body: &Value) -> Value {
        match body["tool_choice"]["function"]["name"].as_str() {
            Some(name) => {
                let function = json!({ "name": name, "arguments": "{}" });
                let call = json!({ "id": "call_1", "type": "function", "function": function });
                chat_reply(
                    &json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
                    "stop",
                )
            }
            None => chat_reply(
                &json!({ "role": "assistant", "content": "Hello.", "refusal": null }),
                "stop",
            ),
        }
    }

    fn events() -> ResponseTemplate {
        let chunk = |delta: Value, finish: Value| {
            json!({ "object": "chat.completion.chunk", "model": "gpt-test-1", "usage": null,
                    "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
        };
        let events = [
            chunk(json!({ "role": "assistant", "content": "" }), Value::Null),
            chunk(json!({ "content": "Hel" }), Value::Null),
            chunk(json!({ "content": "lo." }), Value::Null),
            chunk(json!({}), json!("stop")),
            json!({ "choices": [], "usage": { "prompt_tokens": 9, "completion_tokens": 2 } }),
        ];
        sse(&events, "data: [DONE]\n\n")
    }

    fn fault(fault: Fault) -> ResponseTemplate {
        let message =
            |message: Value, finish: &str| ResponseTemplate::new(200).set_body_json(chat_reply(&message, finish));
        match fault {
            Fault::Empty => message(json!({ "content": null }), "stop"),
            Fault::Refusal => message(
                json!({ "role": "assistant", "content": null, "refusal": "I cannot help with that." }),
                "stop",
            ),
            Fault::Length => message(json!({ "role": "assistant", "content": "Once upon a" }), "length"),
            Fault::CutStream => {
                let choice = json!({ "index": 0, "delta": { "content": "Once" }, "finish_reason": null });
                sse(&[json!({ "choices": [choice] })], "")
            }
            fault => failure(fault),
        }
    }
}

struct Responses;

fn response(status: &str, output: Value, more: Value) -> Value {
    let mut body = json!({
        "id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-test-1", "status": status, "error": null,
        "incomplete_details": null, "output": output,
        "usage": { "input_tokens": 9, "input_tokens_details": { "cached_tokens": 4 }, "output_tokens": 2,
                   "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": 11 },
        "service_tier": "default", "metadata": {}
    });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_default());
    body
}

fn output(part: Value) -> Value {
    json!([{ "id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part] }])
}

fn output_text(text: &str) -> Value {
    output(json!({ "type": "output_text", "text": text, "annotations": [] }))
}

impl Vendor for Responses {
    fn model(uri: &str) -> Arc<dyn LanguageModel> {
        at(uri, Dialect::openai())
    }

    fn path(_: bool) -> &'static str {
        "/v1/responses"
    }

    fn headers() -> Vec<(&'static str, String)> {
        Chat::headers()
    }

    fn check(_: &Request, body: &Value) -> bool {
        let fields = [
            "model",
            "input",
            "instructions",
            "max_output_tokens",
            "temperature",
            "top_p",
            "text",
            "tools",
            "tool_choice",
            "reasoning",
            "include",
            "store",
            "stream",
        ];
        check_fields(body, &fields);
        assert_eq!(body["store"], false);
        for item in body["input"].as_array().expect("input") {
            assert!(item["content"].is_string() && ["user", "assistant"].contains(&item["role"].as_str().unwrap()));
        }
        if let Some(format) = body.get("text").map(|text| &text["format"]) {
            assert!(format["type"] == "json_object" || (format["name"] == "greeting" && format["strict"] == true));
        }
        body["stream"] == true
    }

    fn reply(body: &Value) -> Value {
        match body["tool_choice"]["name"].as_str() {
            Some(name) => {
                let call = json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name, "arguments": "{}" });
                response("completed", json!([call]), Value::Null)
            }
            None => response("completed", output_text("Hello."), Value::Null),
        }
    }

    fn events() -> ResponseTemplate {
        let begun = response("in_progress", json!([]), json!({ "usage": null }));
        let events = [
            json!({ "type": "response.created", "sequence_number": 0, "response": begun }),
            json!({ "type": "response.output_text.delta", "sequence_number": 1, "delta": "Hel" }),
            json!({ "type": "response.output_text.delta", "sequence_number": 2, "delta": "lo." }),
            json!({ "type": "response.completed", "sequence_number": 3,
                    "response": response("completed", output_text("Hello."), Value::Null) }),
        ];
        sse(&events, "")
    }

    fn fault(fault: Fault) -> ResponseTemplate {
        let reply = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        match fault {
            Fault::Empty => reply(response("completed", json!([]), Value::Null)),
            Fault::Refusal => {
                let part = json!({ "type": "refusal", "refusal": "I cannot help with that." });
                reply(response("completed", output(part), Value::Null))
            }
            Fault::Length => {
                let details = json!({ "incomplete_details": { "reason": "max_output_tokens" } });
                reply(response("incomplete", output_text("Once upon a"), details))
            }
            Fault::CutStream => sse(&[json!({ "type": "response.output_text.delta", "delta": "Once" })], ""),
            fault => failure(fault),
        }
    }
}

mod chat {
    super::vendor_conformance!(super::Chat);
}

mod responses {
    super::vendor_conformance!(super::Responses);
}

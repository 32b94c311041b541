//! The suite around the Messages API, against a server as strict as Anthropic's.

use std::sync::Arc;

use presswork_ai_adapter::conformance::{Fault, RETRY_AFTER};
use presswork_ai_adapter::{Anthropic, LanguageModel};
use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::vendor::{KEY, Vendor, sse, vendor_conformance};

struct Messages;

fn message(content: Value, stop_reason: &str, more: Value) -> Value {
    let mut body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "content": content,
        "stop_reason": stop_reason, "stop_sequence": null,
        "usage": { "input_tokens": 9, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4, "output_tokens": 2,
                   "service_tier": "standard" },
    });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_default());
    body
}

fn error(status: u16, kind: &str, details: Value) -> ResponseTemplate {
    let error = json!({ "type": kind, "message": format!("about {kind}"), "details": details });
    ResponseTemplate::new(status)
        .set_body_json(json!({ "type": "error", "error": error, "request_id": "req_011" }))
        .insert_header("request-id", "req_011")
}

impl Vendor for Messages {
    fn model(uri: &str) -> Arc<dyn LanguageModel> {
        let model = Anthropic::builder("claude-sonnet-4-5").api_key(KEY).base_url(uri);
        Arc::new(model.build().unwrap())
    }

    fn path(_: bool) -> &'static str {
        "/v1/messages"
    }

    fn headers() -> Vec<(&'static str, String)> {
        vec![
            ("x-api-key", KEY.to_owned()),
            ("anthropic-version", "2023-06-01".to_owned()),
        ]
    }

    fn check(request: &Request, body: &Value) -> bool {
        assert!(!request.headers.contains_key("authorization"));
        let fields = [
            "model",
            "max_tokens",
            "messages",
            "system",
            "temperature",
            "top_p",
            "stop_sequences",
            "tools",
            "tool_choice",
            "output_config",
            "stream",
        ];
        for field in body.as_object().expect("an object").keys() {
            assert!(fields.contains(&field.as_str()), "{field}");
        }
        assert_eq!(body["model"], "claude-sonnet-4-5");
        assert_eq!(body["max_tokens"], 8192);
        for turn in body["messages"].as_array().expect("messages") {
            assert!(["user", "assistant"].contains(&turn["role"].as_str().unwrap()));
            assert!(turn["content"].as_array().is_some_and(|blocks| !blocks.is_empty()));
        }
        if let Some(format) = body.pointer("/output_config/format") {
            assert_eq!(
                (&format["type"], &format["schema"]["additionalProperties"]),
                (&json!("json_schema"), &json!(false))
            );
        }
        body["stream"] == true
    }

    fn reply(body: &Value) -> Value {
        match body["tool_choice"]["name"].as_str() {
            Some(name) => {
                let call = json!({ "type": "tool_use", "id": "toolu_1", "name": name, "input": {} });
                message(json!([call]), "tool_use", Value::Null)
            }
            None => message(
                json!([{ "type": "text", "text": "Hello.", "citations": null }]),
                "end_turn",
                Value::Null,
            ),
        }
    }

    fn events() -> ResponseTemplate {
        let mut begun = message(json!([]), "", json!({ "stop_reason": null }));
        begun["usage"]["output_tokens"] = json!(1);
        let text = |text: &str| json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } });
        let events = [
            json!({ "type": "message_start", "message": begun }),
            json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
            json!({ "type": "ping" }),
            text("Hel"),
            text("lo."),
            json!({ "type": "content_block_stop", "index": 0 }),
            json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null },
                    "usage": { "output_tokens": 2 } }),
            json!({ "type": "message_stop" }),
        ];
        sse(&events, "")
    }

    fn fault(fault: Fault) -> ResponseTemplate {
        let reply = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        match fault {
            Fault::RateLimited => error(429, "rate_limit_error", Value::Null)
                .insert_header("retry-after", RETRY_AFTER.as_secs().to_string()),
            Fault::Quota => error(
                429,
                "rate_limit_error",
                json!({ "error_code": "enforced_spend_limit_reached" }),
            ),
            Fault::Unauthenticated => error(401, "authentication_error", Value::Null),
            Fault::BadRequest => error(400, "invalid_request_error", Value::Null),
            Fault::Empty => reply(message(json!([]), "end_turn", Value::Null)),
            Fault::Refusal => {
                let details =
                    json!({ "type": "refusal", "category": "bio", "explanation": "I cannot help with that." });
                reply(message(json!([]), "refusal", json!({ "stop_details": details })))
            }
            Fault::Length => reply(message(
                json!([{ "type": "text", "text": "Once upon a" }]),
                "max_tokens",
                Value::Null,
            )),
            Fault::CutStream => {
                let begun = message(json!([]), "", json!({ "stop_reason": null }));
                let delta = json!({ "type": "text_delta", "text": "Once" });
                let events = [
                    json!({ "type": "message_start", "message": begun }),
                    json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
                    json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
                    json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" } }),
                ];
                sse(&events, "")
            }
            other => panic!("unknown fault {other:?}"),
        }
    }
}

vendor_conformance!(Messages);

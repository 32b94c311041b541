//! The suite around Workers AI by REST, against a server as strict as Cloudflare's.

use std::sync::Arc;

use presswork_ai_adapter::conformance::{Fault, RETRY_AFTER};
use presswork_ai_adapter::{LanguageModel, WorkersAi};
use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::vendor::{KEY, Vendor, sse, vendor_conformance};

struct Run;

fn envelope(result: &Value) -> Value {
    json!({ "result": result, "success": true, "errors": [], "messages": [] })
}

fn choice(message: &Value, finish: &str) -> Value {
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11 });
    envelope(
        &json!({ "id": "1", "object": "chat.completion", "model": "@cf/test/model",
        "choices": [{ "index": 0, "message": message, "finish_reason": finish }], "usage": usage }),
    )
}

fn error(status: u16, code: u16) -> ResponseTemplate {
    let errors = json!([{ "code": code, "message": format!("AiError: about {code}") }]);
    ResponseTemplate::new(status)
        .set_body_json(json!({ "success": false, "errors": errors, "messages": [], "result": {} }))
}

impl Vendor for Run {
    fn model(uri: &str) -> Arc<dyn LanguageModel> {
        let base = format!("{uri}/client/v4/accounts/acc/ai");
        Arc::new(
            WorkersAi::builder("@cf/test/model")
                .api_key(KEY)
                .base_url(base)
                .build()
                .unwrap(),
        )
    }

    fn path(_: bool) -> &'static str {
        "/client/v4/accounts/acc/ai/run/@cf/test/model"
    }

    fn headers() -> Vec<(&'static str, String)> {
        vec![("authorization", format!("Bearer {KEY}"))]
    }

    fn check(_: &Request, body: &Value) -> bool {
        let fields = [
            "messages",
            "max_tokens",
            "temperature",
            "top_p",
            "response_format",
            "tools",
            "tool_choice",
            "stream",
        ];
        for field in body.as_object().expect("an object").keys() {
            assert!(fields.contains(&field.as_str()), "{field}");
        }
        assert_eq!(body["max_tokens"], 4096);
        for message in body["messages"].as_array().expect("messages") {
            assert!(message["content"].is_string(), "5006: null and arrays are refused");
        }
        let stream = body["stream"] == true;
        assert!(!stream || body.get("response_format").is_none(), "5023");
        stream
    }

    fn reply(body: &Value) -> Value {
        match body["tool_choice"]["function"]["name"].as_str() {
            Some(name) => envelope(&json!({ "tool_calls": [{ "name": name, "arguments": {} }] })),
            None => choice(&json!({ "role": "assistant", "content": "Hello." }), "stop"),
        }
    }

    fn events() -> ResponseTemplate {
        let events = [
            json!({ "response": "Hel", "p": "abcdefghijkl" }),
            json!({ "response": "lo.", "p": "ab" }),
            json!({ "response": "", "usage": { "prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11 } }),
        ];
        sse(&events, "data: [DONE]\n\n")
    }

    fn fault(fault: Fault) -> ResponseTemplate {
        let reply = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        match fault {
            Fault::RateLimited => error(429, 3040).insert_header("retry-after", RETRY_AFTER.as_secs().to_string()),
            Fault::Quota => error(429, 3036),
            Fault::Unauthenticated => error(401, 10_000),
            Fault::BadRequest => error(400, 5006),
            Fault::Empty => reply(envelope(&json!({ "response": "" }))),
            Fault::Refusal => {
                let message = json!({ "role": "assistant", "content": "", "refusal": "I cannot help with that." });
                reply(choice(&message, "stop"))
            }
            Fault::Length => reply(choice(
                &json!({ "role": "assistant", "content": "Once upon a" }),
                "length",
            )),
            Fault::CutStream => sse(&[json!({ "response": "Once" })], ""),
            other => panic!("unknown fault {other:?}"),
        }
    }
}

vendor_conformance!(Run);

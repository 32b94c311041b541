//! The suite around `generateContent`, against a server as strict as Google's.

use std::sync::Arc;

use presswork_ai_adapter::conformance::{Fault, RETRY_AFTER};
use presswork_ai_adapter::{Gemini, LanguageModel};
use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::vendor::{KEY, Vendor, sse, vendor_conformance};

struct GenerateContent;

fn candidate(parts: Value, finish: Value) -> Value {
    json!({
        "candidates": [{ "content": { "role": "model", "parts": parts }, "finishReason": finish, "index": 0 }],
        "usageMetadata": { "promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 1, "totalTokenCount": 12 },
        "modelVersion": "gemini-2.5-flash-001", "responseId": "resp-1",
    })
}

fn error(code: u16, status: &str, details: Value) -> ResponseTemplate {
    let error = json!({ "code": code, "message": format!("about {status}"), "status": status, "details": details });
    ResponseTemplate::new(code).set_body_json(json!({ "error": error }))
}

impl Vendor for GenerateContent {
    fn model(uri: &str) -> Arc<dyn LanguageModel> {
        let model = Gemini::builder("gemini-2.5-flash")
            .api_key(KEY)
            .base_url(format!("{uri}/v1beta/"));
        Arc::new(model.build().unwrap())
    }

    fn path(stream: bool) -> &'static str {
        if stream {
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
        } else {
            "/v1beta/models/gemini-2.5-flash:generateContent"
        }
    }

    fn headers() -> Vec<(&'static str, String)> {
        vec![("x-goog-api-key", KEY.to_owned())]
    }

    fn check(request: &Request, body: &Value) -> bool {
        let fields = [
            "contents",
            "systemInstruction",
            "generationConfig",
            "tools",
            "toolConfig",
        ];
        for field in body.as_object().expect("an object").keys() {
            assert!(fields.contains(&field.as_str()), "{field}");
        }
        for content in body["contents"].as_array().expect("contents") {
            assert!(["user", "model"].contains(&content["role"].as_str().unwrap()));
            assert!(content["parts"].as_array().is_some_and(|parts| !parts.is_empty()));
        }
        let config = &body["generationConfig"];
        if !config["responseJsonSchema"].is_null() {
            assert_eq!(config["responseMimeType"], "application/json");
        }
        request.url.path().ends_with(":streamGenerateContent")
    }

    fn reply(body: &Value) -> Value {
        match body
            .pointer("/toolConfig/functionCallingConfig/allowedFunctionNames/0")
            .and_then(Value::as_str)
        {
            Some(name) => {
                assert_eq!(body["toolConfig"]["functionCallingConfig"]["mode"], "ANY");
                candidate(json!([{ "functionCall": { "name": name, "args": {} } }]), json!("STOP"))
            }
            None => candidate(json!([{ "text": "Hello." }]), json!("STOP")),
        }
    }

    fn events() -> ResponseTemplate {
        let mut first = candidate(json!([{ "text": "Hel" }]), Value::Null);
        first["candidates"][0].as_object_mut().unwrap().remove("finishReason");
        sse(&[first, candidate(json!([{ "text": "lo." }]), json!("STOP"))], "")
    }

    fn fault(fault: Fault) -> ResponseTemplate {
        let reply = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        let kind = |name: &str| format!("type.googleapis.com/google.rpc.{name}");
        match fault {
            Fault::RateLimited => {
                let delay = format!("{}s", RETRY_AFTER.as_secs());
                let retry = json!({ "@type": kind("RetryInfo"), "retryDelay": delay });
                let minute = json!({ "quotaId": "GenerateRequestsPerMinutePerProjectPerModel" });
                let quota = json!({ "@type": kind("QuotaFailure"), "violations": [minute] });
                error(429, "RESOURCE_EXHAUSTED", json!([quota, retry]))
            }
            Fault::Quota => {
                let day = json!({ "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier" });
                error(
                    429,
                    "RESOURCE_EXHAUSTED",
                    json!([{ "@type": kind("QuotaFailure"), "violations": [day] }]),
                )
            }
            Fault::Unauthenticated => {
                let info =
                    json!({ "@type": kind("ErrorInfo"), "reason": "API_KEY_INVALID", "domain": "googleapis.com" });
                error(400, "INVALID_ARGUMENT", json!([info]))
            }
            Fault::BadRequest => error(400, "INVALID_ARGUMENT", json!([])),
            Fault::Empty => reply(candidate(json!([]), json!("STOP"))),
            Fault::Refusal => reply(json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" },
                                            "usageMetadata": { "promptTokenCount": 9 } })),
            Fault::Length => reply(candidate(json!([{ "text": "Once upon a" }]), json!("MAX_TOKENS"))),
            Fault::CutStream => {
                let mut first = candidate(json!([{ "text": "Once" }]), Value::Null);
                first["candidates"][0].as_object_mut().unwrap().remove("finishReason");
                sse(&[first], "")
            }
            other => panic!("unknown fault {other:?}"),
        }
    }
}

vendor_conformance!(GenerateContent);

//! The suite around Chat Completions, against a server that checks each request before it answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use presswork_ai_adapter::conformance::{Fault, Harness, PATIENCE, RETRY_AFTER};
use presswork_ai_adapter::providers::openai::Dialect;
use presswork_ai_adapter::{LanguageModel, OpenAi, language_model_conformance};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// Answers as OpenAI does, and only what OpenAI would: an unknown field is a 400 there.
struct Chat;

const FIELDS: [&str; 12] = [
    "model",
    "messages",
    "max_completion_tokens",
    "max_tokens",
    "temperature",
    "top_p",
    "stop",
    "response_format",
    "tools",
    "tool_choice",
    "reasoning_effort",
    "stream",
];

impl Respond for Chat {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).expect("a JSON body");
        for (field, value) in body.as_object().expect("an object") {
            let known = FIELDS.contains(&field.as_str()) || (field == "stream_options" && body["stream"] == true);
            assert!(known && !value.is_null(), "{field}: {value}");
        }
        assert_eq!(body["model"], "gpt-test");
        for message in body["messages"].as_array().expect("messages") {
            assert!(["system", "user", "assistant", "tool"].contains(&message["role"].as_str().unwrap()));
            assert!(message["content"].is_string());
        }
        if body["response_format"]["type"] == "json_object" {
            assert!(
                body["messages"].to_string().contains("JSON"),
                "OpenAI insists on the word"
            );
        }
        if body["stream"] == true {
            assert_eq!(request.headers["accept"], "text/event-stream");
            let chunk = |delta: Value, finish: Value| {
                json!({ "object": "chat.completion.chunk", "model": "gpt-test-1", "usage": null,
                        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
            };
            let usage = json!({ "choices": [], "usage": { "prompt_tokens": 9, "completion_tokens": 2 } });
            let events = [
                chunk(json!({ "role": "assistant", "content": "" }), Value::Null),
                chunk(json!({ "content": "Hel" }), Value::Null),
                chunk(json!({ "content": "lo." }), Value::Null),
                chunk(json!({}), json!("stop")),
                usage,
            ];
            return sse(&events, true);
        }
        let message = match body["tool_choice"]["function"]["name"].as_str() {
            Some(name) => json!({ "role": "assistant", "content": null, "tool_calls": [
                { "id": "call_1", "type": "function", "function": { "name": name, "arguments": "{}" } }] }),
            None => json!({ "role": "assistant", "content": "Hello.", "refusal": null }),
        };
        ResponseTemplate::new(200).set_body_json(reply(&message, "stop"))
    }
}

fn reply(message: &Value, finish: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-test-1",
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish }],
        "usage": { "prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11,
                   "prompt_tokens_details": { "cached_tokens": 4 },
                   "completion_tokens_details": { "reasoning_tokens": 0 } },
        "service_tier": "default", "system_fingerprint": "fp"
    })
}

fn sse(events: &[Value], done: bool) -> ResponseTemplate {
    let mut body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    if done {
        body.push_str("data: [DONE]\n\n");
    }
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
}

fn error(status: u16, kind: &str, code: &str) -> ResponseTemplate {
    let error = json!({ "message": format!("about {code}"), "type": kind, "param": null, "code": code });
    ResponseTemplate::new(status).set_body_json(json!({ "error": error }))
}

/// One server, two dialects.
struct Server {
    server: MockServer,
    compatible: bool,
}

impl Server {
    async fn start(compatible: bool) -> Self {
        Self {
            server: MockServer::start().await,
            compatible,
        }
    }

    /// Queues an answer to one call; the oldest comes first.
    async fn next(&self, answer: impl Respond + 'static) {
        Mock::given(method("POST"))
            .and(path("/v1/chat/completions"))
            .and(header("authorization", "Bearer sk-test-key-1234567890"))
            .and(header("content-type", "application/json"))
            .respond_with(answer)
            .up_to_n_times(1)
            .expect(1)
            .mount(&self.server)
            .await;
    }

    fn model(&self) -> Arc<dyn LanguageModel> {
        let dialect = if self.compatible {
            Dialect::compatible()
        } else {
            Dialect::openai()
        };
        let model = OpenAi::builder("gpt-test")
            .api_key("sk-test-key-1234567890")
            .base_url(format!("{}/v1/", self.server.uri()))
            .dialect(dialect)
            .build();
        Arc::new(model.unwrap())
    }

    async fn inject(&self, fault: Fault) {
        let answer = match fault {
            Fault::RateLimited => error(429, "requests", "rate_limit_exceeded")
                .insert_header("retry-after", RETRY_AFTER.as_secs().to_string()),
            Fault::Quota => error(429, "insufficient_quota", "insufficient_quota"),
            Fault::Unauthenticated => error(401, "invalid_request_error", "invalid_api_key"),
            Fault::BadRequest => error(400, "invalid_request_error", "invalid_value"),
            Fault::Down => ResponseTemplate::new(503).set_body_string("<html>upstream</html>"),
            Fault::Silence => ResponseTemplate::new(200).set_delay(PATIENCE + Duration::from_secs(20)),
            Fault::Garbage => ResponseTemplate::new(200).set_body_raw("<html>Sign in</html>", "text/html"),
            Fault::HalfReply => {
                let whole = reply(&json!({ "role": "assistant", "content": "Hello." }), "stop").to_string();
                ResponseTemplate::new(200).set_body_raw(&whole.as_bytes()[..whole.len() / 2], "application/json")
            }
            Fault::Empty => ResponseTemplate::new(200).set_body_json(reply(&json!({ "content": null }), "stop")),
            Fault::Refusal => {
                let message = json!({ "role": "assistant", "content": null, "refusal": "I cannot help with that." });
                ResponseTemplate::new(200).set_body_json(reply(&message, "stop"))
            }
            Fault::Length => {
                let message = json!({ "role": "assistant", "content": "Once upon a" });
                ResponseTemplate::new(200).set_body_json(reply(&message, "length"))
            }
            Fault::CutStream => sse(
                &[json!({ "choices": [{ "index": 0, "delta": { "content": "Once" }, "finish_reason": null }] })],
                false,
            ),
            other => panic!("unknown fault {other:?}"),
        };
        self.next(answer).await;
    }

    async fn arrived(&self) -> Option<usize> {
        Some(self.server.received_requests().await?.len())
    }
}

macro_rules! harness {
    ($module:ident, $name:ident, $compatible:literal) => {
        mod $module {
            use super::*;

            struct $name(Server);

            #[async_trait]
            impl Harness for $name {
                async fn start() -> Self {
                    Self(Server::start($compatible).await)
                }

                fn model(&self) -> Arc<dyn LanguageModel> {
                    self.0.model()
                }

                async fn answer(&self) {
                    self.0.next(Chat).await;
                }

                async fn inject(&self, fault: Fault) {
                    self.0.inject(fault).await;
                }

                async fn arrived(&self) -> Option<usize> {
                    self.0.arrived().await
                }
            }

            language_model_conformance!($name);
        }
    };
}

harness!(openai, Hosted, false);
harness!(compatible, Compatible, true);

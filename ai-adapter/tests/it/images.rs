//! Image models against servers that look at what they are sent.

mod requests;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use presswork_ai_adapter::conformance::{Fault, ImageHarness};
use presswork_ai_adapter::{
    Card, Error, Failure, Gemini, Image, ImageModel, ImageRequest, OpenAi, Scripted, WorkersAi, image_model_conformance,
};
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const KEY: &str = "sk-not-a-real-key-0123456789";
/// Base64 of the first bytes of a PNG.
const PNG: &str = "iVBORw0KGgo=";

/// A provider's way to answer, and to say no.
trait Vendor: Send + Sync + 'static {
    const PATH: &'static str;
    fn model(url: &str) -> Arc<dyn ImageModel>;
    fn asked() -> Value;
    fn answer() -> Value;
    fn moderated() -> (u16, Value);
    fn empty() -> Value;
}

struct Far<V> {
    server: MockServer,
    vendor: std::marker::PhantomData<V>,
}

impl<V: Vendor> Far<V> {
    async fn mount(&self, answer: ResponseTemplate) {
        Mock::given(method("POST"))
            .and(path(V::PATH))
            .and(body_partial_json(V::asked()))
            .respond_with(answer)
            .up_to_n_times(1)
            .mount(&self.server)
            .await;
    }
}

#[async_trait]
impl<V: Vendor> ImageHarness for Far<V> {
    async fn start() -> Self {
        Self {
            server: MockServer::start().await,
            vendor: std::marker::PhantomData,
        }
    }

    fn model(&self) -> Arc<dyn ImageModel> {
        V::model(&self.server.uri())
    }

    async fn answer(&self) {
        self.mount(ResponseTemplate::new(200).set_body_json(V::answer())).await;
    }

    async fn inject(&self, fault: Fault) {
        let answer = match fault {
            Fault::RateLimited => ResponseTemplate::new(429).insert_header("retry-after", "7"),
            Fault::Down => ResponseTemplate::new(503),
            Fault::Silence => ResponseTemplate::new(200).set_delay(Duration::from_secs(30)),
            Fault::Empty => ResponseTemplate::new(200).set_body_json(V::empty()),
            Fault::Refusal => {
                let (status, body) = V::moderated();
                ResponseTemplate::new(status).set_body_json(body)
            }
            other => panic!("no such fault: {other:?}"),
        };
        self.mount(answer).await;
    }
}

struct OpenAiImages;

impl Vendor for OpenAiImages {
    const PATH: &'static str = "/images/generations";

    fn model(url: &str) -> Arc<dyn ImageModel> {
        Arc::new(
            OpenAi::builder("gpt-image-2")
                .base_url(url)
                .api_key(KEY)
                .build()
                .unwrap(),
        )
    }

    fn asked() -> Value {
        json!({ "model": "gpt-image-2", "prompt": "A clock tower in the morning." })
    }

    fn answer() -> Value {
        let usage = json!({ "input_tokens": 9, "output_tokens": 1056, "total_tokens": 1065 });
        json!({ "created": 1, "output_format": "png", "data": [{ "b64_json": PNG }], "usage": usage })
    }

    fn moderated() -> (u16, Value) {
        let message = "Your request was rejected by the safety system. safety_violations=[violence].";
        let error = json!({ "code": "moderation_blocked", "type": "image_generation_user_error", "message": message });
        (400, json!({ "error": error }))
    }

    fn empty() -> Value {
        json!({ "created": 1, "data": [] })
    }
}

struct GeminiImages;

impl Vendor for GeminiImages {
    const PATH: &'static str = "/models/gemini-2.5-flash-image:generateContent";

    fn model(url: &str) -> Arc<dyn ImageModel> {
        let model = Gemini::builder("gemini-2.5-flash-image").base_url(url).api_key(KEY);
        Arc::new(model.build().unwrap())
    }

    fn asked() -> Value {
        json!({
            "contents": [{ "role": "user", "parts": [{ "text": "A clock tower in the morning." }] }],
            "generationConfig": { "responseModalities": ["IMAGE"] },
        })
    }

    fn answer() -> Value {
        let inline = |data: &str| json!({ "inlineData": { "mimeType": "image/jpeg", "data": data } });
        // The sketch of a thinking model comes first; the declared type is wrong.
        let mut sketch = inline("R0lGODlh");
        sketch["thought"] = json!(true);
        let parts = json!([sketch, { "text": "Here it is." }, inline(PNG)]);
        json!({
            "candidates": [{ "content": { "role": "model", "parts": parts }, "finishReason": "STOP" }],
            "usageMetadata": { "promptTokenCount": 9, "candidatesTokenCount": 1290 },
        })
    }

    fn moderated() -> (u16, Value) {
        (
            200,
            json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" } }),
        )
    }

    fn empty() -> Value {
        json!({ "candidates": [{ "content": { "parts": [] }, "finishReason": "NO_IMAGE" }] })
    }
}

struct Flux;

impl Vendor for Flux {
    const PATH: &'static str = "/run/@cf/black-forest-labs/flux-1-schnell";

    fn model(url: &str) -> Arc<dyn ImageModel> {
        let model = WorkersAi::builder("@cf/black-forest-labs/flux-1-schnell");
        Arc::new(model.base_url(url).api_key(KEY).build().unwrap())
    }

    fn asked() -> Value {
        json!({ "prompt": "A clock tower in the morning." })
    }

    fn answer() -> Value {
        json!({ "result": { "image": PNG }, "success": true, "errors": [], "messages": [] })
    }

    fn moderated() -> (u16, Value) {
        let error = json!({ "code": 2016, "message": "Prompt blocked due to security configurations" });
        (424, json!({ "success": false, "errors": [error] }))
    }

    fn empty() -> Value {
        json!({ "result": {}, "success": true, "errors": [] })
    }
}

mod openai {
    presswork_ai_adapter::image_model_conformance!(super::Far<super::OpenAiImages>);
}

mod gemini {
    presswork_ai_adapter::image_model_conformance!(super::Far<super::GeminiImages>);
}

mod workers_ai {
    presswork_ai_adapter::image_model_conformance!(super::Far<super::Flux>);
}

mod scripted {
    use super::*;

    struct Script(Scripted);

    #[async_trait]
    impl ImageHarness for Script {
        async fn start() -> Self {
            Self(Scripted::new())
        }

        fn model(&self) -> Arc<dyn ImageModel> {
            Arc::new(self.0.clone())
        }

        async fn answer(&self) {
            let _ = self.0.clone().image(Ok(Image::new(*b"\x89PNG\r\n", "image/png")));
        }

        async fn inject(&self, fault: Fault) {
            let failure = || {
                Failure::new("scripted", "no")
                    .retry_after(Some(Duration::from_secs(7)))
                    .boxed()
            };
            let error = match fault {
                Fault::RateLimited => Error::RateLimited(failure()),
                Fault::Down => Error::Unavailable(failure()),
                Fault::Silence => Error::Timeout(failure()),
                Fault::Refusal => Error::Refused(failure()),
                _ => Error::Malformed(failure()),
            };
            let _ = self.0.clone().image(Err(error));
        }
    }

    image_model_conformance!(Script);
}

mod card {
    use super::*;

    struct Offline;

    #[async_trait]
    impl ImageHarness for Offline {
        async fn start() -> Self {
            Self
        }

        fn model(&self) -> Arc<dyn ImageModel> {
            Arc::new(Card::new("Site"))
        }

        async fn answer(&self) {}

        async fn inject(&self, _: Fault) {}
    }

    image_model_conformance!(Offline; offline);
}

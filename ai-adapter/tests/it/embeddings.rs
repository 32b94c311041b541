//! Embedding models against servers that look at what they are sent.

mod replies;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use presswork_ai_adapter::conformance::{EmbeddingHarness, Fault, PATIENCE};
use presswork_ai_adapter::{
    EmbeddingModel, EmbeddingRequest, Error, Failure, Gemini, OpenAi, Retry, RetryPolicy, Scripted, Template,
    WorkersAi, embedding_model_conformance,
};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const KEY: &str = "sk-not-a-real-key-0123456789";

/// A provider's way to be asked and to answer.
trait Vendor: Send + Sync + 'static {
    const PATH: &'static str;
    const BATCH: usize;
    const DIMENSIONS: Option<u32>;
    fn model(url: &str) -> Arc<dyn EmbeddingModel>;
    /// The texts and the length asked for; panics for what the vendor would not take.
    fn asked(body: &Value) -> (Vec<String>, Option<u32>);
    fn answer(vectors: Vec<Vec<f64>>) -> Value;
}

/// Numbers of the text's own.
fn vector(text: &str, dimensions: u32) -> Vec<f64> {
    let sum: u32 = text.bytes().map(u32::from).sum();
    (0..dimensions).map(|at| f64::from(sum + at) / 8.0).collect()
}

#[derive(Clone)]
struct Far<V>(
    Arc<MockServer>,
    Arc<Mutex<VecDeque<Fault>>>,
    std::marker::PhantomData<V>,
);

impl<V: Vendor> Respond for Far<V> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let fault = self.1.lock().unwrap().pop_front();
        match fault {
            Some(Fault::RateLimited) => return ResponseTemplate::new(429).insert_header("retry-after", "7"),
            Some(Fault::Down) => return ResponseTemplate::new(503),
            Some(Fault::Silence) => return ResponseTemplate::new(200).set_delay(PATIENCE + Duration::from_secs(20)),
            _ => {}
        }
        assert_eq!((request.method.as_str(), request.url.path()), ("POST", V::PATH));
        assert_eq!(request.headers["content-type"], "application/json");
        assert!(
            request
                .headers
                .values()
                .any(|value| value.to_str().unwrap().contains(KEY))
        );
        let (texts, dimensions) = V::asked(&request.body_json().unwrap());
        assert!((1..=V::BATCH).contains(&texts.len()));
        let mut vectors: Vec<_> = texts.iter().map(|text| vector(text, dimensions.unwrap_or(8))).collect();
        if fault == Some(Fault::Empty) {
            vectors.pop();
        }
        ResponseTemplate::new(200).set_body_json(V::answer(vectors))
    }
}

#[async_trait]
impl<V: Vendor + Clone> EmbeddingHarness for Far<V> {
    async fn start() -> Self {
        let far = Self(
            Arc::new(MockServer::start().await),
            Arc::default(),
            std::marker::PhantomData,
        );
        Mock::given(any()).respond_with(far.clone()).mount(&far.0).await;
        far
    }

    fn model(&self) -> Arc<dyn EmbeddingModel> {
        V::model(&self.0.uri())
    }

    async fn answer(&self) {}

    async fn inject(&self, fault: Fault) {
        self.1.lock().unwrap().push_back(fault);
    }

    async fn arrived(&self) -> Option<usize> {
        Some(self.0.received_requests().await?.len())
    }

    fn batch(&self) -> usize {
        V::BATCH
    }

    fn dimensions(&self) -> Option<u32> {
        V::DIMENSIONS
    }
}

fn texts(value: &Value) -> Vec<String> {
    let texts = value.as_array().unwrap().iter();
    texts.map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn fields(body: &Value, known: &[&str]) {
    for field in body.as_object().unwrap().keys() {
        assert!(known.contains(&field.as_str()), "{field}");
    }
}

#[derive(Clone)]
struct OpenAiVectors;

impl Vendor for OpenAiVectors {
    const PATH: &'static str = "/v1/embeddings";
    const BATCH: usize = 256;
    const DIMENSIONS: Option<u32> = Some(4);

    fn model(url: &str) -> Arc<dyn EmbeddingModel> {
        let model = OpenAi::builder("text-embedding-3-small")
            .base_url(format!("{url}/v1"))
            .api_key(KEY);
        Arc::new(model.build().unwrap())
    }

    fn asked(body: &Value) -> (Vec<String>, Option<u32>) {
        fields(body, &["model", "input", "dimensions"]);
        assert_eq!(body["model"], "text-embedding-3-small");
        (
            texts(&body["input"]),
            body["dimensions"].as_u64().map(|number| number as u32),
        )
    }

    /// The last one first: the index decides.
    fn answer(vectors: Vec<Vec<f64>>) -> Value {
        let tokens = vectors.len() * 5;
        let data = vectors.into_iter().enumerate().rev();
        let data: Vec<Value> = data
            .map(|(index, vector)| json!({ "object": "embedding", "index": index, "embedding": vector }))
            .collect();
        json!({ "object": "list", "data": data, "model": "text-embedding-3-small",
                "usage": { "prompt_tokens": tokens, "total_tokens": tokens } })
    }
}

#[derive(Clone)]
struct GeminiVectors;

impl Vendor for GeminiVectors {
    const PATH: &'static str = "/models/gemini-embedding-001:batchEmbedContents";
    const BATCH: usize = 100;
    const DIMENSIONS: Option<u32> = Some(4);

    fn model(url: &str) -> Arc<dyn EmbeddingModel> {
        let model = Gemini::builder("gemini-embedding-001").base_url(url).api_key(KEY);
        Arc::new(model.build().unwrap())
    }

    fn asked(body: &Value) -> (Vec<String>, Option<u32>) {
        fields(body, &["requests"]);
        let requests = body["requests"].as_array().unwrap();
        let text = |request: &Value| {
            fields(request, &["model", "content", "outputDimensionality"]);
            assert_eq!(request["model"], "models/gemini-embedding-001");
            request["content"]["parts"][0]["text"].as_str().unwrap().to_owned()
        };
        let dimensions = requests[0]["outputDimensionality"].as_u64();
        (
            requests.iter().map(text).collect(),
            dimensions.map(|number| number as u32),
        )
    }

    fn answer(vectors: Vec<Vec<f64>>) -> Value {
        let embeddings: Vec<Value> = vectors.iter().map(|vector| json!({ "values": vector })).collect();
        json!({ "embeddings": embeddings })
    }
}

#[derive(Clone)]
struct Bge;

impl Vendor for Bge {
    const PATH: &'static str = "/run/@cf/baai/bge-m3";
    const BATCH: usize = 100;
    const DIMENSIONS: Option<u32> = None;

    fn model(url: &str) -> Arc<dyn EmbeddingModel> {
        let model = WorkersAi::builder("@cf/baai/bge-m3").base_url(url).api_key(KEY);
        Arc::new(model.build().unwrap())
    }

    fn asked(body: &Value) -> (Vec<String>, Option<u32>) {
        fields(body, &["text"]);
        (texts(&body["text"]), None)
    }

    fn answer(vectors: Vec<Vec<f64>>) -> Value {
        let result = json!({ "shape": [vectors.len(), 8], "data": vectors, "pooling": "cls" });
        json!({ "result": result, "success": true, "errors": [], "messages": [] })
    }
}

mod openai {
    presswork_ai_adapter::embedding_model_conformance!(super::Far<super::OpenAiVectors>);
}

mod gemini {
    presswork_ai_adapter::embedding_model_conformance!(super::Far<super::GeminiVectors>);
}

mod workers_ai {
    presswork_ai_adapter::embedding_model_conformance!(super::Far<super::Bge>);
}

/// Around a model that needs no server, alone and repeated.
macro_rules! scripted {
    ($name:ident, $wrap:expr) => {
        mod $name {
            use super::*;

            struct Script(Scripted);

            #[async_trait]
            impl EmbeddingHarness for Script {
                async fn start() -> Self {
                    Self(Scripted::new())
                }

                fn model(&self) -> Arc<dyn EmbeddingModel> {
                    let wrap: fn(Scripted) -> Arc<dyn EmbeddingModel> = $wrap;
                    wrap(self.0.clone())
                }

                async fn answer(&self) {}

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
                        _ => Error::Malformed(failure()),
                    };
                    let _ = self.0.clone().vectors(Err(error));
                }

                async fn arrived(&self) -> Option<usize> {
                    Some(self.0.embedding_requests().len())
                }

                fn dimensions(&self) -> Option<u32> {
                    Some(4)
                }
            }

            embedding_model_conformance!(Script);
        }
    };
}

scripted!(scripted, |model| Arc::new(model));
scripted!(once, |model| Arc::new(Retry::new(
    model,
    RetryPolicy::default().max_attempts(1)
)));

mod template {
    use super::*;

    struct Offline;

    #[async_trait]
    impl EmbeddingHarness for Offline {
        async fn start() -> Self {
            Self
        }

        fn model(&self) -> Arc<dyn EmbeddingModel> {
            Arc::new(Template::builder().object("page", [("title", "t")]).build().unwrap())
        }

        async fn answer(&self) {}

        async fn inject(&self, _: Fault) {}

        async fn arrived(&self) -> Option<usize> {
            None
        }

        fn dimensions(&self) -> Option<u32> {
            Some(64)
        }
    }

    embedding_model_conformance!(Offline; offline);
}

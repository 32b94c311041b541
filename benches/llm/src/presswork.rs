use futures_util::StreamExt;
use presswork_ai_adapter::{LanguageModel, OpenAi, StreamEvent, TextRequest};

use crate::{KEY, MAX_TOKENS, SYSTEM, TEMPERATURE, USER};

pub struct Contender(OpenAi);

impl Contender {
    pub fn new(base_url: &str, model: &str) -> Self {
        Self(OpenAi::builder(model).base_url(base_url).api_key(KEY).build().unwrap())
    }

    fn request() -> TextRequest {
        TextRequest::user(USER)
            .system(SYSTEM)
            .max_output_tokens(MAX_TOKENS)
            .temperature(TEMPERATURE)
    }

    pub async fn call(&self) -> String {
        self.0.generate(&Self::request()).await.unwrap().text
    }

    pub async fn stream(&self, on_chunk: &mut dyn FnMut()) {
        let mut stream = self.0.stream(&Self::request()).await.unwrap();
        while let Some(event) = stream.next().await {
            if let StreamEvent::Text(text) = event.unwrap() {
                std::hint::black_box(text);
                on_chunk();
            }
        }
    }
}

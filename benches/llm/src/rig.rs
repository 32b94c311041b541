use futures_util::StreamExt;
use rig_core::{
    completion::CompletionRequest,
    driver::Model,
    providers::openai::{OpenAI, OpenAIConfig, wire::Chat},
    streaming::{Item, StreamEvent},
};

use crate::{KEY, MAX_TOKENS, SYSTEM, TEMPERATURE, USER};

pub struct Contender(Model<Chat>);

impl Contender {
    pub fn new(base_url: &str, model: &str) -> Self {
        let config = OpenAIConfig::new(KEY).with_base_url(base_url);
        let client: OpenAI = config.client();
        Self(client.chat(model))
    }

    fn request() -> CompletionRequest {
        CompletionRequest::new(USER)
            .preamble(SYSTEM)
            .max_tokens(u64::from(MAX_TOKENS))
            .temperature(TEMPERATURE)
    }

    pub async fn call(&self) -> String {
        self.0.call(Self::request()).await.unwrap().text()
    }

    pub async fn stream(&self, on_chunk: &mut dyn FnMut()) {
        let mut stream = self.0.stream(Self::request()).unwrap();
        while let Some(item) = stream.next().await {
            if let Item::Event(StreamEvent::Text { text, .. }) = item.unwrap() {
                if !text.is_empty() {
                    on_chunk();
                }
            }
        }
    }
}

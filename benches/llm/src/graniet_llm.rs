use futures_util::StreamExt;
use llm::{
    LLMProvider,
    builder::{LLMBackend, LLMBuilder},
    chat::ChatMessage,
};

use crate::{KEY, MAX_TOKENS, SYSTEM, TEMPERATURE, USER};

pub struct Contender {
    provider: Box<dyn LLMProvider>,
    messages: Vec<ChatMessage>,
}

impl Contender {
    /// Its `mistral` speaks Chat Completions; its `openai` the Responses API.
    pub fn new(base_url: &str, model: &str) -> Self {
        let provider = LLMBuilder::new()
            .backend(LLMBackend::Mistral)
            .base_url(format!("{base_url}/"))
            .api_key(KEY)
            .model(model)
            .system(SYSTEM)
            .max_tokens(MAX_TOKENS)
            .temperature(TEMPERATURE as f32)
            .build()
            .unwrap();
        Self {
            provider,
            messages: vec![ChatMessage::user().content(USER).build()],
        }
    }

    pub async fn call(&self) -> String {
        self.provider.chat(&self.messages).await.unwrap().text().unwrap()
    }

    pub async fn stream(&self, on_chunk: &mut dyn FnMut()) {
        let mut stream = self.provider.chat_stream(&self.messages).await.unwrap();
        while let Some(text) = stream.next().await {
            if !text.unwrap().is_empty() {
                on_chunk();
            }
        }
    }
}

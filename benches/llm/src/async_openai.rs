use async_openai::{
    Client,
    config::OpenAIConfig,
    types::chat::{
        ChatCompletionRequestSystemMessage, ChatCompletionRequestUserMessage, CreateChatCompletionRequest,
        CreateChatCompletionRequestArgs,
    },
};
use futures_util::StreamExt;

use crate::{KEY, MAX_TOKENS, SYSTEM, TEMPERATURE, USER};

pub struct Contender {
    client: Client<OpenAIConfig>,
    model: String,
}

impl Contender {
    pub fn new(base_url: &str, model: &str) -> Self {
        let config = OpenAIConfig::new().with_api_base(base_url).with_api_key(KEY);
        Self {
            client: Client::with_config(config),
            model: model.to_owned(),
        }
    }

    fn request(&self) -> CreateChatCompletionRequest {
        CreateChatCompletionRequestArgs::default()
            .model(&self.model)
            .messages([
                ChatCompletionRequestSystemMessage::from(SYSTEM).into(),
                ChatCompletionRequestUserMessage::from(USER).into(),
            ])
            .max_completion_tokens(MAX_TOKENS)
            .temperature(TEMPERATURE as f32)
            .build()
            .unwrap()
    }

    pub async fn call(&self) -> String {
        let response = self.client.chat().create(self.request()).await.unwrap();
        response.choices.into_iter().next().unwrap().message.content.unwrap()
    }

    pub async fn stream(&self, on_chunk: &mut dyn FnMut()) {
        let mut stream = self.client.chat().create_stream(self.request()).await.unwrap();
        while let Some(chunk) = stream.next().await {
            let text = chunk
                .unwrap()
                .choices
                .into_iter()
                .next()
                .and_then(|choice| choice.delta.content);
            if text.is_some_and(|text| !text.is_empty()) {
                on_chunk();
            }
        }
    }
}

use futures_util::StreamExt;
use genai::{
    Client, ModelIden, ServiceTarget,
    adapter::AdapterKind,
    chat::{ChatMessage, ChatOptions, ChatRequest, ChatStreamEvent},
    resolver::{AuthData, Endpoint, ServiceTargetResolver},
};

use crate::{KEY, MAX_TOKENS, SYSTEM, TEMPERATURE, USER};

pub struct Contender {
    client: Client,
    model: String,
    options: ChatOptions,
}

impl Contender {
    pub fn new(base_url: &str, model: &str) -> Self {
        let base_url = format!("{base_url}/");
        let resolver = ServiceTargetResolver::from_resolver_fn(
            move |target: ServiceTarget| -> Result<ServiceTarget, genai::resolver::Error> {
                Ok(ServiceTarget {
                    endpoint: Endpoint::from_owned(base_url.clone()),
                    auth: AuthData::from_single(KEY),
                    model: ModelIden::new(AdapterKind::OpenAI, target.model.model_name),
                })
            },
        );
        Self {
            client: Client::builder()
                .with_service_target_resolver(resolver)
                .build()
                .unwrap(),
            model: model.to_owned(),
            options: ChatOptions::default()
                .with_max_tokens(MAX_TOKENS)
                .with_temperature(TEMPERATURE),
        }
    }

    fn request() -> ChatRequest {
        ChatRequest::new(vec![ChatMessage::user(USER)]).with_system(SYSTEM)
    }

    pub async fn call(&self) -> String {
        let answer = self
            .client
            .exec_chat(&self.model, Self::request(), Some(&self.options))
            .await;
        answer.unwrap().first_text().unwrap().to_owned()
    }

    pub async fn stream(&self, on_chunk: &mut dyn FnMut()) {
        let answer = self
            .client
            .exec_chat_stream(&self.model, Self::request(), Some(&self.options))
            .await;
        let mut stream = answer.unwrap().stream;
        while let Some(event) = stream.next().await {
            if let ChatStreamEvent::Chunk(chunk) = event.unwrap() {
                if !chunk.content.is_empty() {
                    on_chunk();
                }
            }
        }
    }
}

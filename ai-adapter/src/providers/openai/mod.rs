//! [OpenAI](https://platform.openai.com/docs/api-reference), and every server compatible with it.

mod builder;
pub(in crate::providers) mod chat;
mod embeddings;
mod image_stream;
mod images;
mod preset;
pub(in crate::providers) mod responses;

use async_trait::async_trait;

pub use self::builder::OpenAiBuilder;
pub use self::image_stream::{ImageEvent, ImageStream};
pub use self::preset::{Api, Dialect, Preset, ReasoningForm, SchemaForm};
use crate::clock::elapsed;
use crate::http::{self, EVENTS, JSON, Server};
use crate::ledger::{enter, enter_error};
use crate::stream::recorded;
use crate::{Attempt, Capabilities, LanguageModel, Result, TextRequest, TextResponse, TextStream, platform};

/// A model behind OpenAI's Responses API or Chat Completions.
///
/// ```no_run
/// # async fn run() -> presswork_ai_adapter::Result<()> {
/// use presswork_ai_adapter::providers::openai::Preset;
/// use presswork_ai_adapter::{LanguageModel, LanguageModelExt, OpenAi, RetryPolicy, TextRequest};
///
/// let hosted = OpenAi::builder("gpt-5.4-mini").api_key("sk-...").build()?;
/// let local = OpenAi::builder("llama3.2").preset(Preset::OLLAMA).build()?;
/// let model = hosted.retry(RetryPolicy::default()).or(local);
/// println!("{}", model.generate(&TextRequest::user("Say hello.")).await?.text);
/// # Ok(()) }
/// ```
///
/// Known servers are [`Preset`]s; any other takes a [`base_url`](OpenAiBuilder::base_url). A server whose JSON schema is not enforced is
/// caught by the local validation of [`generate_object`](crate::LanguageModelExt::generate_object).
#[derive(Debug, Clone)]
pub struct OpenAi {
    server: Server,
    endpoint: http::Endpoint,
    model: String,
    dialect: Dialect,
    prompt_cache_key: Option<String>,
}

impl OpenAi {
    /// Begins a model with the id as the server knows it: `"gpt-5.4-mini"`.
    pub fn builder(model: impl Into<String>) -> OpenAiBuilder {
        OpenAiBuilder::new(model.into())
    }

    /// The request as JSON, and what of it the server will not honour.
    fn json(&self, request: &TextRequest, stream: bool) -> Result<(Vec<u8>, Vec<String>)> {
        let mut warnings = Vec::new();
        let cache_key = self.prompt_cache_key.as_deref();
        let body = match self.dialect.api {
            Api::Responses => {
                let body = responses::Request::new(&self.model, request, stream, cache_key, &mut warnings);
                self.server.json(&body)
            }
            Api::ChatCompletions => {
                let provider = &self.server.peer.provider;
                let body = chat::ChatRequest::new(&self.model, provider, &self.dialect, request, stream, &mut warnings)
                    .prompt_cache_key(cache_key);
                self.server.json(&body)
            }
        };
        Ok((body?, warnings))
    }

    /// What is not needed while the server thinks is not kept until then: thousands may wait at once.
    async fn ask(&self, request: &TextRequest) -> Result<TextResponse> {
        let (body, warnings) = self.json(request, false)?;
        let (server, timeout) = (&self.server, request.timeout);
        let mut answer = server.post_bytes(&self.endpoint, timeout, JSON, None, body).await?;
        let body = http::read(&server.peer, &mut answer.body).await?;
        let response = answer.response(&server.peer, &self.model, warnings);
        let (peer, has_tools) = (server.peer.clone(), !request.tools.is_empty());
        match self.dialect.api {
            Api::Responses => http::whole_of(&answer, &body, responses::Fold::new(peer, response, has_tools)),
            Api::ChatCompletions => http::whole_of(&answer, &body, chat::Fold::new(peer, response, has_tools)),
        }
    }

    async fn open(&self, request: &TextRequest, started_ms: i64) -> Result<TextStream> {
        let (body, warnings) = self.json(request, true)?;
        let (server, timeout) = (&self.server, request.timeout);
        let answer = server.post_bytes(&self.endpoint, timeout, EVENTS, None, body).await?;
        let response = answer.response(&server.peer, &self.model, warnings);
        let (peer, has_tools) = (server.peer.clone(), !request.tools.is_empty());
        let (provider, model) = (peer.provider.clone(), self.model.clone());
        let attempt = move || Attempt::new(&provider, &model, Some(elapsed(started_ms, platform::now_ms())));
        Ok(match self.dialect.api {
            Api::Responses => recorded(
                http::events(answer, responses::Fold::new(peer, response, has_tools)),
                attempt,
            ),
            Api::ChatCompletions => recorded(
                http::events(answer, chat::Fold::new(peer, response, has_tools)),
                attempt,
            ),
        })
    }

    fn attempt_since(&self, started_ms: i64) -> Attempt {
        let latency = elapsed(started_ms, platform::now_ms());
        Attempt::new(&self.server.peer.provider, &self.model, Some(latency))
    }
}

#[async_trait]
impl LanguageModel for OpenAi {
    fn provider(&self) -> &str {
        &self.server.peer.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn capabilities(&self) -> Capabilities {
        self.dialect.capabilities
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.dialect.capabilities.check(self.provider(), request)?;
        let started = platform::now_ms();
        let mut result = self.ask(request).await;
        enter(&mut result, || self.attempt_since(started));
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.dialect.capabilities.check_stream(self.provider(), request)?;
        let started = platform::now_ms();
        let mut result = self.open(request, started).await;
        if let Err(error) = &mut result {
            enter_error(error, || self.attempt_since(started));
        }
        result
    }
}

#[cfg(test)]
mod tests;

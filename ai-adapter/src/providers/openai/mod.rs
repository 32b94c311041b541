//! OpenAI's [Chat Completions](https://platform.openai.com/docs/api-reference/chat), and every server compatible with it.

mod builder;
mod fold;
mod reply;
mod stream;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Client;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};

pub use self::builder::{Dialect, OpenAiBuilder};
use self::fold::Fold;
use crate::clock::elapsed;
use crate::http::{self, Answer, Peer};
use crate::ledger::{enter, enter_error};
use crate::stream::recorded;
use crate::{
    Attempt, Capabilities, Error, Failure, LanguageModel, Result, TextRequest, TextResponse, TextStream, platform,
};

/// A model behind `POST {base_url}/chat/completions`.
///
/// ```no_run
/// # async fn run() -> presswork_ai_adapter::Result<()> {
/// use presswork_ai_adapter::{LanguageModel, LanguageModelExt, OpenAi, RetryPolicy, TextRequest};
///
/// let hosted = OpenAi::builder("gpt-5.4-mini").api_key("sk-...").build()?;
/// let local = OpenAi::builder("llama3.2").base_url("http://localhost:11434/v1").name("ollama").build()?;
/// let model = hosted.retry(RetryPolicy::default()).or(local);
/// println!("{}", model.generate(&TextRequest::user("Say hello.")).await?.text);
/// # Ok(()) }
/// ```
///
/// | Server | `base_url` | Key |
/// |---|---|---|
/// | OpenAI | (default) | yes |
/// | Ollama | `http://localhost:11434/v1` | no |
/// | vLLM | `http://localhost:8000/v1` | if started with one |
/// | llama.cpp | `http://localhost:8080/v1` | if started with one |
/// | OpenRouter | `https://openrouter.ai/api/v1` | yes |
/// | Groq | `https://api.groq.com/openai/v1` | yes |
/// | Mistral | `https://api.mistral.ai/v1` | yes |
/// | DeepSeek | `https://api.deepseek.com` | yes; set [`Dialect::capabilities`] without `native_schema` |
///
/// A server whose JSON schema is not enforced is caught by the local validation of
/// [`generate_object`](crate::LanguageModelExt::generate_object).
#[derive(Debug, Clone)]
pub struct OpenAi {
    client: Client,
    endpoint: reqwest::Url,
    peer: Peer,
    model: String,
    authorization: Option<HeaderValue>,
    dialect: Dialect,
    timeout: Duration,
}

impl OpenAi {
    /// Begins a model with the id as the server knows it: `"gpt-5.4-mini"`.
    pub fn builder(model: impl Into<String>) -> OpenAiBuilder {
        OpenAiBuilder::new(model.into())
    }

    async fn post(&self, request: &TextRequest, stream: bool) -> Result<(Answer, Vec<String>)> {
        let timeout = request.timeout.unwrap_or(self.timeout);
        if timeout.is_zero() {
            let failure = Failure::new(&self.peer.provider, "no time left to ask");
            return Err(Error::Timeout(failure.boxed()));
        }
        let mut warnings = Vec::new();
        let chat = wire::ChatRequest::new(&self.model, &self.dialect, request, stream, &mut warnings);
        let body = serde_json::to_vec(&chat).map_err(|error| {
            Error::Config(
                Failure::new(&self.peer.provider, "the request cannot be written as JSON")
                    .source(error)
                    .boxed(),
            )
        })?;
        let accept = if stream {
            "text/event-stream"
        } else {
            "application/json"
        };
        let mut post = self
            .client
            .post(self.endpoint.clone())
            .timeout(timeout)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(ACCEPT, HeaderValue::from_static(accept))
            .body(body);
        if let Some(authorization) = &self.authorization {
            post = post.header(AUTHORIZATION, authorization.clone());
        }
        Ok((http::send(&self.peer, post).await?, warnings))
    }

    async fn ask(&self, request: &TextRequest) -> Result<TextResponse> {
        let (mut answer, warnings) = self.post(request, false).await?;
        let body = http::read(&self.peer, &mut answer.body).await?;
        self.fold(&answer, warnings).whole(&answer, &body)
    }

    fn fold(&self, answer: &Answer, warnings: Vec<String>) -> Fold {
        let mut response = TextResponse::new(&self.peer.provider, &self.model, "");
        response.request_id = answer.request_id();
        response.warnings = warnings;
        Fold::new(self.peer.clone(), response)
    }

    fn attempt_since(&self, started_ms: i64) -> Attempt {
        Attempt::new(
            &self.peer.provider,
            &self.model,
            Some(elapsed(started_ms, platform::now_ms())),
        )
    }
}

#[async_trait]
impl LanguageModel for OpenAi {
    fn provider(&self) -> &str {
        &self.peer.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn capabilities(&self) -> Capabilities {
        self.dialect.capabilities
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.dialect.capabilities.check(&self.peer.provider, request)?;
        let started = platform::now_ms();
        let mut result = self.ask(request).await;
        enter(&mut result, || self.attempt_since(started));
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.dialect.capabilities.check_stream(&self.peer.provider, request)?;
        let started = platform::now_ms();
        match self.post(request, true).await {
            Ok((answer, warnings)) => {
                let fold = self.fold(&answer, warnings);
                let model = self.clone();
                Ok(recorded(stream::events(answer, fold), move || {
                    model.attempt_since(started)
                }))
            }
            Err(mut error) => {
                enter_error(&mut error, || self.attempt_since(started));
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests;

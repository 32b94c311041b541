//! Cloudflare's [Workers AI](https://developers.cloudflare.com/workers-ai/): by a Worker's binding, by REST, and through AI Gateway.

mod builder;
mod embeddings;
mod fold;
mod images;
mod wire;

use std::time::Duration;

use async_trait::async_trait;

use self::builder::Door;
pub use self::builder::WorkersAiBuilder;
use self::fold::Fold;
use crate::clock::elapsed;
use crate::http::{self, Answer, EVENTS, JSON, Server};
use crate::ledger::{enter, enter_error};
pub use crate::platform::AiBinding;
use crate::stream::recorded;
use crate::{
    Attempt, Capabilities, Error, Failure, LanguageModel, Result, TextRequest, TextResponse, TextStream, platform,
};

/// A model of Workers AI, through one of three doors.
///
/// ```no_run
/// # async fn run() -> presswork_ai_adapter::Result<()> {
/// use presswork_ai_adapter::{LanguageModel, TextRequest, WorkersAi};
///
/// let model = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
/// // REST, from anywhere:
/// let rest = WorkersAi::builder(model).account("0123abcd").api_key("token").build()?;
/// // Through AI Gateway:
/// let gateway = WorkersAi::builder(model).account("0123abcd").gateway("my-gateway").api_key("token").build()?;
/// // In a Worker, `WorkersAi::builder(model).binding(env_ai.into()).build()?`: no key, no network of your own.
/// println!("{}", rest.generate(&TextRequest::user("Say hello.")).await?.text);
/// # Ok(()) }
/// ```
///
/// Without an output limit Workers AI stops after 256 tokens, so one is always sent: the request's, or the builder's
/// [`max_output_tokens`](WorkersAiBuilder::max_output_tokens). JSON mode does not stream there: a stream with a schema is answered in
/// one piece. Models that are not on Cloudflare's [list](https://developers.cloudflare.com/workers-ai/features/json-mode/) ignore a schema
/// silently, which the local validation of [`generate_object`](crate::LanguageModelExt::generate_object) catches. Old models report no finish
/// reason; one that wrote as many tokens as it was allowed counts as [`FinishReason::Length`](crate::FinishReason::Length).
#[derive(Debug, Clone)]
pub struct WorkersAi {
    door: Door,
    model: String,
    max_output_tokens: u32,
    capabilities: Capabilities,
    speaks_responses: bool,
}

impl WorkersAi {
    /// Begins a model with its id: `"@cf/meta/llama-3.3-70b-instruct-fp8-fast"`.
    pub fn builder(model: impl Into<String>) -> WorkersAiBuilder {
        WorkersAiBuilder::new(model.into())
    }

    fn server(&self) -> &Server {
        match &self.door {
            Door::Http { server, .. } | Door::Binding { server, .. } => server,
        }
    }

    fn check(&self, request: &TextRequest) -> Result<()> {
        self.capabilities.check(self.provider(), request)?;
        if (request.schema.is_some() || request.json_mode) && !request.tools.is_empty() {
            let message = "this provider takes no tools together with a response schema or JSON mode";
            return Err(Error::Unsupported(Failure::new(self.provider(), message).boxed()));
        }
        Ok(())
    }

    async fn post(&self, request: &TextRequest, stream: bool) -> Result<(Answer, Fold)> {
        // Code 5023: "JSON Schema mode is not supported with stream mode".
        let stream = stream && request.schema.is_none() && !request.json_mode;
        let accept = if stream { EVENTS } else { JSON };
        let mut warnings = Vec::new();
        let limit = request.max_output_tokens.unwrap_or(self.max_output_tokens);
        let answer = if self.speaks_responses {
            let body = wire::responses(request, limit, stream, &mut warnings);
            self.exchange(request.timeout, accept, &body).await?
        } else {
            let body = wire::Inputs::new(request, limit, stream, &mut warnings);
            self.exchange(request.timeout, accept, &body).await?
        };
        let peer = self.server().peer.clone();
        let response = answer.response(&peer, &self.model, warnings);
        Ok((answer, Fold::new(peer, response, request, limit)))
    }

    async fn exchange<T: serde::Serialize + Sync>(
        &self,
        timeout: Option<Duration>,
        accept: &'static str,
        body: &T,
    ) -> Result<Answer> {
        match &self.door {
            Door::Http { server, url } => server.post(url, timeout, accept, body).await,
            Door::Binding {
                server,
                binding,
                options,
            } => {
                let inputs = String::from_utf8(server.json(body)?).unwrap_or_default();
                let timeout = server.patience(timeout)?;
                let answered = platform::run_binding(binding, &self.model, &inputs, options, timeout).await;
                let (status, headers, body) = answered.map_err(|error| http::transport(&server.peer, error))?;
                http::answered(&server.peer, status, headers, body).await
            }
        }
    }

    fn attempt_since(&self, started_ms: i64) -> Attempt {
        let latency = elapsed(started_ms, platform::now_ms());
        Attempt::new(self.provider(), &self.model, Some(latency))
    }
}

#[async_trait]
impl LanguageModel for WorkersAi {
    fn provider(&self) -> &str {
        &self.server().peer.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.check(request)?;
        let started = platform::now_ms();
        let mut result = match self.post(request, false).await {
            Ok((answer, fold)) => http::whole(answer, fold).await,
            Err(error) => Err(error),
        };
        enter(&mut result, || self.attempt_since(started));
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.capabilities.check_stream(self.provider(), request)?;
        self.check(request)?;
        let started = platform::now_ms();
        match self.post(request, true).await {
            Ok((answer, fold)) => {
                let model = self.clone();
                Ok(recorded(http::events(answer, fold), move || {
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

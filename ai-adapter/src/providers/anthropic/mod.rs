//! Anthropic's [Messages API](https://platform.claude.com/docs/en/api/messages).

mod builder;
mod fold;
mod reply;
mod wire;

use async_trait::async_trait;

pub use self::builder::{AnthropicBuilder, PromptCache, Thinking};
use self::fold::Fold;
use crate::clock::elapsed;
use crate::http::{self, Answer, EVENTS, JSON, Server};
use crate::ledger::{enter, enter_error};
use crate::stream::recorded;
use crate::{Attempt, Capabilities, LanguageModel, Result, TextRequest, TextResponse, TextStream, platform};

/// How a turn that only this API can read is marked.
const DIALECT: &str = "anthropic";

/// A Claude model.
///
/// ```no_run
/// # async fn run() -> presswork_ai_adapter::Result<()> {
/// use presswork_ai_adapter::{Anthropic, LanguageModel, TextRequest};
///
/// let model = Anthropic::builder("claude-sonnet-4-5").api_key("sk-ant-...").build()?;
/// println!("{}", model.generate(&TextRequest::user("Say hello.")).await?.text);
/// # Ok(()) }
/// ```
///
/// The API insists on an output limit; a request without one gets the builder's
/// [`max_output_tokens`](AnthropicBuilder::max_output_tokens). It has no JSON mode without a schema. What a model refuses (forced tools,
/// sampling settings) follows from its id and the [`Thinking`] chosen, and can be overridden by
/// [`capabilities`](AnthropicBuilder::capabilities).
#[derive(Debug, Clone)]
pub struct Anthropic {
    server: Server,
    endpoint: http::Endpoint,
    model: String,
    options: builder::Options,
    capabilities: Capabilities,
}

impl Anthropic {
    /// Begins a model with its id: `"claude-sonnet-4-5"`.
    pub fn builder(model: impl Into<String>) -> AnthropicBuilder {
        AnthropicBuilder::new(model.into())
    }

    async fn post(&self, request: &TextRequest, stream: bool) -> Result<(Answer, Fold)> {
        let mut warnings = Vec::new();
        let body = wire::Request::new(&self.model, &self.options, request, stream, &mut warnings);
        let accept = if stream { EVENTS } else { JSON };
        let answer = self.server.post(&self.endpoint, request.timeout, accept, &body).await?;
        let peer = self.server.peer.clone();
        let response = answer.response(&peer, &self.model, warnings);
        Ok((answer, Fold::new(peer, response, !request.tools.is_empty())))
    }

    fn attempt_since(&self, started_ms: i64) -> Attempt {
        let latency = elapsed(started_ms, platform::now_ms());
        Attempt::new(&self.server.peer.provider, &self.model, Some(latency))
    }
}

#[async_trait]
impl LanguageModel for Anthropic {
    fn provider(&self) -> &str {
        &self.server.peer.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.capabilities.check(self.provider(), request)?;
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

//! Google's [Gemini API](https://ai.google.dev/api/generate-content), by `generateContent`.

mod builder;
mod embeddings;
mod fold;
mod images;
mod reply;
mod wire;

use async_trait::async_trait;

pub use self::builder::GeminiBuilder;
use self::fold::Fold;
use crate::clock::elapsed;
use crate::http::{self, Answer, EVENTS, JSON, Server};
use crate::ledger::{enter, enter_error};
use crate::stream::recorded;
use crate::{Attempt, Capabilities, LanguageModel, Result, TextRequest, TextResponse, TextStream, platform};

/// How a turn that only this API can read is marked.
const DIALECT: &str = "gemini";

/// A Gemini model.
///
/// ```no_run
/// # async fn run() -> presswork_ai_adapter::Result<()> {
/// use presswork_ai_adapter::{Gemini, LanguageModel, TextRequest};
///
/// let model = Gemini::builder("gemini-2.5-flash").api_key("AIza...").build()?;
/// println!("{}", model.generate(&TextRequest::user("Say hello.")).await?.text);
/// # Ok(()) }
/// ```
///
/// The key goes in a header, never in the URL. A blocked prompt is a reply with `refusal` set, as every provider's is.
#[derive(Debug, Clone)]
pub struct Gemini {
    server: Server,
    generate: http::Endpoint,
    stream: http::Endpoint,
    embed: http::Endpoint,
    model: String,
    options: builder::Options,
}

impl Gemini {
    /// Begins a model with its id: `"gemini-2.5-flash"`.
    pub fn builder(model: impl Into<String>) -> GeminiBuilder {
        GeminiBuilder::new(model.into())
    }

    async fn post(&self, request: &TextRequest, stream: bool) -> Result<(Answer, Fold)> {
        let mut warnings = Vec::new();
        let body = wire::Request::new(&self.model, &self.options, request, &mut warnings);
        let (url, accept) = if stream {
            (&self.stream, EVENTS)
        } else {
            (&self.generate, JSON)
        };
        let answer = self.server.post(url, request.timeout, accept, &body).await?;
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
impl LanguageModel for Gemini {
    fn provider(&self) -> &str {
        &self.server.peer.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.capabilities().check(self.provider(), request)?;
        let started = platform::now_ms();
        let mut result = match self.post(request, false).await {
            Ok((answer, fold)) => http::whole(answer, fold).await,
            Err(error) => Err(error),
        };
        enter(&mut result, || self.attempt_since(started));
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.capabilities().check_stream(self.provider(), request)?;
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

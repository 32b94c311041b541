//! A model that answers what it is told: for tests, always compiled.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::stream;

use crate::embedding_model::hashed;
use crate::ledger::enter;
use crate::stream::recorded;
use crate::{
    Attempt, Capabilities, Clock, EmbeddingModel, EmbeddingRequest, EmbeddingResponse, Error, Failure, FinishReason,
    Image, ImageModel, ImageRequest, ImageResponse, LanguageModel, Result, StreamEvent, SystemClock, TextRequest,
    TextResponse, TextStream,
};

/// Plays a queue of replies, errors and streams, and records what it was asked.
///
/// Each call takes the next step; a call past the end of the script is [`Error::Config`], so a test that asks too
/// often fails. Clones share the queue and the record. It can do everything unless
/// [`capabilities`](Scripted::capabilities) says less.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use presswork_ai_adapter::{LanguageModel, Scripted, TextRequest};
///
/// let model = Scripted::new().reply("Hello.");
/// let response = model.generate(&TextRequest::user("Say hello.")).await?;
/// assert_eq!(response.text, "Hello.");
/// assert_eq!(model.requests()[0].messages[0].text(), "Say hello.");
/// # Ok::<(), presswork_ai_adapter::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Scripted {
    provider: String,
    model: String,
    capabilities: Capabilities,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    steps: VecDeque<Step>,
    images: VecDeque<Result<Image>>,
    vectors: VecDeque<Result<Vec<Vec<f32>>>>,
    requests: Vec<TextRequest>,
    image_requests: Vec<ImageRequest>,
    embedding_requests: Vec<EmbeddingRequest>,
}

#[derive(Debug)]
enum Step {
    Reply {
        pieces: Vec<String>,
        response: Box<TextResponse>,
    },
    Cut(Vec<String>),
    Fail(Error),
    Silence,
}

impl Default for Scripted {
    fn default() -> Self {
        Self::new()
    }
}

impl Scripted {
    /// A model with an empty script.
    pub fn new() -> Self {
        Self {
            provider: "scripted".to_owned(),
            model: "scripted".to_owned(),
            capabilities: Capabilities::all(),
            clock: Arc::new(SystemClock),
            state: Arc::default(),
        }
    }

    /// Sets the names it goes by.
    #[must_use]
    pub fn named(mut self, provider: impl Into<String>, model: impl Into<String>) -> Self {
        self.provider = provider.into();
        self.model = model.into();
        self
    }

    /// Sets what it can do; the rest is refused.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Sets the clock that [`silence`](Self::silence) passes on.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Adds a reply of plain text.
    #[must_use]
    pub fn reply(self, text: impl Into<String>) -> Self {
        let response = TextResponse::new(&self.provider, &self.model, text);
        self.response(response)
    }

    /// Adds a reply in full.
    #[must_use]
    pub fn response(self, response: TextResponse) -> Self {
        let pieces = if response.text.is_empty() {
            Vec::new()
        } else {
            vec![response.text.clone()]
        };
        self.push(Step::Reply {
            pieces,
            response: Box::new(response),
        })
    }

    /// Adds a reply that streams in these pieces; `generate` gives them joined.
    #[must_use]
    pub fn pieces<P: Into<String>>(self, pieces: impl IntoIterator<Item = P>) -> Self {
        let pieces: Vec<String> = pieces.into_iter().map(Into::into).collect();
        let response = TextResponse::new(&self.provider, &self.model, pieces.concat());
        self.push(Step::Reply {
            pieces,
            response: Box::new(response),
        })
    }

    /// Adds a reply whose connection ends after these pieces.
    #[must_use]
    pub fn cut<P: Into<String>>(self, pieces: impl IntoIterator<Item = P>) -> Self {
        self.push(Step::Cut(pieces.into_iter().map(Into::into).collect()))
    }

    /// Adds an error.
    #[must_use]
    pub fn error(self, error: Error) -> Self {
        self.push(Step::Fail(error))
    }

    /// Adds a refusal: a reply that says so.
    #[must_use]
    pub fn refuse(self, words: impl Into<String>) -> Self {
        let mut response = TextResponse::new(&self.provider, &self.model, "");
        response.refusal = Some(words.into());
        response.finish = FinishReason::ContentFilter;
        self.response(response)
    }

    /// Adds no answer at all: the call waits out the request's timeout, or forever without one.
    #[must_use]
    pub fn silence(self) -> Self {
        self.push(Step::Silence)
    }

    /// Adds vectors, or an error, for [`EmbeddingModel::embed`]. A call past their end is given vectors made of the words of each
    /// text, always the same ones.
    #[must_use]
    pub fn vectors(self, vectors: Result<Vec<Vec<f32>>>) -> Self {
        self.lock().vectors.push_back(vectors);
        self
    }

    /// Every request for vectors so far.
    pub fn embedding_requests(&self) -> Vec<EmbeddingRequest> {
        self.lock().embedding_requests.clone()
    }

    /// Adds a picture, or an error, for [`ImageModel::generate_image`].
    #[must_use]
    pub fn image(self, image: Result<Image>) -> Self {
        self.lock().images.push_back(image);
        self
    }

    /// Every request so far, refused ones not included.
    pub fn requests(&self) -> Vec<TextRequest> {
        self.lock().requests.clone()
    }

    /// Every image request so far.
    pub fn image_requests(&self) -> Vec<ImageRequest> {
        self.lock().image_requests.clone()
    }

    fn push(self, step: Step) -> Self {
        self.lock().steps.push_back(step);
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exhausted(&self) -> Error {
        Error::Config(Failure::new(&self.provider, "the script has no step left").boxed())
    }

    fn attempt(&self) -> Attempt {
        Attempt::new(&self.provider, &self.model, None)
    }

    async fn next(&self, request: &TextRequest) -> Result<Step> {
        let step = {
            let mut state = self.lock();
            state.requests.push(request.clone());
            state.steps.pop_front()
        };
        match step.ok_or_else(|| self.exhausted())? {
            Step::Fail(error) => Err(error),
            Step::Silence => {
                match request.timeout {
                    Some(timeout) => self.clock.sleep(timeout).await,
                    None => std::future::pending().await,
                }
                Err(Error::Timeout(
                    Failure::new(&self.provider, "no answer in time").boxed(),
                ))
            }
            step => Ok(step),
        }
    }

    fn incomplete(&self) -> Error {
        Error::Incomplete(Failure::new(&self.provider, "the stream ended before its last event").boxed())
    }
}

#[async_trait]
impl LanguageModel for Scripted {
    fn provider(&self) -> &str {
        &self.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.capabilities.check(&self.provider, request)?;
        let mut result = match self.next(request).await {
            Ok(Step::Reply { response, .. }) => Ok(*response),
            Ok(_) => Err(self.incomplete()),
            Err(error) => Err(error),
        };
        enter(&mut result, || self.attempt());
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.capabilities.check_stream(&self.provider, request)?;
        let mut step = self.next(request).await;
        if let Err(error) = &mut step {
            crate::ledger::enter_error(error, || self.attempt());
        }
        let (pieces, end) = match step? {
            Step::Reply { pieces, response } => (pieces, Ok(StreamEvent::Done(response))),
            Step::Cut(pieces) => (pieces, Err(self.incomplete())),
            Step::Fail(_) | Step::Silence => (Vec::new(), Err(self.incomplete())),
        };
        let pieces: Vec<_> = pieces
            .into_iter()
            .map(|piece| Ok(StreamEvent::Text(piece)))
            .chain([end])
            .collect();
        let attempt = self.attempt();
        Ok(recorded(stream::iter(pieces), move || attempt.clone()))
    }
}

#[async_trait]
impl EmbeddingModel for Scripted {
    fn provider(&self) -> &str {
        &self.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse> {
        request.check(&self.provider)?;
        if request.texts.is_empty() {
            return Ok(EmbeddingResponse::new(&self.provider, &self.model, Vec::new()));
        }
        let vectors = {
            let mut state = self.lock();
            state.embedding_requests.push(request.clone());
            state.vectors.pop_front()
        };
        let vectors = vectors.unwrap_or_else(|| Ok(hashed::vectors(request)));
        let mut result = vectors.map(|vectors| EmbeddingResponse::new(&self.provider, &self.model, vectors));
        enter(&mut result, || self.attempt());
        result
    }
}

#[async_trait]
impl ImageModel for Scripted {
    fn provider(&self) -> &str {
        &self.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    async fn generate_image(&self, request: &ImageRequest) -> Result<ImageResponse> {
        let image = {
            let mut state = self.lock();
            state.image_requests.push(request.clone());
            state.images.pop_front()
        };
        let image = image.unwrap_or_else(|| Err(self.exhausted()));
        let mut result = image.map(|image| ImageResponse::new(&self.provider, &self.model, vec![image]));
        enter(&mut result, || self.attempt());
        result
    }
}

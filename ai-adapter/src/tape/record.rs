//! Writes a tape.

use async_trait::async_trait;

use super::{Piece, Tape};
use crate::stream::watched;
use crate::{Capabilities, LanguageModel, Result, StreamEvent, TextRequest, TextResponse, TextStream};

/// Writes every call and its end, answer or error, on a [`Tape`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use presswork_ai_adapter::{LanguageModel, LanguageModelExt, Replay, Scripted, Tape, TextRequest};
///
/// let model = Scripted::new().reply("Hello.").record();
/// let request = TextRequest::user("Say hello.");
/// model.generate(&request).await?;
/// let lines = model.tape().to_json_lines()?; // to a file, a bucket, a fixture
///
/// let model = Replay::new(Tape::from_json_lines(&lines)?);
/// assert_eq!(model.generate(&request).await?.text, "Hello.");
/// # Ok::<(), presswork_ai_adapter::Error>(()) }).unwrap();
/// ```
///
/// A stream that is dropped before its end, or a call that is cancelled, is not written.
#[derive(Debug, Clone)]
pub struct Record<M> {
    inner: M,
    tape: Tape,
}

impl<M: LanguageModel> Record<M> {
    /// Wraps a model, with an empty tape.
    pub fn new(inner: M) -> Self {
        let tape = Tape::of(&inner);
        Self { inner, tape }
    }
}

impl<M> Record<M> {
    /// Hides this text wherever it is said, in addition to what looks like a key.
    #[must_use]
    pub fn hide(mut self, secret: impl Into<String>) -> Self {
        self.tape.hide(&secret.into());
        self
    }

    /// What was recorded so far.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The model inside.
    pub fn inner(&self) -> &M {
        &self.inner
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: LanguageModel> LanguageModel for Record<M> {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        let result = self.inner.generate(request).await;
        self.tape.add(self.tape.written(request), None, result.as_ref());
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        let written = self.tape.written(request);
        let stream = match self.inner.stream(request).await {
            Ok(stream) => stream,
            Err(error) => {
                self.tape.add(written, None, Err(&error));
                return Err(error);
            }
        };
        let tape = self.tape.clone();
        let mut open = Some((written, Vec::new()));
        Ok(watched(stream, move |event| {
            let end = match event {
                Ok(StreamEvent::Done(response)) => Ok(&**response),
                Err(error) => Err(&*error),
                Ok(event) => {
                    if let Some((_, pieces)) = &mut open {
                        pieces.extend(Piece::of(event));
                    }
                    return;
                }
            };
            if let Some((written, pieces)) = open.take() {
                tape.add(written, Some(pieces), end);
            }
        }))
    }
}

//! Finds out how a model gives objects, and remembers it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;

use super::{Rung, extract};
use crate::clock::{elapsed, remaining};
use crate::ledger::{enter_error, prepend, prepend_to};
use crate::retry::within;
use crate::stream::{open, watched, with_earlier};
use crate::{
    Attempt, Capabilities, Clock, Error, LanguageModel, ResponseSchema, Result, StreamEvent, SystemClock, TextRequest,
    TextResponse, TextStream,
};

/// Takes a response schema from any model: by the provider's own enforcement, as a tool the model must call, as JSON mode, or in the
/// instructions, whichever works first, in this order.
///
/// [`Capabilities`] say what a provider takes; whether a certain model behind it does is known when it was asked. A way that the
/// server rejects ([`Error::Rejected`], [`Error::Unsupported`]), or that brings back no JSON object, is left for the next one,
/// in the same call and under its deadline; the ledger lists both. What worked is remembered for the calls that follow,
/// in all clones. A prompt that is rejected every way is the last way's error.
///
/// [`generate_object`](crate::LanguageModelExt::generate_object) around it validates and repairs as ever. A request with tools of
/// its own goes through as it is.
#[derive(Debug, Clone)]
pub struct Ladder<M> {
    inner: M,
    clock: Arc<dyn Clock>,
    /// How many ways are known not to work.
    skipped: Arc<AtomicU8>,
}

impl<M> Ladder<M> {
    /// Wraps a model of which nothing is known yet.
    pub fn new(inner: M) -> Self {
        Self {
            inner,
            clock: Arc::new(SystemClock),
            skipped: Arc::default(),
        }
    }

    /// Replaces the clock the deadline is read from.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The model inside.
    pub fn inner(&self) -> &M {
        &self.inner
    }
}

/// Whether the way was wrong, rather than the prompt or the time.
fn is_wrong_way(error: &Error) -> bool {
    matches!(error, Error::Rejected(_) | Error::Unsupported(_))
}

/// The answer as a model with native schemas would give it.
fn as_native(rung: Rung, response: &mut TextResponse, schema: &ResponseSchema) {
    if rung == Rung::ForcedTool {
        let answer = rung.answer(response, schema).to_owned();
        response.text = answer;
        response.tool_calls.clear();
        // Its turn goes back as text: there is no call left to answer.
        response.verbatim = None;
        if response.finish == crate::FinishReason::ToolCalls {
            response.finish = crate::FinishReason::Stop;
        }
    }
}

impl<M: LanguageModel> Ladder<M> {
    /// The ways this model may have, the ones known not to work left out; their numbers count from the strongest.
    fn ways(&self) -> Vec<(u8, Rung)> {
        let ways = Rung::all(self.inner.capabilities());
        let skipped = usize::from(self.skipped.load(Ordering::Relaxed)).min(ways.len().saturating_sub(1));
        (0_u8..).zip(ways).skip(skipped).collect()
    }

    fn remember(&self, way: u8) {
        self.skipped.fetch_max(way, Ordering::Relaxed);
    }

    fn attempt(&self, began: i64) -> Attempt {
        let latency = elapsed(began, self.clock.now_ms());
        Attempt::new(self.inner.provider(), self.inner.model(), Some(latency))
    }

    async fn climb(&self, request: &TextRequest, schema: &ResponseSchema) -> (Result<TextResponse>, Vec<Attempt>) {
        let started = self.clock.now_ms();
        let mut earlier = Vec::new();
        let mut ways = self.ways().into_iter().peekable();
        loop {
            let Some((number, rung)) = ways.next() else {
                return (self.inner.generate(request).await, earlier);
            };
            let began = self.clock.now_ms();
            let ask = rung.phrase(request, schema);
            let left = remaining(request.timeout, started, began);
            let has_next = ways.peek().is_some() && left.is_none_or(|left| !left.is_zero());
            match self.inner.generate(&within(&ask, left)).await {
                Ok(mut response) => {
                    as_native(rung, &mut response, schema);
                    let is_whole = response.finish == crate::FinishReason::Stop && !response.is_refused();
                    if has_next && is_whole && extract::json_object(&response.text).is_err() {
                        let mut attempts = std::mem::take(&mut response.attempts);
                        if let Some(last) = attempts.last_mut() {
                            last.error = Some("malformed: the answer holds no JSON object".to_owned());
                        }
                        earlier.append(&mut attempts);
                        continue;
                    }
                    self.remember(number);
                    return (Ok(response), earlier);
                }
                Err(mut error) => {
                    enter_error(&mut error, || self.attempt(began));
                    if !has_next || !is_wrong_way(&error) {
                        return (Err(error), earlier);
                    }
                    earlier.append(&mut error.failure_mut().attempts);
                }
            }
        }
    }

    async fn climb_streaming(&self, request: &TextRequest, schema: &ResponseSchema) -> Result<TextStream> {
        let started = self.clock.now_ms();
        let mut earlier = Vec::new();
        let mut ways = self.ways().into_iter().peekable();
        loop {
            let Some((number, rung)) = ways.next() else {
                return self.inner.stream(request).await;
            };
            let began = self.clock.now_ms();
            let ask = rung.phrase(request, schema);
            let left = remaining(request.timeout, started, began);
            match open(&self.inner, &within(&ask, left)).await {
                Ok(stream) => {
                    self.remember(number);
                    return Ok(with_earlier(texts(stream, rung, schema.clone()), earlier));
                }
                Err(mut error) => {
                    enter_error(&mut error, || self.attempt(began));
                    if ways.peek().is_none() || !is_wrong_way(&error) {
                        prepend_to(&mut error.failure_mut().attempts, earlier);
                        return Err(error);
                    }
                    earlier.append(&mut error.failure_mut().attempts);
                }
            }
        }
    }
}

/// The pieces of a tool's arguments as pieces of text.
fn texts(stream: TextStream, rung: Rung, schema: ResponseSchema) -> TextStream {
    watched(stream, move |event| match event {
        Ok(StreamEvent::ToolCall {
            index: 0, arguments, ..
        }) if rung == Rung::ForcedTool => {
            *event = Ok(StreamEvent::Text(std::mem::take(arguments)));
        }
        Ok(StreamEvent::Done(response)) => as_native(rung, response, &schema),
        _ => {}
    })
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: LanguageModel> LanguageModel for Ladder<M> {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            native_schema: true,
            ..self.inner.capabilities()
        }
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.capabilities().check(self.provider(), request)?;
        match &request.schema {
            Some(schema) if request.tools.is_empty() => {
                let (mut result, earlier) = self.climb(request, schema).await;
                prepend(&mut result, earlier);
                result
            }
            _ => self.inner.generate(request).await,
        }
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.capabilities().check_stream(self.provider(), request)?;
        match &request.schema {
            Some(schema) if request.tools.is_empty() => self.climb_streaming(request, schema).await,
            _ => self.inner.stream(request).await,
        }
    }
}

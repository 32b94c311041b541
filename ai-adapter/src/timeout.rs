//! An end to waiting.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream;

use crate::clock::{elapsed, in_time, remaining};
use crate::ledger::enter_error;
use crate::retry::within;
use crate::{
    Attempt, Capabilities, Clock, Error, Failure, LanguageModel, Result, StreamEvent, SystemClock, TextRequest,
    TextResponse, TextStream,
};

/// Ends a call that takes too long: in all, until its first event, or between two events.
///
/// [`total`](Self::total) bounds the whole call, like [`TextRequest::timeout`], the shorter one of the two; the model inside
/// is told, and stopped if it does not keep to it. [`first_event`](Self::first_event) and [`idle`](Self::idle) bound a
/// stream's silence; a [`StreamEvent::Ping`] breaks it for both. What is not set is not bounded.
///
/// Ending a call drops what the model inside knows of its attempts, so this belongs inside of
/// [`Retry`](crate::Retry) and [`Fallback`](crate::Fallback), around one provider.
///
/// # Errors
/// [`Error::Timeout`] that says which time was over. The provider may have done, and billed, the work.
#[derive(Debug, Clone)]
pub struct Timeout<M> {
    inner: M,
    times: Times,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Times {
    total: Option<Duration>,
    first_event: Option<Duration>,
    idle: Option<Duration>,
}

impl<M> Timeout<M> {
    /// Wraps a model, with no bound yet.
    pub fn new(inner: M) -> Self {
        Self {
            inner,
            times: Times::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets how long a whole call may take, reading a stream to its end included.
    #[must_use]
    pub fn total(mut self, time: Duration) -> Self {
        self.times.total = Some(time);
        self
    }

    /// Sets how long a stream may take to its first event.
    #[must_use]
    pub fn first_event(mut self, time: Duration) -> Self {
        self.times.first_event = Some(time);
        self
    }

    /// Sets how long a stream may be silent between two events.
    #[must_use]
    pub fn idle(mut self, time: Duration) -> Self {
        self.times.idle = Some(time);
        self
    }

    /// Replaces time and sleep.
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

fn shorter(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

/// One call, and what is left of its time.
struct Running {
    provider: String,
    model: String,
    clock: Arc<dyn Clock>,
    started: i64,
    total: Option<Duration>,
}

impl Running {
    fn left(&self) -> Option<Duration> {
        remaining(self.total, self.started, self.clock.now_ms())
    }

    /// The time for the next step, and its name: its own, or the rest of the whole.
    fn next(&self, own: Option<Duration>, name: &'static str) -> (Option<Duration>, &'static str) {
        match (own, self.left()) {
            (Some(own), Some(left)) if left <= own => (Some(left), "in all"),
            (Some(own), _) => (Some(own), name),
            (None, left) => (left, "in all"),
        }
    }

    fn late(&self, time: Option<Duration>, name: &str) -> Error {
        let message = format!("nothing within {} ms {name}", time.unwrap_or_default().as_millis());
        let mut error = Error::Timeout(Failure::new(&self.provider, message).boxed());
        let latency = elapsed(self.started, self.clock.now_ms());
        enter_error(&mut error, || Attempt::new(&self.provider, &self.model, Some(latency)));
        error
    }
}

impl<M: LanguageModel> Timeout<M> {
    fn start(&self, request: &TextRequest) -> Running {
        Running {
            provider: self.inner.provider().to_owned(),
            model: self.inner.model().to_owned(),
            clock: self.clock.clone(),
            started: self.clock.now_ms(),
            total: shorter(request.timeout, self.times.total),
        }
    }
}

/// The stream, each event of which comes in time, or an error in its place.
fn guarded(inner: TextStream, running: Running, times: Times) -> TextStream {
    let state = (Some(inner), running, times.first_event, "for the first event");
    TextStream::new(stream::unfold(state, move |(inner, running, own, name)| async move {
        let mut inner = inner?;
        let (time, name) = running.next(own, name);
        match in_time(&*running.clock, time, inner.next()).await {
            Some(event) => {
                let event = event?;
                let is_last = matches!(&event, Ok(StreamEvent::Done(_)) | Err(_));
                let inner = (!is_last).then_some(inner);
                Some((event, (inner, running, times.idle, "between two events")))
            }
            None => {
                let error = running.late(time, name);
                Some((Err(error), (None, running, own, name)))
            }
        }
    }))
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: LanguageModel> LanguageModel for Timeout<M> {
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
        let running = self.start(request);
        let request = within(request, running.total);
        match in_time(&*self.clock, running.total, self.inner.generate(&request)).await {
            Some(result) => result,
            None => Err(running.late(running.total, "in all")),
        }
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        let running = self.start(request);
        let request = within(request, running.total);
        let (time, name) = running.next(self.times.first_event, "for the first event");
        match in_time(&*self.clock, time, self.inner.stream(&request)).await {
            Some(stream) => {
                // What opening took is part of the wait for the first event.
                let mut times = self.times;
                times.first_event = remaining(times.first_event, running.started, self.clock.now_ms());
                Ok(guarded(stream?, running, times))
            }
            None => Err(running.late(time, name)),
        }
    }
}

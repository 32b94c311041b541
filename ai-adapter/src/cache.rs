//! The same answer to the same question, once paid for.

mod memory;
mod shared;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};

pub use self::memory::MemoryCache;
use self::shared::{Reader, Running, Shared};
use crate::canonical::canonical;
use crate::clock::{elapsed, in_time, remaining};
use crate::gate::{Gate, Pass};
use crate::ledger::enter_error;
use crate::limits::Limits;
use crate::retry::within;
use crate::stream::{recorded, replayed};
use crate::{
    Attempt, Capabilities, Clock, Error, Failure, FinishReason, LanguageModel, Result, StreamEvent, SystemClock,
    TextRequest, TextResponse, TextStream, Usage,
};

/// Where [`Cache`] keeps answers: texts under keys.
///
/// A cache never fails a call, so neither does this: a store in trouble finds nothing, and forgets what it is given.
#[async_trait]
pub trait CacheStore: Send + Sync {
    /// What was put last under the key, if it is still there.
    async fn get(&self, key: &str) -> Option<String>;

    /// Keeps an answer: JSON of a [`TextResponse`].
    async fn put(&self, key: &str, answer: &str);
}

#[async_trait]
impl<T: CacheStore + ?Sized> CacheStore for Arc<T> {
    async fn get(&self, key: &str) -> Option<String> {
        (**self).get(key).await
    }

    async fn put(&self, key: &str, answer: &str) {
        (**self).put(key, answer).await;
    }
}

/// Answers a request it has seen before from a [`CacheStore`].
///
/// The [`key`](Self::key) stands for everything that changes the answer: provider, model and the request without its
/// labels and its deadline. Answers are kept that ended by themselves, in tool calls or at the output limit; errors, refusals
/// and pauses are not. While one call is running, equal ones wait for its answer, within their own timeout; when it
/// fails, the next of them asks. Streams are kept once they ended and given back as streams. While one stream is running,
/// equal ones are the same stream, each from its beginning: whoever reads drives it for all, and it ends when it is done or when the last
/// reader dropped it. It is asked for without a deadline, and each reader ends by its own. An error that ends it is told to each of them.
///
/// An answer from the cache took nothing: its usage is zero, its attempt cost zero, its limits are unknown, and a
/// warning says where it is from.
///
/// Put it outside of everything that waits, counts or pays.
#[derive(Clone)]
pub struct Cache<M> {
    inner: M,
    store: Arc<dyn CacheStore>,
    clock: Arc<dyn Clock>,
    flights: Flights,
    running: Running,
}

type Flights = Arc<Mutex<HashMap<String, Arc<Gate>>>>;

impl<M> Cache<M> {
    /// Wraps a model.
    pub fn new(inner: M, store: impl CacheStore + 'static) -> Self {
        Self {
            inner,
            store: Arc::new(store),
            clock: Arc::new(SystemClock),
            flights: Arc::default(),
            running: Arc::default(),
        }
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

impl<M: LanguageModel> Cache<M> {
    /// The request's key: `v1-` and the SHA-256, in hexadecimal, of a JSON object of `provider`, `model` and the fields of the
    /// request as they serialise, in the order `system`, `messages`, `max_output_tokens`, `temperature`, `top_p`, `stop`,
    /// `schema`, `json_mode`, `tools`, `tool_choice`, `reasoning_effort`.
    ///
    /// # Errors
    /// [`Error::Config`] for a request that is no JSON: a temperature that is not a number.
    pub fn key(&self, request: &TextRequest) -> Result<String> {
        let provider = self.inner.provider();
        let is_finite = |number: Option<f64>| number.is_none_or(f64::is_finite);
        let value = canonical(provider, self.inner.model(), request);
        match value {
            Ok(value) if is_finite(request.temperature) && is_finite(request.top_p) => {
                let digest = Sha256::digest(value.to_string());
                let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                Ok(format!("v1-{hex}"))
            }
            _ => Err(Error::Config(Failure::new(provider, "the request is no JSON").boxed())),
        }
    }

    async fn look(&self, key: &str) -> Option<TextResponse> {
        let began = self.clock.now_ms();
        let mut response: TextResponse = serde_json::from_str(&self.store.get(key).await?).ok()?;
        unpaid(&mut response, elapsed(began, self.clock.now_ms()));
        Some(response)
    }

    /// A reader of its own, with what is left of its time.
    fn reader(&self, shared: Arc<Shared>, request: &TextRequest, started: i64) -> TextStream {
        let (clock, began) = (self.clock.clone(), self.clock.now_ms());
        let deadline = remaining(request.timeout, started, began).map(|left| {
            let clock = clock.clone();
            let sleep: BoxFuture<'static, ()> = Box::pin(async move { clock.sleep(left).await });
            sleep
        });
        let repeat = move |response: &mut TextResponse| unpaid(response, elapsed(began, clock.now_ms()));
        let reader = Reader::new(shared, self.provider(), Box::new(repeat), deadline);
        let (provider, model) = (self.provider().to_owned(), self.model().to_owned());
        let clock = self.clock.clone();
        recorded(reader, move || {
            Attempt::new(&provider, &model, Some(elapsed(started, clock.now_ms())))
        })
    }

    /// Waits until no equal call is running.
    async fn board(&self, key: &str, timeout: Option<Duration>) -> Result<Flight> {
        let mut flight = Flight {
            key: key.to_owned(),
            gate: lock(&self.flights)
                .entry(key.to_owned())
                .or_insert_with(|| Gate::new(1))
                .clone(),
            flights: self.flights.clone(),
            pass: None,
        };
        match in_time(&*self.clock, timeout, flight.gate.enter()).await {
            Some(pass) => {
                flight.pass = Some(pass);
                Ok(flight)
            }
            None => Err(self.late(timeout, "an equal call was still running when the time was over")),
        }
    }

    fn late(&self, timeout: Option<Duration>, message: &str) -> Error {
        let (provider, model) = (self.inner.provider(), self.inner.model());
        let mut error = Error::Timeout(Failure::new(provider, message).boxed());
        enter_error(&mut error, || Attempt::new(provider, model, timeout));
        error
    }
}

fn lock(flights: &Flights) -> MutexGuard<'_, HashMap<String, Arc<Gate>>> {
    flights.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call that is running, or waits for an equal one. The last one to leave takes the gate away.
struct Flight {
    key: String,
    gate: Arc<Gate>,
    flights: Flights,
    pass: Option<Pass>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.pass = None;
        let mut flights = lock(&self.flights);
        // The map's and this one's own: gates are handed out under the lock alone.
        if Arc::strong_count(&self.gate) == 2 {
            flights.remove(&self.key);
        }
    }
}

/// An answer that somebody else paid for.
fn unpaid(response: &mut TextResponse, latency: Duration) {
    let mut attempt = Attempt::new(&response.provider, &response.model, Some(latency));
    attempt.usage = Usage::new(0, 0);
    attempt.cost_micros = Some(0);
    response.usage = attempt.usage;
    response.attempts = vec![attempt];
    response.limits = Limits::default();
    response.warnings.push("answered from the cache".to_owned());
}

/// What is worth keeping, as it is kept.
fn kept(response: &TextResponse) -> Option<String> {
    let is_answer = matches!(
        response.finish,
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Length
    );
    if !is_answer || response.is_refused() {
        return None;
    }
    serde_json::to_string(response).ok()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: LanguageModel> LanguageModel for Cache<M> {
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
        self.capabilities().check(self.provider(), request)?;
        let started = self.clock.now_ms();
        let key = self.key(request)?;
        if let Some(response) = self.look(&key).await {
            return Ok(response);
        }
        let _flight = self.board(&key, request.timeout).await?;
        // Whoever was before has answered, or failed.
        if let Some(response) = self.look(&key).await {
            return Ok(response);
        }
        let left = remaining(request.timeout, started, self.clock.now_ms());
        let response = self.inner.generate(&within(request, left)).await?;
        if let Some(answer) = kept(&response) {
            self.store.put(&key, &answer).await;
        }
        Ok(response)
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.capabilities().check_stream(self.provider(), request)?;
        let started = self.clock.now_ms();
        let key = self.key(request)?;
        if let Some(response) = self.look(&key).await {
            return Ok(replayed(response));
        }
        if let Some(shared) = Shared::find(&key, &self.running) {
            return Ok(self.reader(shared, request, started));
        }
        // Until it began, equal ones wait in line; whoever gives up leaves its place to the next.
        let _flight = self.board(&key, request.timeout).await?;
        if let Some(response) = self.look(&key).await {
            return Ok(replayed(response));
        }
        if let Some(shared) = Shared::find(&key, &self.running) {
            return Ok(self.reader(shared, request, started));
        }
        // Others may join who have more time, so the deadline is each reader's own.
        let endless = within(request, None);
        let left = remaining(request.timeout, started, self.clock.now_ms());
        let Some(opened) = in_time(&*self.clock, left, self.inner.stream(&endless)).await else {
            return Err(self.late(request.timeout, "the stream had not begun when the time was over"));
        };
        let (store, kept_as) = (self.store.clone(), key.clone());
        let events = opened?.then(move |event| {
            let answer = match &event {
                Ok(StreamEvent::Done(response)) => {
                    kept(response).map(|answer| (store.clone(), kept_as.clone(), answer))
                }
                _ => None,
            };
            async move {
                if let Some((store, key, answer)) = answer {
                    store.put(&key, &answer).await;
                }
                event
            }
        });
        let shared = Shared::new(&key, &self.running, TextStream::new(events));
        Ok(self.reader(shared, request, started))
    }
}

impl<M: std::fmt::Debug> std::fmt::Debug for Cache<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

//! The same answer to the same question, once paid for.

mod memory;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

pub use self::memory::MemoryCache;
use crate::canonical::canonical;
use crate::clock::{elapsed, in_time, remaining};
use crate::gate::{Gate, Pass};
use crate::ledger::enter_error;
use crate::limits::Limits;
use crate::retry::within;
use crate::stream::replayed;
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
/// fails, the next of them asks. Streams are kept once they ended and given back as streams; equal streams that run at
/// once do not wait for each other, since who reads both in turn would wait for ever.
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
        let latency = elapsed(began, self.clock.now_ms());
        let mut attempt = Attempt::new(&response.provider, &response.model, Some(latency));
        attempt.usage = Usage::new(0, 0);
        attempt.cost_micros = Some(0);
        response.usage = attempt.usage;
        response.attempts = vec![attempt];
        response.limits = Limits::default();
        response.warnings.push("answered from the cache".to_owned());
        Some(response)
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
            None => {
                let message = "an equal call was still running when the time was over";
                let mut error = Error::Timeout(Failure::new(self.inner.provider(), message).boxed());
                enter_error(&mut error, || {
                    Attempt::new(self.inner.provider(), self.inner.model(), timeout)
                });
                Err(error)
            }
        }
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
        let key = self.key(request)?;
        if let Some(response) = self.look(&key).await {
            return Ok(replayed(response));
        }
        let store = self.store.clone();
        let events = self.inner.stream(request).await?.then(move |event| {
            let answer = match &event {
                Ok(StreamEvent::Done(response)) => kept(response).map(|answer| (store.clone(), key.clone(), answer)),
                _ => None,
            };
            async move {
                if let Some((store, key, answer)) = answer {
                    store.put(&key, &answer).await;
                }
                event
            }
        });
        Ok(TextStream::new(events))
    }
}

impl<M: std::fmt::Debug> std::fmt::Debug for Cache<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

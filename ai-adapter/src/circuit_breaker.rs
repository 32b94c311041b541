//! A pause for a provider that is down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::elapsed;
use crate::ledger::enter_error;
use crate::stream::watched;
use crate::{
    Attempt, Capabilities, Clock, Error, Failure, LanguageModel, Result, StreamEvent, SystemClock, TextRequest,
    TextResponse, TextStream,
};

/// Stops asking a provider that keeps failing, and tries it again with one call at a time.
///
/// After 5 failures in a row ([`failures`](Self::failures)) the circuit is open: for 30 seconds
/// ([`open_for`](Self::open_for)) every call is [`Error::Unavailable`] at once, with the rest of that time as
/// [`Error::retry_after`], so that a [`Fallback`](crate::Fallback) moves on without waiting. Then it is half open:
/// one call goes through, all others are still refused. Its success closes the circuit, its failure opens it for
/// another 30 seconds. A probe that is cancelled, or whose stream is dropped, leaves its place to the next call.
///
/// Only what speaks of the provider's health counts: `Unavailable`, `Timeout`, `Incomplete` and `Malformed` against
/// it, an answer or any other verdict of the server for it. `RateLimited` and `QuotaExhausted` say nothing (see
/// [`RateLimit`](crate::RateLimit)), nor does what is refused before it is sent. A stream counts when it ends.
///
/// Clones share the circuit.
#[derive(Debug, Clone)]
pub struct CircuitBreaker<M> {
    inner: M,
    failures: u32,
    open_for: Duration,
    clock: Arc<dyn Clock>,
    circuit: Arc<Mutex<Circuit>>,
}

#[derive(Debug)]
struct Circuit {
    state: State,
    /// Rises with every change of state: what an older call tells is no news.
    epoch: u64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { failures: u32 },
    Open { since_ms: i64 },
    HalfOpen { is_probing: bool },
}

/// What a call tells of the provider's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Up,
    Down,
    Unknown,
}

impl Health {
    fn of(error: &Error) -> Self {
        match error {
            Error::Unavailable(_) | Error::Timeout(_) | Error::Incomplete(_) | Error::Malformed(_) => Self::Down,
            Error::Unauthenticated(_)
            | Error::ModelNotFound(_)
            | Error::Rejected(_)
            | Error::Refused(_)
            | Error::Truncated(_)
            | Error::InvalidObject { .. } => Self::Up,
            // These may come from a wrapper inside, and nothing was sent.
            Error::RateLimited(_) | Error::QuotaExhausted(_) | Error::Unsupported(_) | Error::Config(_) => {
                Self::Unknown
            }
        }
    }
}

impl<M> CircuitBreaker<M> {
    /// Wraps a model: 5 failures in a row open the circuit for 30 seconds.
    pub fn new(inner: M) -> Self {
        let circuit = Circuit {
            state: State::Closed { failures: 0 },
            epoch: 0,
        };
        Self {
            inner,
            failures: 5,
            open_for: Duration::from_secs(30),
            clock: Arc::new(SystemClock),
            circuit: Arc::new(Mutex::new(circuit)),
        }
    }

    /// Sets how many failures in a row open the circuit; 0 counts as 1.
    #[must_use]
    pub fn failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// Sets how long the circuit stays open before one call may try.
    #[must_use]
    pub fn open_for(mut self, time: Duration) -> Self {
        self.open_for = time;
        self
    }

    /// Replaces the clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The model inside.
    pub fn inner(&self) -> &M {
        &self.inner
    }

    /// Whether calls are refused now.
    pub fn is_open(&self) -> bool {
        let circuit = lock(&self.circuit);
        match circuit.state {
            State::Closed { .. } => false,
            State::Open { since_ms } => self.rest(since_ms).is_some(),
            State::HalfOpen { is_probing } => is_probing,
        }
    }

    /// How much longer the circuit stays open. A clock that was set back must not keep it open for a day.
    fn rest(&self, since_ms: i64) -> Option<Duration> {
        let now = self.clock.now_ms();
        let rest = self.open_for.saturating_sub(elapsed(since_ms, now));
        (now >= since_ms && !rest.is_zero()).then_some(rest)
    }
}

fn lock(circuit: &Mutex<Circuit>) -> MutexGuard<'_, Circuit> {
    circuit.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to make one call. Dropped without a verdict it says nothing, and a probe's place is free again.
struct Call {
    circuit: Arc<Mutex<Circuit>>,
    clock: Arc<dyn Clock>,
    failures: u32,
    epoch: u64,
    is_over: bool,
}

impl Call {
    fn over(&mut self, health: Health) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let mut circuit = lock(&self.circuit);
        if circuit.epoch != self.epoch {
            return;
        }
        let next = match (circuit.state, health) {
            (State::Closed { failures }, Health::Down) if failures + 1 >= self.failures => State::Open {
                since_ms: self.clock.now_ms(),
            },
            (State::Closed { failures }, Health::Down) => State::Closed { failures: failures + 1 },
            (State::Closed { .. }, Health::Up) => State::Closed { failures: 0 },
            (State::HalfOpen { .. }, Health::Up) => State::Closed { failures: 0 },
            (State::HalfOpen { .. }, Health::Down) => State::Open {
                since_ms: self.clock.now_ms(),
            },
            (State::HalfOpen { .. }, Health::Unknown) => State::HalfOpen { is_probing: false },
            (state @ (State::Closed { .. } | State::Open { .. }), _) => state,
        };
        if std::mem::discriminant(&next) != std::mem::discriminant(&circuit.state) {
            circuit.epoch += 1;
        }
        circuit.state = next;
    }

    fn over_with<T>(&mut self, result: &Result<T>) {
        self.over(match result {
            Ok(_) => Health::Up,
            Err(error) => Health::of(error),
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.over(Health::Unknown);
    }
}

impl<M: LanguageModel> CircuitBreaker<M> {
    fn admit(&self) -> Result<Call> {
        let mut circuit = lock(&self.circuit);
        if let State::Open { since_ms } = circuit.state {
            if let Some(rest) = self.rest(since_ms) {
                return Err(self.refusal(Some(rest)));
            }
            circuit.state = State::HalfOpen { is_probing: false };
            circuit.epoch += 1;
        }
        if let State::HalfOpen { is_probing } = &mut circuit.state
            && std::mem::replace(is_probing, true)
        {
            return Err(self.refusal(None));
        }
        Ok(Call {
            circuit: self.circuit.clone(),
            clock: self.clock.clone(),
            failures: self.failures.max(1),
            epoch: circuit.epoch,
            is_over: false,
        })
    }

    fn refusal(&self, rest: Option<Duration>) -> Error {
        let message = match rest {
            Some(_) => "not asked: the circuit is open after failures in a row",
            None => "not asked: the circuit is half open, and another call is trying",
        };
        let failure = Failure::new(self.inner.provider(), message).retry_after(rest);
        let mut error = Error::Unavailable(failure.boxed());
        enter_error(&mut error, || {
            Attempt::new(self.inner.provider(), self.inner.model(), Some(Duration::ZERO))
        });
        error
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: LanguageModel> LanguageModel for CircuitBreaker<M> {
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
        let mut call = self.admit()?;
        let result = self.inner.generate(request).await;
        call.over_with(&result);
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        let mut call = self.admit()?;
        match self.inner.stream(request).await {
            Ok(stream) => Ok(watched(stream, move |event| match event {
                Ok(StreamEvent::Done(_)) => call.over(Health::Up),
                Err(error) => call.over(Health::of(error)),
                Ok(_) => {}
            })),
            Err(error) => {
                call.over(Health::of(&error));
                Err(error)
            }
        }
    }
}

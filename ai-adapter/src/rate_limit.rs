//! Keeps to a provider's rate limits instead of running into them.

mod plan;

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;

use self::plan::{PerMinute, Plan, with};
use crate::clock::{elapsed, in_time, remaining};
use crate::gate::{Gate, Pass};
use crate::ledger::enter_error;
use crate::retry::within;
use crate::stream::watched;
use crate::{
    Attempt, Capabilities, Clock, Error, Failure, LanguageModel, Limits, Result, StreamEvent, SystemClock, TextRequest,
    TextResponse, TextStream, Usage, weigh,
};

/// Lets calls start no faster than the limits allow, in the order they came.
///
/// In no 60 seconds do more calls start than [`requests_per_minute`](Self::requests_per_minute), nor calls of more tokens than
/// [`tokens_per_minute`](Self::tokens_per_minute): counted as a quarter of the request's bytes plus its
/// `max_output_tokens` until the answer says what it took. No more than [`concurrency`](Self::concurrency) run at
/// once; a stream runs until it ended or was dropped. What is not set is not limited.
///
/// It also learns: [`Limits`] that come with an answer or an error, and the wait a `RateLimited` asks for, hold back
/// the calls that follow.
///
/// A call waits its turn within its [`timeout`](TextRequest::timeout) and at most a minute
/// ([`max_wait`](Self::max_wait)), and passes on what is left of the timeout. One whose turn would come later is
/// [`Error::RateLimited`] at once, with the wait as [`Error::retry_after`]. A call that is cancelled while it waits gives
/// its turn back.
///
/// Clones share the limits; processes and isolates do not know of each other, except by what the provider tells
/// them.
#[derive(Debug, Clone)]
pub struct RateLimit<M> {
    inner: M,
    limits: PerMinute,
    gate: Option<Arc<Gate>>,
    max_wait: Duration,
    clock: Arc<dyn Clock>,
    plan: Arc<Mutex<Plan>>,
}

impl<M> RateLimit<M> {
    /// Wraps a model, with no limit but those the provider tells of.
    pub fn new(inner: M) -> Self {
        Self {
            inner,
            limits: PerMinute::default(),
            gate: None,
            max_wait: Duration::from_secs(60),
            clock: Arc::new(SystemClock),
            plan: Arc::default(),
        }
    }

    /// Sets how many calls may start in 60 seconds; 0 counts as 1.
    #[must_use]
    pub fn requests_per_minute(mut self, requests: u64) -> Self {
        self.limits.requests = Some(requests.max(1));
        self
    }

    /// Sets how many tokens the calls of 60 seconds may take; 0 counts as 1. A call larger than that waits until the
    /// minute is empty.
    #[must_use]
    pub fn tokens_per_minute(mut self, tokens: u64) -> Self {
        self.limits.tokens = Some(tokens.max(1));
        self
    }

    /// Sets how many calls may run at once; 0 counts as 1.
    #[must_use]
    pub fn concurrency(mut self, calls: usize) -> Self {
        self.gate = Some(Gate::new(calls));
        self
    }

    /// Sets the longest wait for a turn.
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
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

/// A call's place in the plan. Dropped before it started, the place is given back; after that it counts.
struct Turn {
    id: u64,
    limits: PerMinute,
    plan: Arc<Mutex<Plan>>,
    clock: Arc<dyn Clock>,
    has_started: bool,
    _pass: Option<Pass>,
}

impl Turn {
    /// The call is over: what it took, and what the provider says is left.
    fn over(&self, usage: Usage, told: Limits, error: Option<&Error>) {
        let now = self.clock.now_ms();
        with(&self.plan, |plan| {
            if let (Some(input), Some(output)) = (usage.input_tokens, usage.output_tokens) {
                plan.settle(self.id, input.saturating_add(output));
            }
            plan.learn(now, told, error, self.limits);
        });
    }

    fn over_with(&self, result: &Result<TextResponse>) {
        match result {
            Ok(response) => self.over(response.usage, response.limits, None),
            Err(error) => self.over(Usage::default(), error.failure().limits, Some(error)),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.has_started {
            let now = self.clock.now_ms();
            with(&self.plan, |plan| plan.cancel(self.id, now, self.limits));
        }
    }
}

impl<M: LanguageModel> RateLimit<M> {
    /// Waits for this call's turn.
    async fn turn(&self, request: &TextRequest, started: i64) -> Result<Turn> {
        let patience = request.timeout.map_or(self.max_wait, |left| left.min(self.max_wait));
        let tokens = weigh::likely_tokens(request);
        // Who waits for a place below cannot be in time either.
        let now = self.clock.now_ms();
        let start = with(&self.plan, |plan| plan.earliest(now, tokens, self.limits));
        self.check(started, start, patience)?;
        let pass = match &self.gate {
            Some(gate) => match in_time(&*self.clock, Some(patience), gate.enter()).await {
                Some(pass) => Some(pass),
                None => return Err(self.refusal("every place is taken", None)),
            },
            None => None,
        };
        let now = self.clock.now_ms();
        let mut turn = Turn {
            id: with(&self.plan, |plan| plan.add(now, tokens, self.limits)),
            limits: self.limits,
            plan: self.plan.clone(),
            clock: self.clock.clone(),
            has_started: false,
            _pass: pass,
        };
        loop {
            let start = with(&self.plan, |plan| plan.start_of(turn.id));
            let wait = elapsed(self.clock.now_ms(), start);
            if wait.is_zero() {
                turn.has_started = true;
                return Ok(turn);
            }
            // Asked every time: the provider may have told of a longer wait meanwhile.
            self.check(started, start, patience)?;
            let mut sleep = self.clock.sleep(wait);
            poll_fn(|cx| {
                if with(&self.plan, |plan| plan.has_moved(turn.id, start, cx.waker())) {
                    return Poll::Ready(());
                }
                sleep.as_mut().poll(cx)
            })
            .await;
        }
    }

    fn check(&self, started: i64, start: i64, patience: Duration) -> Result<()> {
        if elapsed(started, start) <= patience {
            return Ok(());
        }
        let wait = elapsed(self.clock.now_ms(), start);
        Err(self.refusal("the turn of this call would come too late", Some(wait)))
    }

    fn refusal(&self, why: &str, wait: Option<Duration>) -> Error {
        let message = format!("not asked: {why} under the rate limit set here");
        let failure = Failure::new(self.inner.provider(), message).retry_after(wait);
        let mut error = Error::RateLimited(failure.boxed());
        enter_error(&mut error, || {
            Attempt::new(self.inner.provider(), self.inner.model(), Some(Duration::ZERO))
        });
        error
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: LanguageModel> LanguageModel for RateLimit<M> {
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
        let turn = self.turn(request, started).await?;
        let left = remaining(request.timeout, started, self.clock.now_ms());
        let result = self.inner.generate(&within(request, left)).await;
        turn.over_with(&result);
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.capabilities().check_stream(self.provider(), request)?;
        let started = self.clock.now_ms();
        let turn = self.turn(request, started).await?;
        let left = remaining(request.timeout, started, self.clock.now_ms());
        match self.inner.stream(&within(request, left)).await {
            Ok(stream) => {
                // Held by the stream: dropping it gives the place back.
                let mut turn = Some(turn);
                Ok(watched(stream, move |event| {
                    let (usage, limits, error) = match event {
                        Ok(StreamEvent::Done(response)) => (response.usage, response.limits, None),
                        Err(error) => (Usage::default(), error.failure().limits, Some(&*error)),
                        Ok(_) => return,
                    };
                    if let Some(turn) = turn.take() {
                        turn.over(usage, limits, error);
                    }
                }))
            }
            Err(error) => {
                turn.over(Usage::default(), error.failure().limits, Some(&error));
                Err(error)
            }
        }
    }
}

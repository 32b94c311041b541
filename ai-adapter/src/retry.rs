//! Patience: the same request again, after a while.

mod others;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::clock::{elapsed, remaining};
use crate::ledger::{enter_error, prepend};
use crate::stream::{open, with_earlier};
use crate::{
    Attempt, Capabilities, Clock, EmbeddingRequest, Error, ImageRequest, LanguageModel, Result, SystemClock,
    TextRequest, TextResponse, TextStream,
};

/// How often and how soon a request is repeated.
///
/// The default is what OpenAI's own clients do: 3 attempts, waits growing from 0.5 to 8 seconds, and a server's
/// wish honoured up to 60 seconds.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    max_attempts: u32,
    base_delay: Duration,
    max_delay: Duration,
    max_retry_after: Duration,
    clock: Arc<dyn Clock>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(8),
            max_retry_after: Duration::from_secs(60),
            clock: Arc::new(SystemClock),
        }
    }
}

impl RetryPolicy {
    /// Sets how many attempts are made in all; 0 counts as 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the longest first wait; it doubles with each attempt.
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// Sets where the doubling stops.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets the longest wait a server may ask for. Who asks for more is not waited for at all: servers have asked
    /// for hours, and a fallback is better than either obeying or knocking too early.
    #[must_use]
    pub fn max_retry_after(mut self, delay: Duration) -> Self {
        self.max_retry_after = delay;
        self
    }

    /// Replaces time, sleep and chance.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How long to wait after `attempt` failed, `None` to give up.
    fn delay(&self, attempt: u32, error: &Error, left: Option<Duration>) -> Option<Duration> {
        if attempt >= self.max_attempts || !error.is_retryable() {
            return None;
        }
        let delay = match error.retry_after() {
            Some(asked) if asked > self.max_retry_after => return None,
            Some(asked) => asked,
            None => {
                let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
                let ceiling = self.base_delay.saturating_mul(doubled).min(self.max_delay);
                // Full jitter: anywhere from zero to the ceiling, so that many clients spread out.
                ceiling.mul_f64(self.clock.random().clamp(0.0, 1.0))
            }
        };
        // A wait that outlasts the deadline only delays the error.
        left.is_none_or(|left| delay < left).then_some(delay)
    }
}

/// Repeats what may succeed when repeated, with full jitter, under the request's one deadline.
///
/// The error decides: [`Error::is_retryable`] whether, [`Error::retry_after`] when. Each attempt gets what is left
/// of [`TextRequest::timeout`]. A stream is repeated only while nothing of it was passed on. The ledger of the
/// final response or error lists every attempt.
///
/// Inside a [`Fallback`](crate::Fallback) this is patience per model; around one it is patience for the pair:
///
/// ```
/// use presswork_ai_adapter::{LanguageModel, LanguageModelExt, RetryPolicy, Scripted};
///
/// # fn models(first: Scripted, second: Scripted) -> impl LanguageModel {
/// // Each model gets its own patience, and only then does the other get its turn.
/// first.retry(RetryPolicy::default()).or(second.retry(RetryPolicy::default()))
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Retry<M> {
    inner: M,
    policy: RetryPolicy,
}

impl<M> Retry<M> {
    /// Wraps a model.
    pub fn new(inner: M, policy: RetryPolicy) -> Self {
        Self { inner, policy }
    }

    /// The model inside.
    pub fn inner(&self) -> &M {
        &self.inner
    }
}

/// One call of one model, as a plain function so that its future stays `Send` and unboxed twice.
pub(crate) type Call<M, T, R = TextRequest> = for<'a> fn(&'a M, &'a R) -> BoxFuture<'a, Result<T>>;

impl<M: Sync> Retry<M> {
    /// The final result, and the attempts before it.
    async fn run<T: Send, R: Timed>(
        &self,
        (provider, model): (&str, &str),
        request: &R,
        call: Call<M, T, R>,
    ) -> (Result<T>, Vec<Attempt>) {
        let clock = &self.policy.clock;
        let started = clock.now_ms();
        let mut earlier = Vec::new();
        let mut attempt = 1;
        loop {
            let began = clock.now_ms();
            let inner = within(request, remaining(request.timeout(), started, began));
            let mut error = match call(&self.inner, &inner).await {
                Ok(value) => return (Ok(value), earlier),
                Err(error) => error,
            };
            let now = clock.now_ms();
            enter_error(&mut error, || Attempt::new(provider, model, Some(elapsed(began, now))));
            let Some(delay) = self
                .policy
                .delay(attempt, &error, remaining(request.timeout(), started, now))
            else {
                return (Err(error), earlier);
            };
            earlier.append(&mut error.failure_mut().attempts);
            clock.sleep(delay).await;
            attempt += 1;
        }
    }
}

/// The request with another timeout, cloned only if it differs.
pub(crate) fn within<R: Timed>(request: &R, timeout: Option<Duration>) -> Cow<'_, R> {
    if request.timeout() == timeout {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    *request.timeout_mut() = timeout;
    Cow::Owned(request)
}

/// A request that may take its time, and no longer.
pub(crate) trait Timed: Clone + Send + Sync {
    fn timeout(&self) -> Option<Duration>;
    fn timeout_mut(&mut self) -> &mut Option<Duration>;
}

macro_rules! timed {
    ($($request:ty),+) => {$(
        impl Timed for $request {
            fn timeout(&self) -> Option<Duration> {
                self.timeout
            }

            fn timeout_mut(&mut self) -> &mut Option<Duration> {
                &mut self.timeout
            }
        }
    )+};
}

timed!(TextRequest, ImageRequest, EmbeddingRequest);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: LanguageModel> LanguageModel for Retry<M> {
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
        let names = (self.inner.provider(), self.inner.model());
        let (mut result, earlier) = self.run(names, request, |model, request| model.generate(request)).await;
        prepend(&mut result, earlier);
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        let names = (self.inner.provider(), self.inner.model());
        match self
            .run(names, request, |model, request| Box::pin(open(model, request)))
            .await
        {
            (Ok(stream), earlier) => Ok(with_earlier(stream, earlier)),
            (Err(mut error), earlier) => {
                crate::ledger::prepend_to(&mut error.failure_mut().attempts, earlier);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests;

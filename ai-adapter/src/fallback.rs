//! A second opinion: another model when the first cannot.

use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::{elapsed, remaining};
use crate::ledger::{enter_error, prepend, prepend_to};
use crate::retry::{Call, within};
use crate::stream::{open, with_earlier};
use crate::{Attempt, Capabilities, Clock, LanguageModel, Result, SystemClock, TextRequest, TextResponse, TextStream};

/// Asks the first model, and the second when the first fails by its own fault.
///
/// [`Error::is_provider_fault`](crate::Error::is_provider_fault) decides: trouble of the server, the account or the
/// model moves on; a rejected or refused prompt stays an error, because it would be rejected or paid for twice.
/// The reason stands in the ledger. The second model gets what is left of [`TextRequest::timeout`]; when nothing
/// is left it is not asked. A stream moves on only while nothing of it was passed on.
///
/// It names itself after the first model (responses name the one that answered), and can do what both can do.
#[derive(Debug, Clone)]
pub struct Fallback<A, B> {
    first: A,
    second: B,
    clock: Arc<dyn Clock>,
}

impl<A, B> Fallback<A, B> {
    /// Pairs two models.
    pub fn new(first: A, second: B) -> Self {
        Self {
            first,
            second,
            clock: Arc::new(SystemClock),
        }
    }

    /// Replaces the clock the deadline is read from.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

impl<A: LanguageModel, B: LanguageModel> Fallback<A, B> {
    /// The final result, and the attempts before it.
    async fn run<T: Send>(
        &self,
        request: &TextRequest,
        first: Call<A, T>,
        second: Call<B, T>,
    ) -> (Result<T>, Vec<Attempt>) {
        let started = self.clock.now_ms();
        let mut error = match first(&self.first, request).await {
            Ok(value) => return (Ok(value), Vec::new()),
            Err(error) => error,
        };
        let now = self.clock.now_ms();
        enter_error(&mut error, || {
            Attempt::new(self.first.provider(), self.first.model(), Some(elapsed(started, now)))
        });
        let left = remaining(request.timeout, started, now);
        if !error.is_provider_fault() || left.is_some_and(|left| left.is_zero()) {
            return (Err(error), Vec::new());
        }
        let earlier = std::mem::take(&mut error.failure_mut().attempts);
        let mut result = second(&self.second, &within(request, left)).await;
        if let Err(error) = &mut result {
            let latency = elapsed(now, self.clock.now_ms());
            enter_error(error, || {
                Attempt::new(self.second.provider(), self.second.model(), Some(latency))
            });
        }
        (result, earlier)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: LanguageModel, B: LanguageModel> LanguageModel for Fallback<A, B> {
    fn provider(&self) -> &str {
        self.first.provider()
    }

    fn model(&self) -> &str {
        self.first.model()
    }

    fn capabilities(&self) -> Capabilities {
        self.first.capabilities().and(self.second.capabilities())
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.capabilities().check(self.provider(), request)?;
        let (mut result, earlier) = self
            .run(
                request,
                |model, request| model.generate(request),
                |model, request| model.generate(request),
            )
            .await;
        prepend(&mut result, earlier);
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.capabilities().check_stream(self.provider(), request)?;
        let opened = self.run(
            request,
            |model, request| Box::pin(open(model, request)),
            |model, request| Box::pin(open(model, request)),
        );
        match opened.await {
            (Ok(stream), earlier) => Ok(with_earlier(stream, earlier)),
            (Err(mut error), earlier) => {
                prepend_to(&mut error.failure_mut().attempts, earlier);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests;

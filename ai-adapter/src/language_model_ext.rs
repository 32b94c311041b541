//! Comfort for every language model.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

#[cfg(feature = "tracing")]
use crate::Traced;
use crate::{
    Account, Budget, CircuitBreaker, Fallback, LanguageModel, Object, RateLimit, Record, Result, Retry, RetryPolicy,
    TextRequest, Timeout, object,
};
#[cfg(feature = "cache")]
use crate::{Cache, CacheStore};

/// Typed output and policies, for every [`LanguageModel`], `dyn` ones included.
#[async_trait]
pub trait LanguageModelExt: LanguageModel {
    /// Answers with a `T`.
    ///
    /// The schema of `T` goes out by the strongest way the model has: enforced by the provider, as a tool the model
    /// must call, as JSON mode with the schema in the instructions, or in the instructions alone. The answer is
    /// validated here against the original schema, whatever the provider promised, and then decoded (feature `jsonschema`: every
    /// keyword; without it: structure and bounds). An answer that
    /// does not fit goes back to the model with the errors, at most twice, under the same
    /// [`timeout`](TextRequest::timeout); these repairs have nothing to do with transport retries.
    ///
    /// The schema is named after `T`; a [`schema`](TextRequest::schema) in the request gives it another name.
    /// `T` has to be a struct or map: providers insist on an object at the root. For numeric and text bounds put
    /// schemars' `range` and `length` on the fields: they are told to the model, and checked here.
    ///
    /// # Errors
    /// [`Error::InvalidObject`](crate::Error::InvalidObject) when the last repair still does not fit,
    /// [`Error::Refused`](crate::Error::Refused) for a refusal and [`Error::Truncated`](crate::Error::Truncated) for
    /// an answer cut at the output limit (neither is repaired),
    /// [`Error::Unsupported`](crate::Error::Unsupported) for a `T` without an object at its root or a request with
    /// tools, and whatever [`generate`](LanguageModel::generate) gives.
    async fn generate_object<T>(&self, request: &TextRequest) -> Result<Object<T>>
    where
        T: JsonSchema + DeserializeOwned + Send,
    {
        object::generate(&self, request).await
    }

    /// Repeats what may succeed when repeated.
    fn retry(self, policy: RetryPolicy) -> Retry<Self>
    where
        Self: Sized,
    {
        Retry::new(self, policy)
    }

    /// Asks `other` when this model fails by its provider's fault.
    fn or<B: LanguageModel>(self, other: B) -> Fallback<Self, B>
    where
        Self: Sized,
    {
        Fallback::new(self, other)
    }

    /// Stops asking while the provider is down.
    fn circuit_breaker(self) -> CircuitBreaker<Self>
    where
        Self: Sized,
    {
        CircuitBreaker::new(self)
    }

    /// Keeps to rate limits: those set on what this returns, and those the provider tells of.
    fn rate_limit(self) -> RateLimit<Self>
    where
        Self: Sized,
    {
        RateLimit::new(self)
    }

    /// Ends calls that take too long, by the times set on what this returns.
    fn timeout(self) -> Timeout<Self>
    where
        Self: Sized,
    {
        Timeout::new(self)
    }

    /// Asks only what `account` can pay.
    fn budget(self, account: &Account) -> Budget<Self>
    where
        Self: Sized,
    {
        Budget::new(self, account)
    }

    /// Answers what was asked before from `store`.
    #[cfg(feature = "cache")]
    fn cache(self, store: impl CacheStore + 'static) -> Cache<Self>
    where
        Self: Sized,
    {
        Cache::new(self, store)
    }

    /// Writes down what is asked and answered.
    fn record(self) -> Record<Self>
    where
        Self: Sized,
    {
        Record::new(self)
    }

    /// Makes a span of each call.
    #[cfg(feature = "tracing")]
    fn traced(self) -> Traced<Self>
    where
        Self: Sized,
    {
        Traced::new(self)
    }
}

impl<M: LanguageModel + ?Sized> LanguageModelExt for M {}

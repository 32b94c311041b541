//! Comfort for every language model.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

#[cfg(feature = "tracing")]
use crate::Traced;
use crate::{
    Account, Budget, CircuitBreaker, Fallback, Ladder, LanguageModel, Object, ObjectStream, RateLimit, Record, Result,
    Retry, RetryPolicy, TextRequest, Timeout, object,
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

    /// Answers with a `T` piece by piece: what there is so far as JSON, then the whole, validated.
    ///
    /// As [`generate_object`](Self::generate_object), on a stream and without repairs: an answer that does not fit is
    /// [`Error::InvalidObject`](crate::Error::InvalidObject) at its end.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use futures_util::StreamExt;
    /// use presswork_ai_adapter::{LanguageModelExt, ObjectEvent, Scripted, TextRequest, schemars};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Draft {
    ///     title: String,
    /// }
    ///
    /// let model = Scripted::new().pieces([r#"{"title": "Time in Rome, "#, r#"and elsewhere"}"#]);
    /// let mut stream = model.stream_object::<Draft>(&TextRequest::user("Draft a page.")).await?;
    /// while let Some(event) = stream.next().await {
    ///     match event? {
    ///         ObjectEvent::Partial(so_far) => assert_eq!(so_far["title"], "Time in Rome, "),
    ///         ObjectEvent::Done(draft) => assert_eq!(draft.value.title, "Time in Rome, and elsewhere"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok::<(), presswork_ai_adapter::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Before the stream: [`Error::Unsupported`](crate::Error::Unsupported) and what [`stream`](LanguageModel::stream) gives; in it,
    /// what `generate_object` gives.
    async fn stream_object<T>(&self, request: &TextRequest) -> Result<ObjectStream<T>>
    where
        T: JsonSchema + DeserializeOwned + Send + 'static,
    {
        object::stream(&self, request).await
    }

    /// Finds out how this model gives objects, and remembers it.
    fn ladder(self) -> Ladder<Self>
    where
        Self: Sized,
    {
        Ladder::new(self)
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

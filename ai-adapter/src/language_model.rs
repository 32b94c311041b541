//! The trait every language model implements.

use async_trait::async_trait;

use crate::{Capabilities, Result, TextRequest, TextResponse, TextStream};

/// A model that turns messages into text.
///
/// Implementors build the request, read the reply and classify the error, once per call. Repeating, falling back
/// and typed output live above, in wrappers and in [`LanguageModelExt`](crate::LanguageModelExt). The bullets are
/// the contract; `language_model_conformance!` (feature `conformance`) holds one test for each.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// The provider's name, as errors and ledgers show it: `"openai"`.
    fn provider(&self) -> &str;

    /// The model's id, as it is sent.
    fn model(&self) -> &str;

    /// What a request may ask for.
    ///
    /// - A setting whose flag is `true` is taken (`supported_settings_are_taken`).
    /// - A setting whose flag is `false` is `Unsupported`, and nothing is sent (`unsupported_settings_are_refused`).
    fn capabilities(&self) -> Capabilities;

    /// Answers once.
    ///
    /// - A reply carries text, and names the provider and the model (`a_reply_carries_text_and_names_its_model`).
    /// - A reply lists the attempts that made it (`a_reply_lists_its_attempts`).
    /// - A failure names the provider and lists its attempts (`a_failure_lists_its_attempts`).
    /// - A model takes many calls, also at once (`calls_may_overlap`).
    /// - A safety refusal by the model is a reply with `refusal` set (`a_refusal_is_a_reply_that_says_so`).
    /// - An answer cut at the output limit is a reply that finished by `Length` (`a_cut_answer_finished_by_length`).
    /// - Too many requests are `RateLimited`, retryable, with the server's wait (`rate_limited_is_retryable_and_says_when`).
    /// - A used-up quota is `QuotaExhausted`, a provider's fault, and not retryable (`quota_is_not_retryable`).
    /// - Refused credentials are `Unauthenticated` and not retryable (`bad_credentials_are_not_retryable`).
    /// - A prompt the provider will not take is `Rejected` and nobody's fault but the prompt's (`a_bad_request_is_rejected`).
    /// - A failing server is `Unavailable` and retryable (`a_failing_server_is_unavailable`).
    /// - Silence past the request's `timeout` is `Timeout` (`silence_is_a_timeout`).
    /// - A reply that is not the protocol's is `Malformed` (`garbage_is_malformed`).
    /// - A reply cut in the middle of its JSON is `Malformed` or `Incomplete` (`half_a_reply_is_an_error`).
    /// - A reply with no answer in it is `Malformed` (`an_empty_reply_is_malformed`).
    async fn generate(&self, request: &TextRequest) -> Result<TextResponse>;

    /// Answers piece by piece.
    ///
    /// - The last event is the only `Done`, and holds what the pieces add up to (`a_stream_ends_with_its_sum`).
    /// - A stream that ends before its terminal event ends in `Incomplete` (`a_cut_stream_is_incomplete`).
    /// - What fails before the first piece is the same error `generate` gives (`a_stream_fails_as_generate_does`).
    async fn stream(&self, request: &TextRequest) -> Result<TextStream>;
}

macro_rules! forward {
    ($($owner:ty),+) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: LanguageModel + ?Sized> LanguageModel for $owner {
            fn provider(&self) -> &str {
                (**self).provider()
            }

            fn model(&self) -> &str {
                (**self).model()
            }

            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }

            async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
                (**self).generate(request).await
            }

            async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
                (**self).stream(request).await
            }
        }
    )+};
}

forward!(std::sync::Arc<T>, Box<T>, &T);

const _: fn(&dyn LanguageModel) = |_| {};
const _: fn() = || {
    fn assert<T: Send + Sync>() {}
    assert::<std::sync::Arc<dyn LanguageModel>>();
};
const _: fn(&dyn LanguageModel, &TextRequest) = |model, request| {
    fn send<T: Send>(_: T) {}
    send(model.generate(request));
    send(model.stream(request));
};

//! What a model makes of a far side that does not answer well.

use super::{Fault, Harness, PATIENCE, RETRY_AFTER};
use crate::{Error, FinishReason};

async fn meet<H: Harness>(h: &H, fault: Fault) -> Error {
    h.inject(fault).await;
    let request = h.request().timeout(if fault == Fault::Silence {
        PATIENCE
    } else {
        50 * PATIENCE
    });
    let error = h.model().generate(&request).await.expect_err("the far side failed");
    assert!(
        error.to_string().chars().count() <= 1000,
        "an error is bounded: {error}"
    );
    error
}

/// A failure names the provider and lists its attempts.
pub async fn a_failure_lists_its_attempts<H: Harness>(h: &H) {
    let error = meet(h, Fault::Down).await;
    assert!(!error.failure().provider.is_empty());
    let last = error.attempts().last().expect("at least one attempt");
    let reason = last.error.as_deref().expect("a reason");
    assert!(reason.starts_with(error.condition()), "{reason}");
}

/// A safety refusal by the model is a reply with `refusal` set.
pub async fn a_refusal_is_a_reply_that_says_so<H: Harness>(h: &H) {
    h.inject(Fault::Refusal).await;
    let response = h.model().generate(&h.request()).await.expect("a reply");
    assert!(response.refusal.is_some() && response.is_refused(), "{response:?}");
}

/// An answer cut at the output limit is a reply that finished by `Length`.
pub async fn a_cut_answer_finished_by_length<H: Harness>(h: &H) {
    h.inject(Fault::Length).await;
    let response = h.model().generate(&h.request()).await.expect("a reply");
    assert_eq!(response.finish, FinishReason::Length);
}

/// Too many requests are `RateLimited`, retryable, with the server's wait.
pub async fn rate_limited_is_retryable_and_says_when<H: Harness>(h: &H) {
    let error = meet(h, Fault::RateLimited).await;
    assert!(matches!(error, Error::RateLimited(_)), "{error:?}");
    assert!(error.is_retryable() && error.is_provider_fault());
    assert_eq!(error.retry_after(), Some(RETRY_AFTER));
}

/// A used-up quota is `QuotaExhausted`, a provider's fault, and not retryable.
pub async fn quota_is_not_retryable<H: Harness>(h: &H) {
    let error = meet(h, Fault::Quota).await;
    assert!(matches!(error, Error::QuotaExhausted(_)), "{error:?}");
    assert!(!error.is_retryable() && error.is_provider_fault());
}

/// Refused credentials are `Unauthenticated` and not retryable.
pub async fn bad_credentials_are_not_retryable<H: Harness>(h: &H) {
    let error = meet(h, Fault::Unauthenticated).await;
    assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}");
    assert!(!error.is_retryable() && error.is_provider_fault());
}

/// A prompt the provider will not take is `Rejected` and nobody's fault but the prompt's.
pub async fn a_bad_request_is_rejected<H: Harness>(h: &H) {
    let error = meet(h, Fault::BadRequest).await;
    assert!(matches!(error, Error::Rejected(_)), "{error:?}");
    assert!(!error.is_retryable() && !error.is_provider_fault());
}

/// A failing server is `Unavailable` and retryable.
pub async fn a_failing_server_is_unavailable<H: Harness>(h: &H) {
    let error = meet(h, Fault::Down).await;
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(error.is_retryable() && error.is_provider_fault());
}

/// Silence past the request's `timeout` is `Timeout`.
pub async fn silence_is_a_timeout<H: Harness>(h: &H) {
    let error = meet(h, Fault::Silence).await;
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
}

/// A reply that is not the protocol's is `Malformed`.
pub async fn garbage_is_malformed<H: Harness>(h: &H) {
    let error = meet(h, Fault::Garbage).await;
    assert!(matches!(error, Error::Malformed(_)), "{error:?}");
}

/// A reply cut in the middle of its JSON is `Malformed` or `Incomplete`.
pub async fn half_a_reply_is_an_error<H: Harness>(h: &H) {
    let error = meet(h, Fault::HalfReply).await;
    assert!(matches!(error, Error::Malformed(_) | Error::Incomplete(_)), "{error:?}");
}

/// A reply with no answer in it is `Malformed`.
pub async fn an_empty_reply_is_malformed<H: Harness>(h: &H) {
    let error = meet(h, Fault::Empty).await;
    assert!(matches!(error, Error::Malformed(_)), "{error:?}");
}

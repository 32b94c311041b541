//! The contract of [`ImageModel`](crate::ImageModel) as tests.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Fault, PATIENCE, RETRY_AFTER};
use crate::{Error, Image, ImageModel, ImageRequest, ImageResponse, Result};

/// The far side of an image model under test.
#[async_trait]
pub trait ImageHarness: Send + Sync + Sized {
    /// Starts a fresh one.
    async fn start() -> Self;

    /// The model that talks to it.
    fn model(&self) -> Arc<dyn ImageModel>;

    /// Makes the next call succeed.
    async fn answer(&self);

    /// Makes the next call meet a fault: `RateLimited`, `Down`, `Silence`, `Empty`, or `Refusal`, which is a moderated prompt.
    async fn inject(&self, fault: Fault);

    /// A plain request that the far side answers.
    fn request(&self) -> ImageRequest {
        ImageRequest::new("A clock tower in the morning.")
    }
}

async fn drawn<H: ImageHarness>(h: &H) -> ImageResponse {
    h.answer().await;
    h.model().generate_image(&h.request()).await.expect("a picture")
}

async fn meet<H: ImageHarness>(h: &H, fault: Fault) -> Error {
    h.inject(fault).await;
    let timeout = if fault == Fault::Silence {
        PATIENCE
    } else {
        50 * PATIENCE
    };
    let result: Result<ImageResponse> = h.model().generate_image(&h.request().timeout(timeout)).await;
    result.expect_err("the far side failed")
}

/// A reply holds at least one picture, whose first bytes are of its media type.
pub async fn a_picture_is_what_it_says<H: ImageHarness>(h: &H) {
    let response = drawn(h).await;
    assert!(!response.images.is_empty());
    for image in response.images {
        assert_eq!(Image::type_of(&image.bytes), Some(image.media_type.as_str()));
    }
}

/// A reply names provider and model, and lists its attempts.
pub async fn a_picture_lists_its_attempts<H: ImageHarness>(h: &H) {
    let response = drawn(h).await;
    let model = h.model();
    assert_eq!(response.provider, model.provider());
    assert!(!response.model.is_empty());
    let last = response.attempts.last().expect("at least one attempt");
    assert_eq!((&last.error, last.usage), (&None, response.usage));
}

/// A moderated prompt or picture is `Refused`, and nobody's fault but the prompt's.
pub async fn a_moderated_prompt_is_refused<H: ImageHarness>(h: &H) {
    let error = meet(h, Fault::Refusal).await;
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert!(!error.is_retryable() && !error.is_provider_fault());
}

/// Too many requests are `RateLimited`, with the server's wait.
pub async fn too_many_pictures_are_rate_limited<H: ImageHarness>(h: &H) {
    let error = meet(h, Fault::RateLimited).await;
    assert!(matches!(error, Error::RateLimited(_)), "{error:?}");
    assert_eq!(error.retry_after(), Some(RETRY_AFTER));
}

/// A failing server is `Unavailable`, and the failure lists its attempts.
pub async fn a_failed_picture_lists_its_attempts<H: ImageHarness>(h: &H) {
    let error = meet(h, Fault::Down).await;
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    let last = error.attempts().last().expect("at least one attempt");
    assert!(
        last.error
            .as_ref()
            .is_some_and(|reason| reason.starts_with("unavailable"))
    );
}

/// Silence past the request's `timeout` is `Timeout`.
pub async fn silence_for_a_picture_is_a_timeout<H: ImageHarness>(h: &H) {
    let error = meet(h, Fault::Silence).await;
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
}

/// A reply without a picture is `Malformed`.
pub async fn a_reply_without_a_picture_is_malformed<H: ImageHarness>(h: &H) {
    let error = meet(h, Fault::Empty).await;
    assert!(matches!(error, Error::Malformed(_)), "{error:?}");
}

/// Expands the suite for an [`ImageHarness`](crate::conformance::ImageHarness): one test per case. `(H; offline)` leaves out the cases
/// that need a far side.
#[macro_export]
macro_rules! image_model_conformance {
    ($harness:ty; offline) => {
        $crate::__image_model_cases! { $harness: a_picture_is_what_it_says, a_picture_lists_its_attempts }
    };
    ($harness:ty) => {
        $crate::__image_model_cases! {
            $harness:
            a_picture_is_what_it_says,
            a_picture_lists_its_attempts,
            a_moderated_prompt_is_refused,
            too_many_pictures_are_rate_limited,
            a_failed_picture_lists_its_attempts,
            silence_for_a_picture_is_a_timeout,
            a_reply_without_a_picture_is_malformed
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __image_model_cases {
    ($harness:ty: $($case:ident),+) => {$(
        #[tokio::test]
        async fn $case() {
            let harness = <$harness as $crate::conformance::ImageHarness>::start().await;
            $crate::conformance::$case(&harness).await;
        }
    )+};
}

//! The contract of [`EmbeddingModel`](crate::EmbeddingModel) as tests.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Fault, PATIENCE, RETRY_AFTER};
use crate::{EmbeddingModel, EmbeddingRequest, EmbeddingResponse, Error};

/// The far side of an embedding model under test.
#[async_trait]
pub trait EmbeddingHarness: Send + Sync + Sized {
    /// Starts a fresh one.
    async fn start() -> Self;

    /// The model that talks to it.
    fn model(&self) -> Arc<dyn EmbeddingModel>;

    /// Makes all further calls succeed. The vectors of equal texts are equal, and those of different ones are not.
    async fn answer(&self);

    /// Makes the next call meet a fault: `RateLimited`, `Down`, `Silence`, or `Empty`, which is a vector too few.
    async fn inject(&self, fault: Fault);

    /// How many requests have arrived, if that can be known.
    async fn arrived(&self) -> Option<usize>;

    /// How many texts the model asks for in one request.
    fn batch(&self) -> usize {
        usize::MAX
    }

    /// A length of vectors the model can give on request, if it can.
    fn dimensions(&self) -> Option<u32>;
}

const TEXTS: [&str; 3] = ["Time in Rome.", "Time in Bern.", "Time in Rome."];

async fn vectors<H: EmbeddingHarness>(h: &H, request: &EmbeddingRequest) -> EmbeddingResponse {
    h.answer().await;
    h.model().embed(request).await.expect("vectors")
}

async fn meet<H: EmbeddingHarness>(h: &H, fault: Fault) -> Error {
    h.inject(fault).await;
    let timeout = if fault == Fault::Silence {
        PATIENCE
    } else {
        50 * PATIENCE
    };
    let result = h.model().embed(&EmbeddingRequest::new(TEXTS).timeout(timeout)).await;
    result.expect_err("the far side failed")
}

/// Each text has its vector, in the order of the texts, whatever order they arrive in.
pub async fn each_text_has_its_vector<H: EmbeddingHarness>(h: &H) {
    let together = vectors(h, &EmbeddingRequest::new(TEXTS)).await.vectors;
    assert_eq!(together.len(), 3);
    assert_eq!(together[0], together[2]);
    assert_ne!(together[0], together[1]);
    for (text, vector) in TEXTS.iter().zip(together) {
        assert_eq!(
            vectors(h, &EmbeddingRequest::new([*text])).await.vectors,
            [vector],
            "{text}"
        );
    }
}

/// All vectors are of one length, the one that was asked for.
pub async fn vectors_have_the_length_asked_for<H: EmbeddingHarness>(h: &H) {
    let response = vectors(h, &EmbeddingRequest::new(TEXTS)).await;
    let length = response.vectors[0].len();
    assert!(length > 0 && response.vectors.iter().all(|vector| vector.len() == length));
    let other = h.dimensions().unwrap_or(7);
    let request = EmbeddingRequest::new(TEXTS).dimensions(other);
    match h.dimensions() {
        Some(_) => {
            let response = vectors(h, &request).await;
            assert!(response.vectors.iter().all(|vector| vector.len() == other as usize));
        }
        None => {
            let error = h.model().embed(&request).await.expect_err("one length alone");
            assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
        }
    }
}

/// A reply names provider and model, lists its attempts and counts their tokens.
pub async fn vectors_list_their_attempts<H: EmbeddingHarness>(h: &H) {
    let response = vectors(h, &EmbeddingRequest::new(TEXTS)).await;
    let model = h.model();
    assert_eq!(
        (response.provider.as_str(), response.model.as_str()),
        (model.provider(), model.model())
    );
    let last = response.attempts.last().expect("at least one attempt");
    assert_eq!((&last.error, last.usage), (&None, response.usage));
}

/// Many texts are asked for in batches, and come back as one.
pub async fn many_texts_are_one_reply<H: EmbeddingHarness>(h: &H) {
    let batch = h.batch();
    let count = if batch == usize::MAX { 500 } else { 2 * batch + 1 };
    let texts: Vec<String> = (0..count).map(|number| format!("Text {number}.")).collect();
    let before = h.arrived().await;
    let response = vectors(h, &EmbeddingRequest::new(&texts)).await;
    assert_eq!(response.vectors.len(), count);
    if let (Some(before), Some(after)) = (before, h.arrived().await) {
        assert_eq!(after - before, count.div_ceil(batch));
    }
    for at in [0, count / 2, count - 1] {
        let alone = vectors(h, &EmbeddingRequest::new([&texts[at]])).await;
        assert_eq!(alone.vectors, [response.vectors[at].clone()]);
    }
}

/// No text is no vector, and nothing is sent.
pub async fn no_text_is_no_vector<H: EmbeddingHarness>(h: &H) {
    let response = h.model().embed(&EmbeddingRequest::new([""; 0])).await.expect("nothing");
    assert!(response.vectors.is_empty());
    assert_eq!(h.arrived().await.unwrap_or(0), 0);
}

/// An empty text is `Config`, and nothing is sent.
pub async fn an_empty_text_is_refused<H: EmbeddingHarness>(h: &H) {
    for text in ["", " \n"] {
        let error = h
            .model()
            .embed(&EmbeddingRequest::new(["a", text]))
            .await
            .expect_err("empty");
        assert!(matches!(error, Error::Config(_)), "{error:?}");
    }
    assert_eq!(h.arrived().await.unwrap_or(0), 0);
}

/// Too many requests are `RateLimited`, with the server's wait.
pub async fn too_many_texts_are_rate_limited<H: EmbeddingHarness>(h: &H) {
    let error = meet(h, Fault::RateLimited).await;
    assert!(matches!(error, Error::RateLimited(_)), "{error:?}");
    assert_eq!(error.retry_after(), Some(RETRY_AFTER));
}

/// A failing server is `Unavailable`, and the failure lists its attempts.
pub async fn failed_vectors_list_their_attempts<H: EmbeddingHarness>(h: &H) {
    let error = meet(h, Fault::Down).await;
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    let reason = error.attempts().last().and_then(|last| last.error.as_deref());
    assert!(reason.is_some_and(|reason| reason.starts_with("unavailable")));
}

/// Silence past the request's `timeout` is `Timeout`.
pub async fn silence_for_vectors_is_a_timeout<H: EmbeddingHarness>(h: &H) {
    let error = meet(h, Fault::Silence).await;
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
}

/// A reply with fewer vectors than texts is `Malformed`.
pub async fn a_missing_vector_is_malformed<H: EmbeddingHarness>(h: &H) {
    let error = meet(h, Fault::Empty).await;
    assert!(matches!(error, Error::Malformed(_)), "{error:?}");
}

/// Expands the suite for an [`EmbeddingHarness`](crate::conformance::EmbeddingHarness): one test per case. `(H; offline)` leaves out the
/// cases that need a far side.
#[macro_export]
macro_rules! embedding_model_conformance {
    ($harness:ty; offline) => {
        $crate::__embedding_model_cases! {
            $harness:
            each_text_has_its_vector,
            vectors_have_the_length_asked_for,
            vectors_list_their_attempts,
            many_texts_are_one_reply,
            no_text_is_no_vector,
            an_empty_text_is_refused
        }
    };
    ($harness:ty) => {
        $crate::embedding_model_conformance!($harness; offline);
        $crate::__embedding_model_cases! {
            $harness:
            too_many_texts_are_rate_limited,
            failed_vectors_list_their_attempts,
            silence_for_vectors_is_a_timeout,
            a_missing_vector_is_malformed
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __embedding_model_cases {
    ($harness:ty: $($case:ident),+) => {$(
        #[tokio::test]
        async fn $case() {
            let harness = <$harness as $crate::conformance::EmbeddingHarness>::start().await;
            $crate::conformance::$case(&harness).await;
        }
    )+};
}

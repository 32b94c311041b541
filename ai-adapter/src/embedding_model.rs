//! The trait every embedding model implements, and its types.

pub(crate) mod hashed;

use std::time::Duration;

use async_trait::async_trait;

use crate::{Attempt, Error, Failure, Result, Usage};

/// A model that turns texts into vectors, near each other where the texts mean the like.
///
/// Vectors of two models have nothing in common, so there is no fallback from one to another.
#[async_trait]
pub trait EmbeddingModel: Send + Sync {
    /// The provider's name, as errors and ledgers show it.
    fn provider(&self) -> &str;

    /// The model's id, as it is sent.
    fn model(&self) -> &str;

    /// Gives each text its vector. Any number of texts is taken: more than fit in one request are asked for in several, one
    /// after the other, and the first that fails fails the call.
    ///
    /// - Each text has its vector, in the order of the texts, whatever order they arrive in (`each_text_has_its_vector`).
    /// - All vectors are of one length, the one that was asked for (`vectors_have_the_length_asked_for`).
    /// - A reply names provider and model, lists its attempts and counts their tokens (`vectors_list_their_attempts`).
    /// - Many texts are asked for in batches, and come back as one (`many_texts_are_one_reply`).
    /// - No text is no vector, and nothing is sent (`no_text_is_no_vector`).
    /// - An empty text is `Config`, and nothing is sent (`an_empty_text_is_refused`).
    /// - Too many requests are `RateLimited`, with the server's wait (`too_many_texts_are_rate_limited`).
    /// - A failing server is `Unavailable`, and the failure lists its attempts (`failed_vectors_list_their_attempts`).
    /// - Silence past the request's `timeout` is `Timeout` (`silence_for_vectors_is_a_timeout`).
    /// - A reply with fewer vectors than texts is `Malformed` (`a_missing_vector_is_malformed`).
    async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse>;
}

macro_rules! forward {
    ($($owner:ty),+) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: EmbeddingModel + ?Sized> EmbeddingModel for $owner {
            fn provider(&self) -> &str {
                (**self).provider()
            }

            fn model(&self) -> &str {
                (**self).model()
            }

            async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse> {
                (**self).embed(request).await
            }
        }
    )+};
}

forward!(std::sync::Arc<T>, Box<T>, &T);

/// What to turn into vectors.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EmbeddingRequest {
    /// The texts, none of them empty. One that is longer than the model reads is the provider's to refuse or to cut.
    pub texts: Vec<String>,
    /// How many numbers a vector has; `None` leaves it to the model.
    pub dimensions: Option<u32>,
    /// How long the whole call may take.
    pub timeout: Option<Duration>,
}

impl EmbeddingRequest {
    /// Asks for the vectors of these texts.
    pub fn new<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self {
            texts: texts.into_iter().map(Into::into).collect(),
            dimensions: None,
            timeout: None,
        }
    }

    /// Sets how many numbers a vector has. A model that has one length alone refuses it.
    #[must_use]
    pub fn dimensions(mut self, dimensions: u32) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// Sets how long the whole call may take, all batches and repeats included.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Refuses what no model takes, in `provider`'s name.
    pub(crate) fn check(&self, provider: &str) -> Result<()> {
        let refused = |what: String| Err(Error::Config(Failure::new(provider, what).boxed()));
        if let Some(at) = self.texts.iter().position(|text| text.trim().is_empty()) {
            return refused(format!("text {at} is empty"));
        }
        match self.dimensions {
            Some(0) => refused("a vector needs dimensions".to_owned()),
            _ => Ok(()),
        }
    }
}

/// The vectors.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct EmbeddingResponse {
    /// One for each text, in the order of the texts. Their length as vectors is the model's: not all of them give unit vectors.
    pub vectors: Vec<Vec<f32>>,
    /// What it took, as far as the provider reports it, all batches together.
    pub usage: Usage,
    /// What the caller should know and need not act on.
    pub warnings: Vec<String>,
    /// The provider's id of the last request.
    pub request_id: Option<String>,
    /// Who answered.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// Every attempt made, the successful one last. All batches of one attempt are one entry.
    pub attempts: Vec<Attempt>,
}

impl EmbeddingResponse {
    /// A response of `provider`'s `model` with these vectors.
    pub fn new(provider: impl Into<String>, model: impl Into<String>, vectors: Vec<Vec<f32>>) -> Self {
        Self {
            vectors,
            provider: provider.into(),
            model: model.into(),
            ..Self::default()
        }
    }
}

const _: fn(&dyn EmbeddingModel) = |_| {};
const _: fn(&dyn EmbeddingModel, &EmbeddingRequest) = |model, request| {
    fn send<T: Send>(_: T) {}
    send(model.embed(request));
};

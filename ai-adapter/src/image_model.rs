//! The trait every image model implements, and its types.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Attempt, Result, Usage};

/// A model that turns a description into pictures.
#[async_trait]
pub trait ImageModel: Send + Sync {
    /// The provider's name, as errors and ledgers show it.
    fn provider(&self) -> &str;

    /// The model's id, as it is sent.
    fn model(&self) -> &str;

    /// Draws once. Errors as [`LanguageModel::generate`](crate::LanguageModel::generate) does; a moderated
    /// prompt or picture is [`Error::Refused`](crate::Error::Refused).
    async fn generate_image(&self, request: &ImageRequest) -> Result<ImageResponse>;
}

macro_rules! forward {
    ($($owner:ty),+) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: ImageModel + ?Sized> ImageModel for $owner {
            fn provider(&self) -> &str {
                (**self).provider()
            }

            fn model(&self) -> &str {
                (**self).model()
            }

            async fn generate_image(&self, request: &ImageRequest) -> Result<ImageResponse> {
                (**self).generate_image(request).await
            }
        }
    )+};
}

forward!(std::sync::Arc<T>, Box<T>, &T);

/// What to draw.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ImageRequest {
    /// The description.
    pub prompt: String,
    /// Width and height in pixels; `None` leaves it to the provider.
    pub size: Option<(u32, u32)>,
    /// How long the whole call may take.
    pub timeout: Option<Duration>,
}

impl ImageRequest {
    /// Asks for one picture of `prompt`.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            size: None,
            timeout: None,
        }
    }

    /// Sets width and height in pixels.
    #[must_use]
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = Some((width, height));
        self
    }

    /// Sets how long the whole call may take, repeats included.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Image {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// The file's media type: `"image/png"`.
    pub media_type: String,
}

impl Image {
    /// A picture from a file's bytes and its media type.
    pub fn new(bytes: impl Into<Vec<u8>>, media_type: impl Into<String>) -> Self {
        Self {
            bytes: bytes.into(),
            media_type: media_type.into(),
        }
    }
}

/// What was drawn.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ImageResponse {
    /// The pictures, at least one.
    pub images: Vec<Image>,
    /// What it took, as far as the provider reports it.
    pub usage: Usage,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// Who drew.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// Every attempt made, the successful one last.
    pub attempts: Vec<Attempt>,
}

impl ImageResponse {
    /// A response of `provider`'s `model` with these pictures.
    pub fn new(provider: impl Into<String>, model: impl Into<String>, images: Vec<Image>) -> Self {
        Self {
            images,
            provider: provider.into(),
            model: model.into(),
            ..Self::default()
        }
    }
}

const _: fn(&dyn ImageModel) = |_| {};
const _: fn(&dyn ImageModel, &ImageRequest) = |model, request| {
    fn send<T: Send>(_: T) {}
    send(model.generate_image(request));
};

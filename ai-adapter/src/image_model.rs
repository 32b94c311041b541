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

    /// Draws once. A setting the model does not take is [`Error::Unsupported`](crate::Error::Unsupported); other errors are
    /// those of [`LanguageModel::generate`](crate::LanguageModel::generate).
    ///
    /// - A reply holds at least one picture, whose first bytes are of its media type (`a_picture_is_what_it_says`).
    /// - A reply names provider and model, and lists its attempts (`a_picture_lists_its_attempts`).
    /// - A moderated prompt or picture is `Refused`, and nobody's fault but the prompt's (`a_moderated_prompt_is_refused`).
    /// - Too many requests are `RateLimited`, with the server's wait (`too_many_pictures_are_rate_limited`).
    /// - A failing server is `Unavailable`, and the failure lists its attempts (`a_failed_picture_lists_its_attempts`).
    /// - Silence past the request's `timeout` is `Timeout` (`silence_for_a_picture_is_a_timeout`).
    /// - A reply without a picture is `Malformed` (`a_reply_without_a_picture_is_malformed`).
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
    /// The media type of the file (`"image/png"`); `None` leaves it to the provider.
    pub media_type: Option<String>,
    /// Pictures to draw from: the request is then an edit.
    pub images: Vec<Image>,
    /// How long the whole call may take.
    pub timeout: Option<Duration>,
}

impl ImageRequest {
    /// Asks for one picture of `prompt`.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            size: None,
            media_type: None,
            images: Vec::new(),
            timeout: None,
        }
    }

    /// Sets width and height in pixels.
    #[must_use]
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = Some((width, height));
        self
    }

    /// Sets the media type of the file.
    #[must_use]
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// Adds a picture to draw from.
    #[must_use]
    pub fn image(mut self, image: Image) -> Self {
        self.images.push(image);
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

    /// A picture whose first bytes tell its type: PNG, JPEG, WebP, GIF or SVG.
    pub fn sniff(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        let media_type = Self::type_of(&bytes)?.to_owned();
        Some(Self { bytes, media_type })
    }

    /// The media type a file's first bytes tell, if it is one of those.
    pub fn type_of(bytes: &[u8]) -> Option<&'static str> {
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
            [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
            [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
            [b'<', b's', b'v', b'g', ..] => Some("image/svg+xml"),
            _ => None,
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
    /// What the caller should know and need not act on.
    pub warnings: Vec<String>,
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

//! What the image APIs share.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Peer, malformed};
use crate::{Error, Failure, Image, ImageRequest, Result};

/// A picture of 3840 x 2160 pixels as PNG in base64 stays below it.
pub(crate) const MAX_IMAGE_BODY: usize = 64 * 1024 * 1024;

/// Servers differ in padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The picture in base64, or in a `data:` URI. Its own first bytes tell its type; servers declare wrong ones.
pub(crate) fn decoded(peer: &Peer, text: &str) -> Result<Image> {
    let text = match text.strip_prefix("data:") {
        Some(uri) => uri.split_once(";base64,").map_or(uri, |(_, data)| data),
        None => text,
    };
    let bytes = BASE64
        .decode(text.trim())
        .map_err(|_| malformed(peer, "the picture is not base64"))?;
    picture(peer, bytes)
}

/// The picture in these bytes.
pub(crate) fn picture(peer: &Peer, bytes: Vec<u8>) -> Result<Image> {
    Image::sniff(bytes).ok_or_else(|| malformed(peer, "the picture is none of PNG, JPEG, WebP, GIF and SVG"))
}

/// A picture as base64, and its type.
#[cfg(feature = "gemini")]
pub(crate) fn encoded(image: &Image) -> (String, &'static str) {
    let kind = Image::type_of(&image.bytes).unwrap_or("application/octet-stream");
    (BASE64.encode(&image.bytes), kind)
}

/// Refuses what this model does not take, in `provider`'s name.
pub(crate) fn check(provider: &str, request: &ImageRequest, takes: Takes) -> Result<()> {
    let refused = |what: &str| Err(Error::Unsupported(Failure::new(provider, what).boxed()));
    if request.prompt.trim().is_empty() {
        return Err(Error::Config(
            Failure::new(provider, "the request describes nothing").boxed(),
        ));
    }
    if request.size.is_some() && !takes.size {
        return refused("this model does not take a size");
    }
    if !request.images.is_empty() && !takes.images {
        return refused("this model does not take pictures");
    }
    if request
        .images
        .iter()
        .any(|image| Image::type_of(&image.bytes).is_none())
    {
        return refused("a picture of the request is none of PNG, JPEG, WebP, GIF and SVG");
    }
    match request.media_type.as_deref() {
        Some(wanted) if !takes.media_types.contains(&wanted) => refused("this model does not draw this media type"),
        _ => Ok(()),
    }
}

/// What a request for a picture may ask of a model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Takes {
    pub(crate) size: bool,
    pub(crate) images: bool,
    pub(crate) media_types: &'static [&'static str],
}

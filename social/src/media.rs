use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A picture or a video to upload.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Media {
    /// The file itself.
    pub bytes: Bytes,
    /// Its MIME type, for example `"image/png"`.
    pub content_type: String,
    /// The name the network stores it under.
    pub file_name: String,
    /// What it shows, for those who cannot see it.
    pub alt: Option<String>,
}

impl Media {
    /// A file of the given MIME type, named `media` with the type's second half as its extension.
    pub fn new(bytes: impl Into<Bytes>, content_type: impl Into<String>) -> Self {
        let content_type = content_type.into();
        let kind = content_type.rsplit('/').next().unwrap_or_default();
        let extension: String = kind.chars().take_while(char::is_ascii_alphanumeric).collect();
        Self {
            bytes: bytes.into(),
            file_name: format!("media.{extension}"),
            content_type,
            alt: None,
        }
    }

    /// Sets the alternative text.
    #[must_use]
    pub fn alt(mut self, alt: impl Into<String>) -> Self {
        self.alt = Some(alt.into());
        self
    }

    /// Sets the file name.
    #[must_use]
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = name.into();
        self
    }
}

impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Media")
            .field("bytes", &self.bytes.len())
            .field("content_type", &self.content_type)
            .field("file_name", &self.file_name)
            .field("alt", &self.alt)
            .finish()
    }
}

/// Media that a network holds for a later post: plain data, so that it can be stored with the armed payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UploadedMedia {
    /// [`network`](crate::SocialTarget::network) of the target that took it; another network refuses it.
    pub network: String,
    /// The network's id of the upload.
    pub id: String,
    /// The alternative text it was uploaded with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
}

impl UploadedMedia {
    /// An upload the network knows as `id`.
    pub fn new(network: impl Into<String>, id: impl Into<String>, alt: Option<String>) -> Self {
        Self {
            network: network.into(),
            id: id.into(),
            alt,
        }
    }
}

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
    /// Where the public finds the same file, for networks that take no files and fetch them.
    pub public_url: Option<String>,
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
            public_url: None,
        }
    }

    /// Sets the alternative text.
    #[must_use]
    pub fn alt(mut self, alt: impl Into<String>) -> Self {
        self.alt = Some(alt.into());
        self
    }

    /// Says where the public finds the same file. Buffer, Threads and webhooks take this address and not the file; it
    /// must stay good until the post is visible.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// The MIME type that the first bytes of the file show; `None` when they show none that is known here.
    pub fn sniffed(&self) -> Option<&'static str> {
        match &self.bytes[..] {
            [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
            [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
            [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => Some(match brand {
                [b'q', b't', ..] => "video/quicktime",
                [b'a', b'v', b'i', b'f' | b's', ..] => "image/avif",
                [b'h', b'e', b'i', ..] | [b'm', b'i', b'f', b'1', ..] => "image/heic",
                _ => "video/mp4",
            }),
            [0x1A, 0x45, 0xDF, 0xA3, ..] => Some("video/webm"),
            _ => None,
        }
    }

    /// The public address, checked: the network that fetches it must not be led into a private one.
    #[cfg(feature = "__http")]
    #[allow(dead_code, reason = "of networks that fetch files")]
    pub(crate) fn require_public_url(&self, network: &str) -> crate::Result<String> {
        let checked = match &self.public_url {
            Some(url) => crate::host::check(url, crate::host::Reach::Public).map(|checked| checked.url),
            None => Err("is missing; this network takes no files and fetches them"),
        };
        checked.map_err(|reason| crate::Error::Rejected {
            report: crate::Report::new(network, format!("the public address of the file {reason}")),
            field: Some("media".to_owned()),
        })
    }

    /// Whether the file can be what its MIME type says.
    pub(crate) fn is_what_it_says(&self) -> bool {
        const KNOWN: [&str; 8] = [
            "image/png",
            "image/jpeg",
            "image/gif",
            "image/webp",
            "image/avif",
            "image/heic",
            "video/mp4",
            "video/webm",
        ];
        let said = self.content_type.to_ascii_lowercase();
        let kin = |a: &str, b: &str| {
            a == b || (a, b) == ("video/mp4", "video/quicktime") || (a, b) == ("image/heif", "image/heic")
        };
        match self.sniffed() {
            Some(shown) => kin(&said, shown) || kin(shown, &said),
            None => !KNOWN.contains(&said.as_str()),
        }
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
            .field("public_url", &self.public_url)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_first_bytes_show() {
        let says = |bytes: &'static [u8], said: &str| Media::new(bytes, said).is_what_it_says();
        assert!(says(b"\x89PNG\r\n", "image/png") && says(b"\xFF\xD8\xFF\xE0", "IMAGE/JPEG"));
        assert!(says(b"\0\0\0\x20ftypisom", "video/mp4") && says(b"\0\0\0\x20ftypqt  ", "video/mp4"));
        assert!(says(b"RIFF\0\0\0\0WEBPVP8 ", "image/webp") && says(b"anything", "audio/ogg"));
        assert!(!says(b"<svg onload=x>", "image/png") && !says(b"\x89PNG\r\n", "image/jpeg"));
        assert!(!says(b"\x89PNG\r\n", "audio/ogg") && !says(b"GIF", "image/gif"));
    }
}

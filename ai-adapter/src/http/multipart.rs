//! A form with files, as `multipart/form-data`.

/// Collects the parts; names are ours, so they need no escaping.
pub(crate) struct Multipart {
    boundary: String,
    bytes: Vec<u8>,
}

impl Multipart {
    pub(crate) fn new() -> Self {
        // 128 random bits occur in no file.
        let boundary = format!("presswork-{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        Self {
            boundary,
            bytes: Vec::new(),
        }
    }

    pub(crate) fn text(&mut self, name: &'static str, value: &str) {
        self.head(name, "");
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// A file; `media_type` comes from the file's own first bytes.
    pub(crate) fn file(&mut self, name: &'static str, media_type: &'static str, bytes: &[u8]) {
        let kind = media_type.rsplit('/').next().unwrap_or_default();
        self.head(
            name,
            &format!("; filename=\"image.{kind}\"\r\nContent-Type: {media_type}"),
        );
        self.bytes.extend_from_slice(bytes);
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn head(&mut self, name: &str, more: &str) {
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n",
            self.boundary
        );
        self.bytes.extend_from_slice(head.as_bytes());
    }

    /// The content type and the body.
    pub(crate) fn finish(mut self) -> (String, Vec<u8>) {
        self.bytes
            .extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        (format!("multipart/form-data; boundary={}", self.boundary), self.bytes)
    }
}

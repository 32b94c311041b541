//! A request as plain data, so that it can be made again.

use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;

use crate::{Error, Media, Report, Result};

#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

/// A file in a form.
pub(crate) struct File<'a> {
    pub(crate) field: &'a str,
    pub(crate) media: &'a Media,
    /// Which of its bytes.
    pub(crate) range: Range<usize>,
}

impl Request {
    pub(crate) fn new(method: &'static str, url: String) -> Self {
        let request = Self {
            method,
            url,
            headers: Vec::new(),
            body: Bytes::new(),
        };
        // Some networks refuse a request without a name.
        request.header("user-agent", concat!("presswork-social/", env!("CARGO_PKG_VERSION")))
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Says who calls, where no log of addresses shows it.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn body(mut self, content_type: &str, body: Bytes) -> Self {
        self.body = body;
        self.header("content-type", content_type)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string().into())
    }

    /// `application/x-www-form-urlencoded`
    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        self.body("application/x-www-form-urlencoded", pairs(fields).into())
    }

    /// [`multipart/form-data`](https://www.rfc-editor.org/rfc/rfc7578) of one text and a file.
    pub(crate) fn multipart(self, network: &str, text: Option<(&str, &str)>, file: &File<'_>) -> Result<Self> {
        let media = file.media;
        let kind = &media.content_type;
        if !carriable(kind) || kind.split_once('/').is_none_or(|(a, b)| a.is_empty() || b.is_empty()) {
            return Err(Error::Rejected {
                report: Report::new(network, format!("{kind} is no MIME type")),
                field: Some("media".to_owned()),
            });
        }
        // Not in the file but by a chance of 1 in 2^128.
        let boundary = format!("{:032x}", fastrand::u128(..));
        let mut head = String::new();
        if let Some((name, text)) = text {
            head += &format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        }
        // As browsers write what would end the name.
        let name = media
            .file_name
            .replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A");
        head += &format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n",
            file.field
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let bytes = media.bytes.get(file.range.clone()).unwrap_or_default();
        let body = [head.as_bytes(), bytes, tail.as_bytes()].concat();
        Ok(self.body(&format!("multipart/form-data; boundary={boundary}"), body.into()))
    }
}

/// The address of a path and a query at a server that [`check_server`](crate::host::check_server) let through. Names that
/// others gave must be [encoded](percent_encoded) in the path.
pub(crate) fn address(server: &str, path: &str, query: &[(&str, &str)]) -> String {
    let sign = if query.is_empty() { "" } else { "?" };
    [server, path, sign, &pairs(query)].concat()
}

fn pairs(fields: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&percent_encoded(name));
        out.push('=');
        out.push_str(&percent_encoded(value));
    }
    out
}

/// The text with everything but letters, digits, `-`, `.`, `_` and `~` as `%XX`
/// ([RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-2.3)).
pub(crate) fn percent_encoded(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// Whether a header can carry the text.
pub(crate) fn carriable(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(media: &Media) -> Result<Request> {
        let (field, range) = ("file", 2..5);
        let request = Request::new("POST", "https://a.example/".to_owned());
        request.multipart("x", Some(("description", "ä")), &File { field, media, range })
    }

    #[test]
    fn a_form_is_a_text_and_a_part_of_a_file() {
        let media = Media::new(&b"0123456789"[..], "image/png").file_name("a\"\r\nb.png");
        let request = sent(&media).unwrap();
        assert!(
            request.headers[0].1.starts_with("presswork-social/"),
            "{:?}",
            request.headers
        );
        let (name, kind) = &request.headers[1];
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        assert_eq!((*name, boundary.len()), ("content-type", 32));
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\nä\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22%0D%0Ab.png\"\r\n\
             Content-Type: image/png\r\n\r\n234\r\n--{boundary}--\r\n"
        );
        assert_eq!(request.body, expected.as_bytes());
        for kind in ["image", "/png", "image/", "image/p\r\nng", "image/ü"] {
            let error = sent(&Media::new(&b"0123456789"[..], kind)).err().unwrap();
            assert!(
                matches!(&error, Error::Rejected { field: Some(field), .. } if field == "media"),
                "{error:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_no_header_can_carry_is_not_sent() {
        use crate::http::{Call, Caller, Settings};
        let caller = Caller::new("x", Settings::default()).unwrap();
        let request = Request::new("POST", "https://a.example/".to_owned()).bearer("a\nb");
        let error = caller.send(request, Call::Publish).await.unwrap_err();
        assert!(error.is_retryable() && !error.is_unknown(), "{error:?}");
    }

    #[test]
    fn what_others_gave_is_encoded() {
        let query = [("q", "a b&c=d/\u{fc}"), ("r", "~-._")];
        assert_eq!(
            address("https://a.example", "/p", &query),
            "https://a.example/p?q=a%20b%26c%3Dd%2F%C3%BC&r=~-._"
        );
        assert_eq!(address("https://a.example", "/p", &[]), "https://a.example/p");
        assert!(carriable("a\tb ~!") && !carriable("a\nb") && !carriable("a\u{7F}") && !carriable("ü"));
    }
}

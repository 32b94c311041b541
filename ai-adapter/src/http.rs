//! The one place that turns a connection, a status, headers and a body into an [`Error`].

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::HeaderMap;

use crate::platform::{self, Body, Broken};
use crate::{ApiKey, Error, Failure, FinishReason, Result, TextResponse};

#[cfg(any(feature = "openai", feature = "gemini", feature = "workers-ai"))]
mod embeddings;
mod few;
#[cfg(any(feature = "openai", feature = "gemini", feature = "workers-ai"))]
mod first;
mod fold;
mod headers;
#[cfg(any(feature = "openai", feature = "gemini", feature = "workers-ai"))]
mod images;
mod kept;
mod lenient;
#[cfg(any(feature = "openai", feature = "workers-ai"))]
mod multipart;
mod server;
mod told;
mod words;

#[cfg(any(feature = "openai", feature = "gemini", feature = "workers-ai"))]
pub(crate) use self::embeddings::{Batch, Embeds, Most, Numbers, embed};
pub(crate) use self::few::Few;
#[cfg(any(feature = "openai", feature = "gemini", feature = "workers-ai"))]
pub(crate) use self::first::First;
#[cfg(any(feature = "openai", feature = "workers-ai"))]
pub(crate) use self::fold::is_stream;
#[cfg(any(feature = "anthropic", feature = "gemini", feature = "workers-ai"))]
pub(crate) use self::fold::whole;
#[cfg(any(feature = "openai", feature = "workers-ai"))]
pub(crate) use self::fold::whole_of;
pub(crate) use self::fold::{Fold, MAX_TEXT, events, parse};
use self::headers::Said;
pub(crate) use self::headers::duration;
#[cfg(feature = "gemini")]
pub(crate) use self::images::encoded;
#[cfg(feature = "workers-ai")]
pub(crate) use self::images::picture;
#[cfg(any(feature = "openai", feature = "gemini", feature = "workers-ai"))]
pub(crate) use self::images::{MAX_IMAGE_BODY, Takes, check as check_image, decoded};
pub(crate) use self::kept::Kept;
pub(crate) use self::lenient::{Count, Text, Word};
#[cfg(any(feature = "openai", feature = "workers-ai"))]
pub(crate) use self::multipart::Multipart;
pub(crate) use self::server::{Auth, EVENTS, Endpoint, JSON, Server, Settings, shared_settings};
pub(crate) use self::told::{Told, error_of, error_told};
pub(crate) use self::words::words;

/// No answer of a text model comes near it; a server that sends more is broken or hostile.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// An error page longer than this adds nothing.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// Whom we talk to, as errors name it: never the whole URL, which may hold secrets.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) provider: String,
    pub(crate) host: String,
    /// Whether its errors carry Cloudflare's codes.
    pub(crate) is_cloudflare: bool,
    /// What was sent to it as a secret, the longest first; a server may repeat it in an error.
    pub(crate) secrets: Arc<[ApiKey]>,
}

impl Peer {
    /// A failure whose message repeats no secret.
    pub(crate) fn failure(&self, message: impl AsRef<str>) -> Failure {
        Failure::new(&self.provider, self.hide(message.as_ref()))
    }

    /// The text without the secrets that were sent. Called before a text is cut, so that no half of one is left.
    pub(crate) fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        hide(&self.secrets, text)
    }
}

fn hide<'a>(secrets: &[ApiKey], text: &'a str) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for secret in secrets {
        if text.contains(secret.expose()) {
            text = text.replace(secret.expose(), "[redacted]").into();
        }
    }
    text
}

/// Takes secrets out of what a server says about its answer; the answer itself is left as it is.
fn hide_in(secrets: &[ApiKey], response: &mut TextResponse) {
    let hide = |text: &mut String| {
        if let Cow::Owned(hidden) = hide(secrets, text) {
            *text = hidden;
        }
    };
    hide(&mut response.model);
    response.request_id.iter_mut().for_each(hide);
    response.finish_raw.iter_mut().for_each(hide);
    response.refusal.iter_mut().for_each(hide);
    if let FinishReason::Other(raw) = &mut response.finish {
        hide(raw);
    }
}

/// An answer whose body is still to be read.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl Answer {
    /// The response this answer's body will fill.
    pub(crate) fn response(&self, peer: &Peer, model: &str, warnings: Vec<String>) -> TextResponse {
        // Providers answer with a longer name, that of the version: `-2026-03-05`.
        let mut name = String::with_capacity(model.len() + 16);
        name.push_str(model);
        let mut response = TextResponse::new(&peer.provider, name, "");
        let said = Said::by(&self.headers);
        response.request_id = said.request_id();
        response.limits = said.limits(platform::now_ms);
        response.warnings = warnings;
        response
    }

    #[cfg(any(feature = "openai", feature = "gemini", feature = "workers-ai"))]
    pub(crate) fn request_id(&self, peer: &Peer) -> Option<String> {
        Said::by(&self.headers)
            .request_id()
            .map(|id| peer.hide(&id).into_owned())
    }

    pub(crate) fn content_type(&self) -> &str {
        self.headers
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// The answer if its status is a success, else the error it tells of.
pub(crate) async fn answered(peer: &Peer, status: u16, headers: HeaderMap, mut body: Body) -> Result<Answer> {
    if (200..300).contains(&status) {
        return Ok(Answer { headers, body });
    }
    // A body that breaks off still has its status to go by.
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = body.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ERROR_BODY {
            break;
        }
    }
    Err(error_of(peer, status, &headers, &bytes))
}

/// Reads the whole body.
pub(crate) async fn read(peer: &Peer, body: &mut Body) -> Result<Bytes> {
    read_most(peer, body, MAX_BODY).await
}

/// Reads a body of at most so many bytes. One that comes in one piece, as most do, is not copied.
pub(crate) async fn read_most(peer: &Peer, body: &mut Body, most: usize) -> Result<Bytes> {
    let (mut only, mut bytes) = (Bytes::new(), Vec::new());
    while let Some(chunk) = body.chunk().await.map_err(|error| transport(peer, error))? {
        if only.len() + bytes.len() + chunk.len() > most {
            return Err(malformed(peer, &format!("the body is larger than {} MiB", most >> 20)));
        }
        if only.is_empty() && bytes.is_empty() {
            only = chunk;
        } else {
            bytes.extend_from_slice(&std::mem::take(&mut only));
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok(if bytes.is_empty() { only } else { bytes.into() })
}

pub(crate) fn malformed(peer: &Peer, what: &str) -> Error {
    Error::Malformed(peer.failure(format!("{}: {what}", peer.host)).boxed())
}

/// The first `most` bytes of a body, or a little less. A secret may begin before the cut and end behind it.
fn beginning(peer: &Peer, body: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX_ERROR_BODY)]);
    let text = peer.hide(&text);
    text[..text.floor_char_boundary(most)].to_owned()
}

/// A body that is not what was promised, with its beginning to recognise it by.
pub(crate) fn not_understood(peer: &Peer, content_type: &str, body: &[u8], error: &serde_json::Error) -> Error {
    let start = beginning(peer, body, 80);
    malformed(
        peer,
        &format!("not the JSON expected ({error}; content type `{content_type}`): `{start}`"),
    )
}

/// What broke, as far as the transport tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// The time ran out while connecting.
    ConnectTimeout,
    /// The time ran out later.
    Timeout,
    /// No connection.
    Connect,
    /// The request could not be made.
    Build,
    /// The body ended early.
    Body,
    /// Anything else.
    Other,
}

/// No answer, or no end of it.
pub(crate) fn transport(peer: &Peer, broken: Broken) -> Error {
    let (what, root, source) = platform::broken(broken);
    let host = &peer.host;
    let failure = |what: String| {
        let failure = peer.failure(what);
        match source {
            Some(source) => failure.source(source),
            None => failure,
        }
        .boxed()
    };
    match what {
        Break::ConnectTimeout => Error::Unavailable(failure(format!("cannot connect to {host}: timed out"))),
        Break::Timeout => Error::Timeout(failure(format!("{host} gave no complete answer in time"))),
        Break::Build => Error::Config(failure(format!("the request to {host} cannot be built: {root}"))),
        Break::Connect => Error::Unavailable(failure(format!("cannot connect to {host}: {root}"))),
        Break::Body => Error::Incomplete(failure(format!(
            "the connection to {host} ended before the answer did: {root}"
        ))),
        Break::Other => Error::Unavailable(failure(format!("the connection to {host} failed: {root}"))),
    }
}

#[cfg(test)]
mod tests;

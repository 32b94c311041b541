//! The one place that turns a connection, a status, headers and a body into an [`Error`].

use std::error::Error as StdError;

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::platform::{self, Body};
use crate::retry_after::{retry_after, should_retry};
use crate::{Error, Failure, Result};

/// No answer of a text model comes near it; a server that sends more is broken or hostile.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// An error page longer than this adds nothing.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// Whom we talk to, as errors name it: never the whole URL, which may hold secrets.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) provider: String,
    pub(crate) host: String,
}

/// An answer whose body is still to be read.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl Answer {
    pub(crate) fn request_id(&self) -> Option<String> {
        request_id(&self.headers)
    }

    pub(crate) fn content_type(&self) -> &str {
        self.headers
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Sends, and returns the answer if its status is a success.
pub(crate) async fn send(peer: &Peer, request: reqwest::RequestBuilder) -> Result<Answer> {
    let sent = platform::local(async move {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok((status, headers, Body::new(response)))
    });
    let (status, headers, mut body) = sent.await.map_err(|error| transport(peer, error))?;
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
pub(crate) async fn read(peer: &Peer, body: &mut Body) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunk().await.map_err(|error| transport(peer, error))? {
        if bytes.len() + chunk.len() > MAX_BODY {
            return Err(malformed(peer, "the body is larger than 16 MiB"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

pub(crate) fn malformed(peer: &Peer, what: &str) -> Error {
    Error::Malformed(Failure::new(&peer.provider, format!("{}: {what}", peer.host)).boxed())
}

/// A body that is not what was promised, with its beginning to recognise it by.
pub(crate) fn not_understood(peer: &Peer, content_type: &str, body: &[u8], error: &serde_json::Error) -> Error {
    let start = String::from_utf8_lossy(&body[..body.len().min(80)]);
    malformed(
        peer,
        &format!("not the JSON expected ({error}; content type `{content_type}`): `{start}`"),
    )
}

/// No answer, or no end of it.
pub(crate) fn transport(peer: &Peer, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let host = &peer.host;
    let failure = |what: String, error| Failure::new(&peer.provider, what).source(error).boxed();
    let root = root_cause(&error);
    if platform::is_timeout(&error) {
        if platform::is_connect(&error) {
            return Error::Unavailable(failure(format!("cannot connect to {host}: timed out"), error));
        }
        Error::Timeout(failure(format!("{host} gave no complete answer in time"), error))
    } else if error.is_builder() {
        Error::Config(failure(format!("the request to {host} cannot be built: {root}"), error))
    } else if platform::is_connect(&error) {
        Error::Unavailable(failure(format!("cannot connect to {host}: {root}"), error))
    } else if error.is_body() || error.is_decode() {
        Error::Incomplete(failure(
            format!("the connection to {host} ended before the answer did: {root}"),
            error,
        ))
    } else {
        Error::Unavailable(failure(format!("the connection to {host} failed: {root}"), error))
    }
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = [
        "x-request-id",
        "request-id",
        "x-generation-id",
        "mistral-correlation-id",
    ];
    let value = names.iter().find_map(|name| headers.get(*name))?;
    Some(value.to_str().ok()?.chars().take(200).collect())
}

/// The error behind a status that is none of success.
pub(crate) fn error_of(peer: &Peer, status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
    let told = serde_json::from_slice(body).ok().and_then(|json| Told::find(&json));
    let told = told.unwrap_or_else(|| {
        let page = String::from_utf8_lossy(&body[..body.len().min(200)]).trim().to_owned();
        let hint = match status {
            300..400 => "redirects, set the base URL it moved to; ",
            404 => "no such path, is the base URL right? ",
            _ => "",
        };
        Told {
            message: if page.is_empty() {
                format!("{hint}no details")
            } else {
                format!("{hint}{page}")
            },
            ..Told::default()
        }
    });
    error_told(peer, Some(status), headers, told)
}

/// The error a body tells of, whatever its status was: the body is read first.
pub(crate) fn error_told(peer: &Peer, status: Option<u16>, headers: &HeaderMap, told: Told) -> Error {
    let status = status.filter(|status| *status >= 300).or(told.status());
    let condition = condition(status, &told);
    let waits = retry_after(headers, platform::now_ms()).or_else(|| crate::retry_after::in_text(&told.message));
    // Neither a header nor a wait brings credit back.
    let is_quota = condition == Condition::QuotaExhausted;
    let mut failure = Failure::new(&peer.provider, format!("{}: {}", peer.host, told.message))
        .code(told.code.or(told.kind))
        .request_id(request_id(headers))
        .retry_after(waits.filter(|_| !is_quota))
        .retryable(should_retry(headers).filter(|_| !is_quota));
    failure.status = status;
    condition.error(failure)
}

/// What a server says is wrong, wherever its dialect says it.
#[derive(Debug, Default)]
pub(crate) struct Told {
    message: String,
    code: Option<String>,
    kind: Option<String>,
}

impl Told {
    /// Reads `{error: {..}}`, `{error: ".."}`, `[{error}]`, `{errors: [..]}`, `{detail}`, and flat `{message, code, type}`.
    pub(crate) fn find(json: &Value) -> Option<Self> {
        match json {
            Value::Array(items) => items.iter().find_map(Self::find),
            Value::Object(object) => {
                let nested = ["error", "errors"]
                    .iter()
                    .find_map(|key| object.get(*key).filter(|value| !value.is_null()));
                match nested {
                    Some(Value::Array(errors)) => errors.iter().find_map(Self::of),
                    Some(error) => Self::of(error),
                    None if ["detail", "message"].iter().any(|key| object.contains_key(*key)) => Self::of(json),
                    None => None,
                }
            }
            _ => None,
        }
    }

    /// Reads what stands under `error`.
    pub(crate) fn of(error: &Value) -> Option<Self> {
        let text = |key: &str| match error.get(key)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::String(_) => None,
            other @ (Value::Array(_) | Value::Object(_)) => Some(other.to_string()),
        };
        match error {
            Value::String(message) if !message.is_empty() => Some(Self {
                message: message.clone(),
                ..Self::default()
            }),
            Value::Object(object) => Some(Self {
                message: text("message")
                    .or_else(|| text("detail"))
                    .unwrap_or_else(|| Value::Object(object.clone()).to_string()),
                code: text("code"),
                kind: text("type"),
            }),
            _ => None,
        }
    }

    /// A status told in the body, as OpenRouter does under a 200.
    fn status(&self) -> Option<u16> {
        self.code
            .as_deref()?
            .parse()
            .ok()
            .filter(|code| (300..600).contains(code))
    }
}

/// The condition: what the body says, and only then what the status says.
fn condition(status: Option<u16>, told: &Told) -> Condition {
    let words = [told.code.as_deref(), told.kind.as_deref()];
    let is = |names: &[&str]| words.iter().flatten().any(|word| names.contains(word));
    if is(&[
        "insufficient_quota",
        "credit_balance_exhausted",
        "billing_hard_limit_reached",
        "billing_error",
    ]) {
        return Condition::QuotaExhausted;
    }
    if is(&["rate_limit_exceeded", "slow_down", "capacity_exceeded"]) {
        return Condition::RateLimited;
    }
    if is(&["invalid_api_key", "authentication_error", "permission_error"]) {
        return Condition::Unauthenticated;
    }
    if is(&["model_not_found"]) {
        return Condition::ModelNotFound;
    }
    if is(&["content_policy_violation", "content_filter", "moderation_blocked"]) {
        return Condition::Refused;
    }
    // Groq: the model's own output did not fit; a fresh attempt may.
    if is(&["json_validate_failed", "tool_use_failed"]) {
        return Condition::Malformed;
    }
    match status {
        Some(402) => Condition::QuotaExhausted,
        // 498 is Groq's "no capacity in this tier".
        Some(429 | 498) => Condition::RateLimited,
        Some(401 | 403 | 407) => Condition::Unauthenticated,
        Some(404 | 410) => Condition::ModelNotFound,
        // OpenAI's and Anthropic's own clients repeat 408 and 409.
        Some(408 | 409 | 425 | 500..) => Condition::Unavailable,
        Some(400..) => Condition::Rejected,
        Some(_) => Condition::Redirected,
        None if is(&["invalid_request_error", "context_length_exceeded"]) => Condition::Rejected,
        None => Condition::Unavailable,
    }
}

/// The conditions a server can tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    RateLimited,
    QuotaExhausted,
    Unauthenticated,
    ModelNotFound,
    Rejected,
    Refused,
    Unavailable,
    Malformed,
    Redirected,
}

impl Condition {
    fn error(self, failure: Failure) -> Error {
        let failure = failure.boxed();
        match self {
            Self::RateLimited => Error::RateLimited(failure),
            Self::QuotaExhausted => Error::QuotaExhausted(failure),
            Self::Unauthenticated => Error::Unauthenticated(failure),
            Self::ModelNotFound => Error::ModelNotFound(failure),
            Self::Rejected => Error::Rejected(failure),
            Self::Refused => Error::Refused(failure),
            Self::Unavailable => Error::Unavailable(failure),
            Self::Malformed => Error::Malformed(failure),
            Self::Redirected => Error::Config(failure),
        }
    }
}

#[cfg(test)]
mod tests;

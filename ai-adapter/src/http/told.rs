//! What a server says is wrong, and which condition that is: the body is read before the status.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{MAX_ERROR_BODY, Peer, Said, duration};
use crate::retry_after::{in_text, retry_after, should_retry};
use crate::{Error, Failure, platform};

/// The error behind a status that is none of success.
pub(crate) fn error_of(peer: &Peer, status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
    let told = Told::in_json(body).unwrap_or_else(|| {
        let page = super::beginning(peer, body, 200).trim().to_owned();
        let hint = match status {
            300..400 => "redirects, set the base URL it moved to; ",
            404 => "no such path, is the base URL right? ",
            _ => "",
        };
        let page = if page.is_empty() { "no details" } else { &page };
        Told::text(format!("{hint}{page}"))
    });
    error_told(peer, Some(status), headers, told)
}

/// The error a body tells of, whatever its status was.
pub(crate) fn error_told(peer: &Peer, status: Option<u16>, headers: &HeaderMap, mut told: Told) -> Error {
    let status = status.filter(|status| *status >= 300).or(told.status());
    if peer.is_cloudflare {
        told.find_cloudflare_code();
    }
    let condition = condition(peer, status, &told);
    let waits = retry_after(headers, platform::now_ms())
        .or(told.wait)
        .or_else(|| in_text(&told.message));
    // Neither a header nor a wait brings credit back.
    let is_quota = condition == Condition::QuotaExhausted;
    let hidden = |text: String| peer.hide(&text).into_owned();
    let said = Said::by(headers);
    let mut failure = peer
        .failure(format!("{}: {}", peer.host, told.message))
        .code(told.code.or(told.kind).map(hidden))
        .request_id(said.request_id().or(told.request_id).map(hidden))
        .retry_after(waits.filter(|_| !is_quota))
        .retryable(should_retry(headers).filter(|_| !is_quota));
    failure.status = status;
    failure.limits = said.limits(platform::now_ms);
    condition.error(failure)
}

/// What a server says is wrong, wherever its dialect says it.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) kind: Option<String>,
    /// A finer code: Anthropic's `details.error_code`, Google's `reason` or the id of the quota that is used up.
    detail: Option<String>,
    wait: Option<Duration>,
    request_id: Option<String>,
}

impl Told {
    pub(crate) fn text(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Looks for an error in a JSON text. A longer one than servers send is not looked through: parsed, it is many times as large.
    pub(crate) fn in_json(json: &[u8]) -> Option<Self> {
        if json.len() > MAX_ERROR_BODY {
            return None;
        }
        Self::find(&serde_json::from_slice(json).ok()?)
    }

    /// Reads what stands under `error`, as [`of`](Self::of); of a text that is too long, the beginning.
    pub(crate) fn raw(error: &RawValue) -> Option<Self> {
        let text = error.get();
        if text.len() > MAX_ERROR_BODY {
            return Some(Self::text(&text[..text.floor_char_boundary(MAX_ERROR_BODY)]));
        }
        Self::of(&serde_json::from_str(text).ok()?)
    }

    /// Reads `{error: {..}}`, `{error: ".."}`, `[{error}]`, `{errors: [..]}`, `{detail}`, `{internalCode, description}`, and flat
    /// `{message, code, type}`.
    pub(crate) fn find(json: &Value) -> Option<Self> {
        match json {
            Value::Array(items) => items.iter().find_map(Self::find),
            Value::Object(object) => {
                let nested = ["error", "errors"]
                    .iter()
                    .find_map(|key| object.get(*key).filter(|value| !value.is_null()));
                let flat = ["detail", "message", "internalCode"];
                let mut told = match nested {
                    Some(Value::Array(errors)) => errors.iter().find_map(Self::of),
                    Some(error) => Self::of(error),
                    None if flat.iter().any(|key| object.contains_key(*key)) => Self::of(json),
                    None => None,
                }?;
                let id = object.get("request_id").and_then(Value::as_str);
                told.request_id = id.map(|id| id.chars().take(200).collect());
                Some(told)
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
            Value::String(message) if !message.is_empty() => Some(Self::text(message)),
            Value::Object(object) => {
                let message = ["message", "description", "detail"].iter().find_map(|key| text(key));
                let mut told = Self {
                    message: message.unwrap_or_else(|| Value::Object(object.clone()).to_string()),
                    code: text("code").or_else(|| text("internalCode")),
                    kind: text("type").or_else(|| text("status")),
                    ..Self::default()
                };
                told.details(object.get("details").unwrap_or(&Value::Null));
                Some(told)
            }
            _ => None,
        }
    }

    /// Anthropic's details are one object, Google's a list of typed ones.
    fn details(&mut self, details: &Value) {
        let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
        self.detail = text(details, "error_code");
        for detail in details.as_array().into_iter().flatten() {
            let kind = detail.get("@type").and_then(Value::as_str).unwrap_or_default();
            if kind.ends_with("RetryInfo") {
                self.wait = text(detail, "retryDelay").as_deref().and_then(duration);
            } else if kind.ends_with("ErrorInfo") {
                self.detail = self.detail.take().or_else(|| text(detail, "reason"));
            } else if kind.ends_with("QuotaFailure") {
                let violations = detail.get("violations").and_then(Value::as_array);
                let ids = violations.into_iter().flatten().filter_map(|one| text(one, "quotaId"));
                self.detail = ids.into_iter().find(|id| id.contains("PerDay")).or(self.detail.take());
            }
        }
    }

    /// Cloudflare puts its code in `code`, or as `NNNN: ` anywhere in the message; other numbers occur there, too.
    fn find_cloudflare_code(&mut self) {
        let known = |code: &str| code.parse().ok().filter(|code| cloudflare(*code).is_some());
        if self.code.as_deref().and_then(known).is_some() {
            return;
        }
        let starts = self.message.match_indices(": ").map(|(at, _)| at);
        let codes = starts.filter_map(|at| {
            let from = self.message[..at]
                .rfind(|c: char| !c.is_ascii_digit())
                .map_or(0, |before| before + 1);
            known(self.message.get(from..at)?)
        });
        if let Some(code) = codes.into_iter().next() {
            self.code = Some(code.to_string());
        }
    }

    /// A status told in the body, as OpenRouter and Google do under a 200.
    fn status(&self) -> Option<u16> {
        self.code
            .as_deref()?
            .parse()
            .ok()
            .filter(|code| (300..600).contains(code))
    }
}

/// Workers AI's own codes ([errors](https://developers.cloudflare.com/workers-ai/platform/errors/)), and AI Gateway's guardrails (2016, 2017).
fn cloudflare(code: u16) -> Option<Condition> {
    Some(match code {
        2016 | 2017 => Condition::Refused,
        3036 => Condition::QuotaExhausted,
        3040 => Condition::RateLimited,
        3007 | 3008 => Condition::Unavailable,
        3042 | 5007 => Condition::ModelNotFound,
        3023 | 3041 | 5016 | 5018 => Condition::Unauthenticated,
        3003 | 3006 | 3039 | 5004..=5006 | 5019 | 5023 | 8006 => Condition::Rejected,
        _ => return None,
    })
}

/// What providers' words mean, whatever the status: OpenAI, Groq, Anthropic, Google.
const WORDS: [(&[&str], Condition); 9] = [
    (
        &[
            "insufficient_quota",
            "credit_balance_exhausted",
            "billing_hard_limit_reached",
            "billing_error",
            "enforced_spend_limit_reached",
            "contract_spend_limit_reached",
        ],
        Condition::QuotaExhausted,
    ),
    (
        &[
            "rate_limit_exceeded",
            "rate_limit_error",
            "slow_down",
            "capacity_exceeded",
            "RESOURCE_EXHAUSTED",
        ],
        Condition::RateLimited,
    ),
    (
        &[
            "invalid_api_key",
            "authentication_error",
            "permission_error",
            "API_KEY_INVALID",
            "UNAUTHENTICATED",
            "PERMISSION_DENIED",
        ],
        Condition::Unauthenticated,
    ),
    (
        &["model_not_found", "not_found_error", "NOT_FOUND"],
        Condition::ModelNotFound,
    ),
    (
        &[
            "content_policy_violation",
            "image_content_policy_violation",
            "content_filter",
            "moderation_blocked",
            "bio_policy",
            "misalignment_policy_violation",
        ],
        Condition::Refused,
    ),
    // Groq: the model's own output did not fit; a fresh attempt may.
    (&["json_validate_failed", "tool_use_failed"], Condition::Malformed),
    (
        &[
            "server_error",
            "api_error",
            "overloaded_error",
            "timeout_error",
            "server_is_overloaded",
            "vector_store_timeout",
        ],
        Condition::Unavailable,
    ),
    (
        &["INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "CANCELLED"],
        Condition::Unavailable,
    ),
    (
        &[
            "invalid_request_error",
            "context_length_exceeded",
            "request_too_large",
            "invalid_prompt",
            "data_residency_mismatch",
            "image_too_large",
            "INVALID_ARGUMENT",
            "FAILED_PRECONDITION",
            "OUT_OF_RANGE",
        ],
        Condition::Rejected,
    ),
];

/// Words that only count where no status says otherwise: OpenAI calls a wrong key an `invalid_request_error`, too.
const WEAK: [Condition; 2] = [Condition::Unavailable, Condition::Rejected];

/// The condition: what the body says, and only then what the status says.
fn condition(peer: &Peer, status: Option<u16>, told: &Told) -> Condition {
    let words = [told.detail.as_deref(), told.code.as_deref(), told.kind.as_deref()];
    let known = words.into_iter().flatten().find_map(|word| {
        let row = WORDS.iter().find(|(names, _)| names.contains(&word))?;
        Some(row.1)
    });
    if peer.is_cloudflare
        && let Some(condition) = told.code.as_deref().and_then(|code| cloudflare(code.parse().ok()?))
    {
        return condition;
    }
    let per_day = told.detail.as_deref().is_some_and(|detail| detail.contains("PerDay"));
    if per_day || is_account_limit(&told.message) {
        return Condition::QuotaExhausted;
    }
    // Workers AI: the model's own output did not fit; a fresh attempt may.
    if told.message.contains("JSON Mode couldn't be met") {
        return Condition::Malformed;
    }
    if let Some(condition) = known.filter(|condition| !WEAK.contains(condition)) {
        return condition;
    }
    match status {
        Some(402) => Condition::QuotaExhausted,
        // 498 is Groq's "no capacity in this tier".
        Some(429 | 498) => Condition::RateLimited,
        Some(401 | 403 | 407) => Condition::Unauthenticated,
        Some(404 | 410) => Condition::ModelNotFound,
        // OpenAI's and Anthropic's own clients repeat 408 and 409; 499 is Google's "cancelled".
        Some(408 | 409 | 425 | 499 | 500..) => Condition::Unavailable,
        Some(400..) => Condition::Rejected,
        Some(_) => Condition::Redirected,
        None => known.unwrap_or(Condition::Unavailable),
    }
}

/// Anthropic reports an empty account and a limit the customer set himself as a plain 400.
fn is_account_limit(message: &str) -> bool {
    [
        "credit balance is too low",
        "specified API usage limits",
        "specified workspace API usage limits",
    ]
    .iter()
    .any(|words| message.contains(words))
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

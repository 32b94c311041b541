//! Turns failures and refusals into conditions.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{Mastodon, NETWORK, wire::Complaint};
use crate::{
    Error, Report, Result,
    http::{Answer, Failure, describe, parse_rfc3339, wait_until},
};

/// What a missing answer means for the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// It made or may have made a post.
    Publish,
    /// It changed nothing that people see.
    Repeatable,
}

/// What a server says while it processes an upload; users are told to wait a moment.
const PROCESSING: &str = "have not finished processing";

impl Mastodon {
    /// No status arrived.
    pub(super) fn failed(&self, failure: Failure, call: Call) -> Error {
        let (error, sent) = match failure {
            Failure::NeverSent(error) => (error.without_url(), false),
            Failure::Lost(error) => (error, true),
        };
        let report = Report::new(NETWORK, self.redact(&describe(&error)));
        if sent && call == Call::Publish {
            return Error::unknown(report, Some(error.into()));
        }
        Error::Unavailable {
            report,
            retry_after: None,
            source: Some(error.into()),
        }
    }

    /// A status other than success arrived.
    pub(super) fn refused(&self, answer: &Answer, call: Call) -> Error {
        let message = message(answer);
        let report = self.report(answer, &message);
        let now_ms = self.clock.now_ms();
        let retry_after = answer.retry_after(now_ms);
        match answer.status {
            // The runtime followed a redirect; whatever answered is not what the post was given to.
            _ if answer.redirected && call == Call::Publish => Error::unknown(report, None),
            200..=399 => Error::Rejected {
                report: self.report(answer, "the server redirects; configure the address it redirects to"),
                field: None,
            },
            401 => Error::Unauthenticated { report },
            403 if closed(&message) => Error::PauseAccount { report },
            403 => Error::Forbidden { report },
            422 if message.contains(PROCESSING) => Error::MediaNotReady {
                report,
                retry_after: retry_after.or(Some(Duration::from_secs(10))),
            },
            422 if call == Call::Publish && message.contains("already attached") => Error::duplicate(report),
            429 => Error::RateLimited {
                report,
                retry_after: retry_after.or_else(|| reset(answer, now_ms)),
            },
            // The proxy in front gave up while the request may have been with the server.
            408 if call == Call::Publish => Error::unknown(report, None),
            400..=499 if answer.status != 408 => Error::Rejected {
                field: field(&message),
                report,
            },
            // Overload answered before the request was looked at: only then is the time to come back known.
            503 if retry_after.is_some() => Error::Unavailable {
                report,
                retry_after,
                source: None,
            },
            _ if call == Call::Publish => Error::unknown(report, None),
            _ => Error::Unavailable {
                report,
                retry_after,
                source: None,
            },
        }
    }

    /// Reads the body of a success. One that cannot be read leaves a publish unknown.
    pub(super) fn decode<T: DeserializeOwned>(&self, answer: &Answer, call: Call) -> Result<T> {
        let problem = match &answer.body {
            Ok(body) => match serde_json::from_slice(body) {
                Ok(value) => return Ok(value),
                Err(error) => format!("the answer cannot be read: {error}"),
            },
            Err(problem) => format!("the answer was cut off: {problem}"),
        };
        let report = self.report(answer, &problem);
        Err(match call {
            Call::Publish => Error::unknown(report, None),
            Call::Repeatable => Error::Unavailable {
                report,
                retry_after: None,
                source: None,
            },
        })
    }

    fn report(&self, answer: &Answer, message: &str) -> Report {
        Report::new(NETWORK, self.redact(message))
            .status(answer.status)
            .request_id(answer.header("x-request-id").map(|id| self.redact(id)))
    }

    /// Servers and proxies have been seen to repeat a request's headers in an error page.
    fn redact(&self, text: &str) -> String {
        text.replace(self.token.expose(), "[redacted]")
    }
}

fn message(answer: &Answer) -> String {
    let Ok(body) = &answer.body else {
        return "the answer was cut off".to_owned();
    };
    let complaint: Complaint = serde_json::from_slice(body).unwrap_or_default();
    match (complaint.error.is_empty(), complaint.error_description) {
        (false, Some(description)) => format!("{}: {description}", complaint.error),
        (false, None) => complaint.error,
        // A page of a proxy in between; its head tells which.
        (true, _) => String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned(),
    }
}

/// `X-RateLimit-Reset` is an ISO 8601 time (<https://docs.joinmastodon.org/api/rate-limits/>).
fn reset(answer: &Answer, now_ms: i64) -> Option<Duration> {
    wait_until(parse_rfc3339(answer.header("x-ratelimit-reset")?)?, now_ms)
}

fn closed(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["disabled", "suspended", "pending approval", "moved"]
        .iter()
        .any(|word| message.contains(word))
}

/// The part of the post a validation complains of.
fn field(message: &str) -> Option<String> {
    let message = message.to_ascii_lowercase();
    let fields = [
        ("character limit", "text"),
        ("text", "text"),
        ("media", "media"),
        ("language", "language"),
    ];
    let found = fields.iter().find(|(word, _)| message.contains(word))?;
    Some(found.1.to_owned())
}

//! Turns refusals into conditions
//! ([response codes](https://docs.x.com/x-api/fundamentals/response-codes-and-errors)).

use serde_json::Value;

use super::X;
use crate::{
    Error,
    http::{Answer, Call, list, text},
};

impl X {
    /// A status other than success arrived.
    pub(super) fn refused(&self, answer: &Answer, call: Call) -> Error {
        let problem = answer.json();
        // The host of the type has changed before; its last part names the problem.
        let kind = problem["type"].as_str().unwrap_or_default();
        let kind = kind.rsplit('/').next().unwrap_or_default();
        let message = self.caller.message_of(answer, said(&problem));
        let lower = message.to_ascii_lowercase();
        let report = self.caller.report(answer, &message);
        match answer.status {
            402 => Error::PauseAccount { report },
            403 | 429 if kind == "usage-capped" => Error::PauseAccount { report },
            403 if call == Call::Publish && lower.contains("duplicate content") => Error::duplicate(report),
            403 if kind == "user-suspended"
                || lower.contains("suspended")
                || lower.contains("account is temporarily locked") =>
            {
                Error::PauseAccount { report }
            }
            403 if lower.contains("unsupported authentication") => Error::Unauthenticated { report },
            400 | 403 if lower.contains("cashtag") => Error::Rejected {
                report,
                field: Some("text".to_owned()),
            },
            400..=499 if !matches!(answer.status, 401 | 403 | 408 | 429) => Error::Rejected {
                field: ["text", "media", "reply"]
                    .iter()
                    .find(|field| lower.contains(*field))
                    .map(|&field| field.to_owned()),
                report,
            },
            // X does not say that it declines before it looks at a post.
            503 if call == Call::Publish => Error::unknown(report, None),
            _ => self.caller.standard(answer, call, &message),
        }
    }
}

/// What the refusal says in words.
fn said(problem: &Value) -> String {
    // `detail` of a validation is generic; the errors say what is wrong.
    let errors = list(&problem["errors"]).iter().map(|error| text(error, "message"));
    let mut all = errors.chain([text(problem, "detail"), text(problem, "title")]);
    all.find(|message| !message.is_empty()).unwrap_or_default()
}

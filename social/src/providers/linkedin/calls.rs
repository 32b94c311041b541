//! Requests with the headers of the versioned API, and what its refusals mean.

use serde_json::Value;

use super::LinkedIn;
use crate::{
    Error,
    http::{Answer, Call, Pending, Renewing, Request, address, list, text, until_next_day},
    tokens::Rotating,
};

impl LinkedIn {
    pub(super) fn request(&self, method: &'static str, path: &str, query: &[(&str, &str)]) -> Request {
        let request = Request::new(method, address(&self.base, path, query));
        let request = request.header("linkedin-version", &self.version);
        request.header("x-restli-protocol-version", "2.0.0")
    }

    /// Asks; the answer has all that `needs` points at.
    pub(super) fn get<'a>(&'a self, path: &str, query: &[(&str, &str)], needs: &'a [&'a str]) -> Pending<'a, Value> {
        self.caller.ask(self, self.request("GET", path, query), needs)
    }

    pub(super) fn exchange(&self, request: Request, call: Call) -> Pending<'_, Answer> {
        self.caller.send_renewing(self, request, call)
    }
}

impl Renewing for LinkedIn {
    fn tokens(&self) -> &Rotating {
        &self.tokens
    }

    fn refused(&self, answer: &Answer, call: Call) -> Error {
        let problem = answer.json();
        let inputs = list(&problem["errorDetails"]["inputErrors"]);
        let repeat = inputs.iter().find(|error| error["code"] == "DUPLICATE_POST");
        let described = inputs.iter().map(|error| text(error, "description"));
        let all = std::iter::once(text(&problem, "message")).chain(described);
        let all: Vec<String> = all.filter(|part| !part.is_empty()).collect();
        let message = self.caller.message_of(answer, all.join("; "));
        let report = self.caller.report(answer, &message);
        match answer.status {
            _ if call == Call::Publish && (repeat.is_some() || problem["code"] == "DUPLICATE_POST") => {
                let error = Error::duplicate(report);
                let named = repeat.and_then(|repeat| post_in(repeat["description"].as_str()?));
                match named.or_else(|| post_in(&message)) {
                    Some(id) => error.with_id(id),
                    None => error,
                }
            }
            // The version is no longer served: every request will be refused until the configuration names another.
            426 => Error::PauseAccount { report },
            429 => Error::RateLimited {
                report,
                // Limits are by day, of UTC, and no header says when one ends
                // (<https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/rate-limits>).
                retry_after: answer
                    .not_before(self.caller.clock.now_ms())
                    .or_else(|| Some(until_next_day(self.caller.clock.now_ms()))),
            },
            _ => self.caller.standard(answer, call, &message),
        }
    }
}

/// The post that a refusal names: "Content is a duplicate of urn:li:share:7012345678901234567".
fn post_in(message: &str) -> Option<&str> {
    ["urn:li:share:", "urn:li:ugcPost:"].iter().find_map(|kind| {
        let start = message.find(kind)?;
        let digits = message[start + kind.len()..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        (digits > 0).then(|| &message[start..start + kind.len() + digits])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_post() {
        assert_eq!(
            post_in("Content is a duplicate of urn:li:share:701, sorry"),
            Some("urn:li:share:701")
        );
        assert_eq!(post_in("duplicate of urn:li:ugcPost:9"), Some("urn:li:ugcPost:9"));
        assert_eq!(post_in("duplicate of urn:li:share:"), None);
    }
}

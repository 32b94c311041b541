//! Requests with the headers of the versioned API, and what its refusals mean.

use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;

use super::{LinkedIn, wire};
use crate::{
    Error, Result,
    http::{Answer, Call, until_next_day},
};

impl LinkedIn {
    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.caller.request(method, url);
        let request = request.header("linkedin-version", self.version.clone());
        request.header("x-restli-protocol-version", "2.0.0")
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        let answer = self
            .exchange(self.request(Method::GET, path, query), Call::Repeatable)
            .await?;
        self.caller.decode(&answer, Call::Repeatable)
    }

    pub(super) async fn post_json(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &serde_json::Value,
        call: Call,
    ) -> Result<Answer> {
        let request = self
            .request(Method::POST, path, query)
            .header("content-type", "application/json");
        self.exchange(request.body(body.to_string()), call).await
    }

    pub(super) async fn exchange(&self, request: RequestBuilder, call: Call) -> Result<Answer> {
        let refused = |answer: &Answer| self.refused(answer, call);
        self.caller
            .send_renewing(&self.tokens, self, request, call, refused)
            .await
    }

    fn refused(&self, answer: &Answer, call: Call) -> Error {
        let problem: wire::Problem = serde_json::from_slice(answer.bytes()).unwrap_or_default();
        let repeat = problem
            .error_details
            .input_errors
            .iter()
            .find(|error| error.code == "DUPLICATE_POST");
        let said = |problem: &wire::Problem| {
            let of_input = problem
                .error_details
                .input_errors
                .iter()
                .map(|error| error.description.as_str());
            let all: Vec<&str> = std::iter::once(problem.message.as_str())
                .chain(of_input)
                .filter(|part| !part.is_empty())
                .collect();
            all.join("; ")
        };
        let message = self.caller.message_of(answer, |problem: wire::Problem| said(&problem));
        let report = self.caller.report(answer, &message);
        match answer.status {
            _ if call == Call::Publish && (repeat.is_some() || problem.code == "DUPLICATE_POST") => {
                let error = Error::duplicate(report);
                match repeat
                    .and_then(|repeat| post_in(&repeat.description))
                    .or_else(|| post_in(&message))
                {
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

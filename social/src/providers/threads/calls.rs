//! Requests with a token that is renewed in time, and the errors of the Graph API.

use async_trait::async_trait;
use serde_json::Value;

use super::{NETWORK, Threads};
use crate::{
    Error, Report, Result, TokenSet,
    http::{Answer, Call, Pending, Renewing, Request, address, integer, text},
    tokens::{Refresh, Rotating},
};

impl Threads {
    fn request(&self, method: &'static str, path: &str, query: &[(&str, &str)]) -> Request {
        Request::new(method, address(&self.base, path, query))
    }

    /// Asks; the answer has all that `needs` points at.
    pub(super) fn get<'a>(&'a self, path: &str, query: &[(&str, &str)], needs: &'a [&'a str]) -> Pending<'a, Value> {
        self.caller.ask(self, self.request("GET", path, query), needs)
    }

    /// Makes a step and returns the id of what it made.
    pub(super) fn post<'a>(
        &'a self,
        path: &'a str,
        fields: &'a [(&'a str, &'a str)],
        call: Call,
    ) -> Pending<'a, String> {
        Box::pin(async move {
            let request = self.request("POST", path, &[]).form(fields);
            let answer = self.caller.send_renewing(self, request, call).await?;
            Ok(text(&self.caller.decode(&answer, call, &["/id"])?, "id"))
        })
    }
}

impl Renewing for Threads {
    fn tokens(&self) -> &Rotating {
        &self.tokens
    }

    /// [Errors](https://developers.facebook.com/docs/graph-api/guides/error-handling) have a code that says more than the
    /// status.
    fn refused(&self, answer: &Answer, call: Call) -> Error {
        let problem = answer.json();
        let problem = &problem["error"];
        let message = self.caller.message_of(answer, text(problem, "message"));
        let report = self.caller.report(answer, &message);
        let number = |field: &str| integer(problem, field).unwrap_or_default();
        match (number("code"), number("error_subcode")) {
            (102 | 190, _) => Error::Unauthenticated { report },
            // Taken for spam.
            (_, 2_207_051) => Error::PauseAccount { report },
            // Too many posts of one account in 24 hours: the number that the publishing API of Instagram documents, on the
            // same platform; Threads names none.
            (4 | 17 | 32 | 613, _) | (_, 2_207_042) => Error::RateLimited {
                report,
                retry_after: answer.not_before(self.caller.clock.now_ms()),
            },
            // Among them code 10, which is also given for posts that were published
            // (<https://developers.facebook.com/docs/threads/troubleshooting>).
            _ if call == Call::Publish && (answer.status >= 500 || problem["is_transient"] == true) => {
                Error::unknown(report, None)
            }
            (10 | 200..=299, _) if answer.status < 500 => Error::Forbidden { report },
            _ => self.caller.standard(answer, call, &message),
        }
    }
}

#[async_trait]
impl Refresh for Threads {
    /// [Renews](https://developers.facebook.com/docs/threads/get-started/long-lived-tokens) a token that has not ended.
    async fn refresh(&self, current: Option<&TokenSet>) -> Result<TokenSet> {
        let Some(current) = current else {
            return Err(Error::Unauthenticated {
                report: Report::new(NETWORK, "there is no token for this account"),
            });
        };
        self.caller.hide(current.access.expose());
        let query = [("grant_type", "th_refresh_token")];
        let request = self.request("GET", "/refresh_access_token", &query);
        let request = request.bearer(current.access.expose());
        let answer = self.caller.send(request, Call::Repeatable).await?;
        if answer.is_success() {
            return self.caller.granted(&answer);
        }
        Err(match self.refused(&answer, Call::Repeatable) {
            // A token that has ended, or of less than 24 hours, is renewed by nobody.
            Error::Rejected { report, .. } | Error::Forbidden { report } => Error::Unauthenticated { report },
            error => error,
        })
    }
}

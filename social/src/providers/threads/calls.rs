//! Requests with a token that is renewed in time, and the errors of the Graph API.

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder, Url};
use serde::de::DeserializeOwned;

use super::{NETWORK, Threads, wire};
use crate::{
    Error, Report, Result, TokenSet,
    http::{Answer, Call, form},
    tokens::Refresh,
};

impl Threads {
    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn exchange(&self, request: RequestBuilder, call: Call) -> Result<Answer> {
        let refused = |answer: &Answer| self.refused(answer, call);
        self.caller
            .send_renewing(&self.tokens, self, request, call, refused)
            .await
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        let request = self.caller.request(Method::GET, self.url(path, query));
        let answer = self.exchange(request, Call::Repeatable).await?;
        self.caller.decode(&answer, Call::Repeatable)
    }

    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)], call: Call) -> Result<Answer> {
        let request = self.caller.request(Method::POST, self.url(path, &[]));
        self.exchange(form(request, fields), call).await
    }

    /// [Errors](https://developers.facebook.com/docs/graph-api/guides/error-handling) have a code that says more than the
    /// status.
    fn refused(&self, answer: &Answer, call: Call) -> Error {
        let problem: wire::Problem = serde_json::from_slice(answer.bytes()).unwrap_or_default();
        let message = self
            .caller
            .message_of(answer, |problem: wire::Problem| problem.error.message);
        let report = self.caller.report(answer, &message);
        match (problem.error.code, problem.error.error_subcode) {
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
            _ if call == Call::Publish && (answer.status >= 500 || problem.error.is_transient) => {
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
        let url = self.url("/refresh_access_token", &[("grant_type", "th_refresh_token")]);
        let request = self
            .caller
            .request(Method::GET, url)
            .bearer_auth(current.access.expose());
        let answer = self.caller.send(request, Call::Repeatable).await?;
        if !answer.is_success() {
            return Err(match self.refused(&answer, Call::Repeatable) {
                // A token that has ended, or of less than 24 hours, is renewed by nobody.
                Error::Rejected { report, .. } | Error::Forbidden { report } => Error::Unauthenticated { report },
                error => error,
            });
        }
        let token: wire::Token = self.caller.decode(&answer, Call::Repeatable)?;
        let mut fresh = TokenSet::new(token.access_token);
        let now = self.caller.clock.now_ms();
        fresh.expires_at_ms = token
            .expires_in
            .map(|seconds| now.saturating_add(seconds.saturating_mul(1_000)));
        Ok(fresh)
    }
}

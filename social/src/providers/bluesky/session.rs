//! Calls with a session that is renewed and kept ([XRPC](https://atproto.com/specs/xrpc)).

use std::sync::PoisonError;

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder, Url};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Bluesky, NETWORK, wire};
use crate::{
    Error, Result, TokenSet, host,
    http::{Answer, Call, config},
    tokens::Refresh,
};

/// What [`Error::Rejected`] names when a record is not there.
pub(super) const NOT_FOUND: &str = "rkey";

/// What it names when a record is there that must not be.
pub(super) const EXISTS: &str = "swapRecord";

/// Puts the body into a request. Not generic: a Worker pays for every copy of a call.
pub(super) type Body<'a> = &'a (dyn Fn(RequestBuilder) -> RequestBuilder + Send + Sync);

/// Whose session it is, and where the repository is.
#[derive(Clone)]
pub(super) struct Who {
    pub(super) did: String,
    pds: Url,
}

impl Bluesky {
    pub(super) async fn who(&self) -> Result<Who> {
        let known = || self.who.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(who) = known() {
            return Ok(who);
        }
        let session: wire::Session = self.get("com.atproto.server.getSession", &[]).await?;
        self.learn(&session)
    }

    pub(super) fn learn(&self, session: &wire::Session) -> Result<Who> {
        let pds = match session.did_doc.as_ref().and_then(wire::DidDoc::pds) {
            Some(url) => host::check_server(url, self.reach)
                .map_err(|reason| config(NETWORK, format!("the address of the account's repository {reason}")))?,
            None => self.service.clone(),
        };
        let who = Who {
            did: session.did.clone(),
            pds,
        };
        *self.who.write().unwrap_or_else(PoisonError::into_inner) = Some(who.clone());
        Ok(who)
    }

    fn url(&self, method: &str, query: &[(&str, &str)]) -> Url {
        let who = self.who.read().unwrap_or_else(PoisonError::into_inner);
        let mut url = who.as_ref().map_or(&self.service, |who| &who.pds).clone();
        url.set_path(&format!("/xrpc/{method}"));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Makes one call. A session that the server refuses is renewed once; the refused call did nothing.
    pub(super) async fn call(
        &self,
        method: Method,
        name: &str,
        query: &[(&str, &str)],
        call: Call,
        body: Body<'_>,
    ) -> Result<Answer> {
        let mut refused = None;
        loop {
            let token = self.tokens.access(refused.as_ref(), self).await?.access;
            self.caller.hide(token.expose());
            let request = self
                .caller
                .request(method.clone(), self.url(name, query))
                .bearer_auth(token.expose());
            let answer = self.caller.send(body(request), call).await?;
            if answer.is_success() {
                return Ok(answer);
            }
            let error = self.refused(&answer, call);
            match error {
                Error::Unauthenticated { .. } if refused.is_none() => refused = Some(token),
                error => return Err(error),
            }
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, name: &str, query: &[(&str, &str)]) -> Result<T> {
        let answer = self
            .call(Method::GET, name, query, Call::Repeatable, &|request| request)
            .await?;
        self.caller.decode(&answer, Call::Repeatable)
    }

    pub(super) async fn post_json(&self, name: &str, body: &Value, call: Call) -> Result<Answer> {
        let text = body.to_string();
        let body = |request: RequestBuilder| request.header("content-type", "application/json").body(text.clone());
        self.call(Method::POST, name, &[], call, &body).await
    }

    fn refused(&self, answer: &Answer, call: Call) -> Error {
        let problem: wire::Problem = serde_json::from_slice(answer.bytes()).unwrap_or_default();
        let message = self.caller.message_of(answer, |problem: wire::Problem| {
            [problem.error, problem.message].join(" ").trim().to_owned()
        });
        let report = self.caller.report(answer, &message);
        let rejected = |field: &str| Error::Rejected {
            report: report.clone(),
            field: Some(field.to_owned()),
        };
        match (answer.status, problem.error.as_str()) {
            (400 | 401, "ExpiredToken" | "InvalidToken" | "AuthMissing" | "AuthFactorTokenRequired") => {
                Error::Unauthenticated { report }
            }
            (400..=403, "AccountTakedown" | "AccountDeactivated" | "AccountSuspended") => {
                Error::PauseAccount { report }
            }
            (400 | 404, "RecordNotFound") => rejected(NOT_FOUND),
            (400, "InvalidSwap") => rejected(EXISTS),
            (400 | 413, "BlobTooLarge" | "PayloadTooLarge") | (413, _) => rejected("media"),
            _ => self.caller.standard(answer, call, &message),
        }
    }

    /// Signs in or renews, at the server the account signs in at.
    async fn session(&self, name: &str, body: Body<'_>) -> Result<TokenSet> {
        let mut url = self.service.clone();
        url.set_path(&format!("/xrpc/{name}"));
        let answer = self
            .caller
            .send(body(self.caller.request(Method::POST, url)), Call::Repeatable)
            .await?;
        if !answer.is_success() {
            return Err(self.refused(&answer, Call::Repeatable));
        }
        let session: wire::Session = self.caller.decode(&answer, Call::Repeatable)?;
        self.learn(&session)?;
        Ok(TokenSet::new(session.access).refresh(session.refresh))
    }
}

#[async_trait]
impl Refresh for Bluesky {
    /// [Renews](https://docs.bsky.app/docs/api/com-atproto-server-refresh-session) the session; one that cannot be
    /// renewed is made anew. A renewal whose answer was lost may be repeated within two hours.
    async fn refresh(&self, current: Option<&TokenSet>) -> Result<TokenSet> {
        if let Some(token) = current.and_then(|current| current.refresh.as_ref()) {
            self.caller.hide(token.expose());
            let renewed = self
                .session("com.atproto.server.refreshSession", &|request| {
                    request.bearer_auth(token.expose())
                })
                .await;
            match renewed {
                Err(Error::Unauthenticated { .. }) => {}
                renewed => return renewed,
            }
        }
        let body = json!({"identifier": self.identifier, "password": self.password.expose()}).to_string();
        self.session("com.atproto.server.createSession", &|request| {
            request.header("content-type", "application/json").body(body.clone())
        })
        .await
    }
}

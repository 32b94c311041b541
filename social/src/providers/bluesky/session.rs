//! Calls with a session that is renewed and kept ([XRPC](https://atproto.com/specs/xrpc)).

use std::sync::PoisonError;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Bluesky, NETWORK};
use crate::{
    Error, Result, TokenSet, host,
    http::{Answer, Call, Pending, Request, address, config, list, text},
    tokens::Refresh,
};

/// What [`Error::Rejected`] names when a record is not there.
pub(super) const NOT_FOUND: &str = "rkey";

/// What it names when a record is there that must not be.
pub(super) const EXISTS: &str = "swapRecord";

/// Whose session it is, and where the repository is.
#[derive(Clone)]
pub(super) struct Who {
    pub(super) did: String,
    pds: String,
}

impl Bluesky {
    pub(super) async fn who(&self) -> Result<Who> {
        let known = || self.who.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(who) = known() {
            return Ok(who);
        }
        let session = self.get("com.atproto.server.getSession", &[], &["/did"]).await?;
        self.learn(&session)
    }

    /// What creating, renewing and looking at a session have in common.
    pub(super) fn learn(&self, session: &Value) -> Result<Who> {
        // <https://atproto.com/specs/did#did-documents>
        let services = list(&session["didDoc"]["service"]);
        let is_pds = |service: &&Value| service["id"].as_str().is_some_and(|id| id.ends_with("#atproto_pds"));
        let pds = services.iter().find(is_pds);
        let pds = match pds.and_then(|pds| pds["serviceEndpoint"].as_str()) {
            Some(url) => {
                let checked = host::check_server(url, self.reach)
                    .map_err(|reason| config(NETWORK, format!("the address of the account's repository {reason}")))?;
                checked.url
            }
            None => self.service.clone(),
        };
        let did = self.caller.redact(&text(session, "did"));
        let who = Who { did, pds };
        *self.who.write().unwrap_or_else(PoisonError::into_inner) = Some(who.clone());
        Ok(who)
    }

    /// Without a body it is a question.
    fn request(&self, name: &str, query: &[(&str, &str)], body: Option<&(&str, Bytes)>) -> Request {
        let who = self.who.read().unwrap_or_else(PoisonError::into_inner);
        let server = who.as_ref().map_or(&self.service, |who| &who.pds);
        let url = address(server, &format!("/xrpc/{name}"), query);
        match body {
            Some((kind, bytes)) => Request::new("POST", url).body(kind, bytes.clone()),
            None => Request::new("GET", url),
        }
    }

    /// Makes one call. A session that the server refuses is renewed once; the refused call did nothing.
    pub(super) fn call<'a>(
        &'a self,
        name: &'a str,
        query: &'a [(&'a str, &'a str)],
        body: Option<(&'a str, Bytes)>,
        call: Call,
    ) -> Pending<'a, Answer> {
        Box::pin(async move {
            let mut refused = None;
            loop {
                let tokens = self.tokens.access(refused.as_ref(), self).await?;
                self.caller.hide_tokens(&tokens);
                let token = tokens.access;
                let request = self.request(name, query, body.as_ref()).bearer(token.expose());
                let answer = self.caller.send(request, call).await?;
                if answer.is_success() {
                    return Ok(answer);
                }
                match self.refused(&answer, call) {
                    Error::Unauthenticated { .. } if refused.is_none() => refused = Some(token),
                    error => return Err(error),
                }
            }
        })
    }

    /// Asks; the answer has all that `needs` points at.
    pub(super) fn get<'a>(
        &'a self,
        name: &'a str,
        query: &'a [(&'a str, &'a str)],
        needs: &'a [&'a str],
    ) -> Pending<'a, Value> {
        Box::pin(async move {
            let answer = self.call(name, query, None, Call::Repeatable).await?;
            self.caller.decode(&answer, Call::Repeatable, needs)
        })
    }

    fn refused(&self, answer: &Answer, call: Call) -> Error {
        let problem = answer.json();
        let said = [text(&problem, "error"), text(&problem, "message")].join(" ");
        let message = self.caller.message_of(answer, said.trim().to_owned());
        let report = self.caller.report(answer, &message);
        let rejected = |field: &str| Error::Rejected {
            report: report.clone(),
            field: Some(field.to_owned()),
        };
        match (answer.status, problem["error"].as_str().unwrap_or_default()) {
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
    fn session(&self, request: Request) -> Pending<'_, TokenSet> {
        Box::pin(async move {
            let answer = self.caller.send(request, Call::Repeatable).await?;
            if !answer.is_success() {
                return Err(self.refused(&answer, Call::Repeatable));
            }
            let session = self.caller.decode_tokens(&answer, Call::Repeatable, &["/did"])?;
            self.learn(&session)?;
            Ok(TokenSet::new(text(&session, "accessJwt")).refresh(text(&session, "refreshJwt")))
        })
    }

    fn signing_in(&self, name: &str) -> Request {
        let url = address(&self.service, &format!("/xrpc/{name}"), &[]);
        Request::new("POST", url)
    }
}

#[async_trait]
impl Refresh for Bluesky {
    /// [Renews](https://docs.bsky.app/docs/api/com-atproto-server-refresh-session) the session; one that cannot be
    /// renewed is made anew. A renewal whose answer was lost may be repeated within two hours.
    async fn refresh(&self, current: Option<&TokenSet>) -> Result<TokenSet> {
        if let Some(token) = current.and_then(|current| current.refresh.as_ref()) {
            self.caller.hide(token.expose());
            let request = self.signing_in("com.atproto.server.refreshSession");
            match self.session(request.bearer(token.expose())).await {
                Err(Error::Unauthenticated { .. }) => {}
                renewed => return renewed,
            }
        }
        let body = json!({"identifier": self.identifier, "password": self.password.expose()});
        let request = self.signing_in("com.atproto.server.createSession");
        self.session(request.json(&body)).await
    }
}

//! Calls with a token that is renewed when the network refuses it.

use serde_json::Value;

use super::{Answer, Call, Caller, LATEST_SEND, Pending, Request, integer, optional, text};
use crate::{
    AccessToken, Error, TokenSet,
    tokens::{Refresh, Rotating},
};

/// An account whose token is renewed.
pub(crate) trait Renewing: Refresh {
    fn tokens(&self) -> &Rotating;

    /// What a status other than success means.
    fn refused(&self, answer: &Answer, call: Call) -> Error;
}

impl Caller {
    /// Makes one call with the account's token. A token that the network refuses is renewed once and the call made
    /// again; the refused call did nothing.
    pub(crate) fn send_renewing<'a>(
        &'a self,
        account: &'a dyn Renewing,
        request: Request,
        call: Call,
    ) -> Pending<'a, Answer> {
        Box::pin(async move {
            let mut dead = None;
            let began_ms = self.clock.now_ms();
            loop {
                let tokens = account.tokens().access(dead.as_ref(), account).await?;
                if call == Call::Publish {
                    self.in_time(began_ms, LATEST_SEND)?;
                }
                self.hide_tokens(&tokens);
                let token = tokens.access;
                let answer = self.send(request.clone().bearer(token.expose()), call).await?;
                if answer.is_success() {
                    return Ok(answer);
                }
                match account.refused(&answer, call) {
                    Error::Unauthenticated { .. } if dead.is_none() => dead = Some(token),
                    error => return Err(error),
                }
            }
        })
    }

    /// Asks what may be asked again; the answer has all that `needs` points at.
    pub(crate) fn ask<'a>(
        &'a self,
        account: &'a dyn Renewing,
        request: Request,
        needs: &'a [&'a str],
    ) -> Pending<'a, Value> {
        Box::pin(async move {
            let answer = self.send_renewing(account, request, Call::Repeatable).await?;
            self.decode(&answer, Call::Repeatable, needs)
        })
    }

    /// Asks a token endpoint for the next tokens
    /// ([RFC 6749, section 6](https://www.rfc-editor.org/rfc/rfc6749#section-6)).
    pub(crate) fn renew(&self, request: Request) -> Pending<'_, TokenSet> {
        Box::pin(async move {
            let answer = self.send(request, Call::Repeatable).await?;
            if answer.is_success() {
                return self.granted(&answer);
            }
            let problem = answer.json();
            let said = [text(&problem, "error"), text(&problem, "error_description")].join(" ");
            let message = self.message_of(&answer, said.trim().to_owned());
            // A spent refresh token is `invalid_request` at X, where the standard says `invalid_grant`.
            let dead = matches!(answer.status, 400 | 401);
            Err(match self.standard(&answer, Call::Repeatable, &message) {
                Error::Rejected { report, .. } if dead => Error::Unauthenticated { report },
                error => error,
            })
        })
    }

    /// The tokens of an answer.
    pub(crate) fn granted(&self, answer: &Answer) -> crate::Result<TokenSet> {
        let tokens = self.decode_tokens(answer, Call::Repeatable, &[])?;
        // An empty one is refused where tokens are kept.
        let mut fresh = TokenSet::new(text(&tokens, "access_token"));
        fresh.refresh = optional(&tokens, "refresh_token").map(AccessToken::new);
        let now = self.clock.now_ms();
        fresh.expires_at_ms =
            integer(&tokens, "expires_in").map(|seconds| now.saturating_add(seconds.saturating_mul(1_000)));
        Ok(fresh)
    }
}

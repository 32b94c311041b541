//! [Programmatic refresh tokens](https://learn.microsoft.com/en-us/linkedin/shared/authentication/programmatic-refresh-tokens).

use async_trait::async_trait;
use reqwest::Method;

use super::{LinkedIn, NETWORK, wire};
use crate::{
    AccessToken, Error, Report, Result, TokenSet,
    http::{Call, form},
    tokens::Refresh,
};

/// The application that tokens were given to.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: AccessToken,
}

#[async_trait]
impl Refresh for LinkedIn {
    async fn refresh(&self, current: Option<&TokenSet>) -> Result<TokenSet> {
        let refresh = current.and_then(|current| current.refresh.as_ref());
        let Some((client, refresh)) = self.client.as_ref().zip(refresh) else {
            return Err(Error::Unauthenticated {
                report: Report::new(NETWORK, "the access token has ended and there is no refresh token"),
            });
        };
        self.caller.hide(refresh.expose());
        let mut url = self.oauth.clone();
        url.set_path("/oauth/v2/accessToken");
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose()),
            ("client_id", &client.id),
            ("client_secret", client.secret.expose()),
        ];
        let request = form(self.caller.request(Method::POST, url), &fields);
        let answer = self.caller.send(request, Call::Repeatable).await?;
        if !answer.is_success() {
            let message = self.caller.message_of(&answer, |problem: wire::TokenProblem| {
                [problem.error, problem.error_description].join(" ").trim().to_owned()
            });
            return Err(match self.caller.standard(&answer, Call::Repeatable, &message) {
                // Ended after its year, revoked, or of another client.
                Error::Rejected { report, .. } => Error::Unauthenticated { report },
                error => error,
            });
        }
        let tokens: wire::Tokens = self.caller.decode(&answer, Call::Repeatable)?;
        let mut fresh = TokenSet::new(tokens.access_token);
        fresh.refresh = tokens.refresh_token.map(AccessToken::new);
        let now = self.caller.clock.now_ms();
        fresh.expires_at_ms = tokens
            .expires_in
            .map(|seconds| now.saturating_add(seconds.saturating_mul(1_000)));
        Ok(fresh)
    }
}

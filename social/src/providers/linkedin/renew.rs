//! [Programmatic refresh tokens](https://learn.microsoft.com/en-us/linkedin/shared/authentication/programmatic-refresh-tokens).

use async_trait::async_trait;

use super::{LinkedIn, NETWORK};
use crate::{
    AccessToken, Error, Report, Result, TokenSet,
    http::{Request, address},
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
        let url = address(&self.oauth, "/oauth/v2/accessToken", &[]);
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose()),
            ("client_id", &client.id),
            ("client_secret", client.secret.expose()),
        ];
        self.caller.renew(Request::new("POST", url).form(&fields)).await
    }
}

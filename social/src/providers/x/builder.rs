use std::{fmt, sync::Arc, sync::RwLock, time::Duration};

use super::{
    NETWORK, X,
    auth::{Auth, OAuth1},
    limits,
};
use crate::{
    AccessToken, Result, TokenSet, TokenStore, host,
    http::{Caller, Settings, common_settings, config},
    tokens::Rotating,
};

/// Where programs look for the client id of OAuth 2.0.
pub const ENV_CLIENT_ID: &str = "X_CLIENT_ID";
/// Where programs look for the client secret of OAuth 2.0; public clients have none.
pub const ENV_CLIENT_SECRET: &str = "X_CLIENT_SECRET";
/// Where programs look for the first refresh token of OAuth 2.0.
pub const ENV_REFRESH_TOKEN: &str = "X_REFRESH_TOKEN";
/// Where programs look for the API key (consumer key) of OAuth 1.0a.
pub const ENV_API_KEY: &str = "X_API_KEY";
/// Where programs look for the API key's secret (consumer secret) of OAuth 1.0a.
pub const ENV_API_KEY_SECRET: &str = "X_API_KEY_SECRET";
/// Where programs look for the access token, of either kind.
pub const ENV_ACCESS_TOKEN: &str = "X_ACCESS_TOKEN";
/// Where programs look for the access token's secret of OAuth 1.0a.
pub const ENV_ACCESS_TOKEN_SECRET: &str = "X_ACCESS_TOKEN_SECRET";

/// Settings of an [`X`] target. Either [`oauth1`](Self::oauth1) or [`oauth2`](Self::oauth2) is required.
#[derive(Clone)]
#[must_use]
pub struct XBuilder {
    handle: String,
    oauth1: Option<OAuth1>,
    oauth2: Option<(String, TokenSet)>,
    client_secret: Option<AccessToken>,
    store: Option<Arc<dyn TokenStore>>,
    base_url: String,
    premium: bool,
    max_cost: Option<u64>,
    settle: Duration,
    settings: Settings,
}

impl XBuilder {
    pub(super) fn new(handle: String) -> Self {
        Self {
            handle,
            oauth1: None,
            oauth2: None,
            client_secret: None,
            store: None,
            base_url: "https://api.x.com".to_owned(),
            premium: false,
            max_cost: None,
            settle: Duration::from_secs(120),
            settings: Settings::default(),
        }
    }

    /// Signs requests with the four keys of OAuth 1.0a, which do not end: API key and its secret, access token and its
    /// secret.
    pub fn oauth1(
        mut self,
        api_key: impl Into<String>,
        api_key_secret: impl Into<AccessToken>,
        access_token: impl Into<AccessToken>,
        access_token_secret: impl Into<AccessToken>,
    ) -> Self {
        self.oauth1 = Some(OAuth1 {
            consumer_key: api_key.into().trim().to_owned(),
            consumer_secret: api_key_secret.into(),
            token: access_token.into(),
            token_secret: access_token_secret.into(),
        });
        self
    }

    /// Uses tokens of OAuth 2.0. `first` is what the account was connected with; once the store has tokens of this
    /// account, they are used and `first` is not, because X spends a refresh token at each renewal. Needs a
    /// [`token_store`](Self::token_store).
    pub fn oauth2(mut self, client_id: impl Into<String>, first: TokenSet) -> Self {
        self.oauth2 = Some((client_id.into().trim().to_owned(), first));
        self
    }

    /// Sets the secret of a confidential client of OAuth 2.0.
    pub fn client_secret(mut self, secret: impl Into<AccessToken>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// Sets where renewed tokens are kept, under the account's name `x.com/@handle`.
    pub fn token_store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Says that the account has Premium: 25,000 units of text instead of 280.
    pub fn premium(mut self) -> Self {
        self.premium = true;
        self
    }

    /// Refuses posts that cost more than this many millionths of a US dollar, see [`X::cost_micro_usd`]. 15,000 refuses
    /// every post with a link.
    pub fn max_cost_micro_usd(mut self, max: u64) -> Self {
        self.max_cost = Some(max);
        self
    }

    /// Sets how long after its request a post may still be missing from the timeline; two minutes by default. The request
    /// is sent within 30 seconds after an attempt is armed, or not at all. Earlier than both together, [`reconcile`](crate::SocialTarget::reconcile) answers `Found` or a retryable error, never `Absent`.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Replaces `https://api.x.com`, for a proxy or a test.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    common_settings!();

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for a handle that is none, neither or both kinds of OAuth, an empty key or
    /// token, OAuth 2.0 without a store, a client secret or a store without OAuth 2.0, an address that is not that of a
    /// public server, and a timeout of zero.
    pub fn build(self) -> Result<X> {
        let bad = |message: &str| Err(config(NETWORK, message));
        let handle = self.handle.strip_prefix('@').unwrap_or(&self.handle).to_owned();
        // <https://help.x.com/en/managing-your-account/x-username-rules>
        if !(1..=15).contains(&handle.len()) || !handle.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return bad("the account is not a handle such as \"me\" or \"@me\"");
        }
        let base = host::check_server(&self.base_url, self.settings.reach)
            .map_err(|reason| config(NETWORK, format!("the base URL {reason}")))?;
        let account = format!("x.com/@{}", handle.to_ascii_lowercase());
        let caller = Caller::new(NETWORK, self.settings)?;
        let auth = match (self.oauth1, self.oauth2) {
            (Some(_), Some(_)) => return bad("both OAuth 1.0a and OAuth 2.0 are set"),
            (None, None) => return bad("neither OAuth 1.0a nor OAuth 2.0 is set"),
            (Some(keys), None) => {
                if self.client_secret.is_some() || self.store.is_some() {
                    return bad("a client secret and a token store belong to OAuth 2.0");
                }
                let secrets = [&keys.consumer_secret, &keys.token, &keys.token_secret];
                if keys.consumer_key.is_empty() || secrets.iter().any(|secret| secret.expose().is_empty()) {
                    return bad("one of the four keys of OAuth 1.0a is empty");
                }
                secrets.iter().for_each(|secret| caller.hide(secret.expose()));
                Auth::OAuth1(keys)
            }
            (None, Some((client_id, first))) => {
                let Some(store) = self.store else {
                    return bad("OAuth 2.0 needs a token store, or the renewed tokens end with the process");
                };
                if client_id.is_empty() || first.is_empty() {
                    return bad("the client id or a token of OAuth 2.0 is empty");
                }
                if let Some(secret) = &self.client_secret {
                    caller.hide(secret.expose());
                }
                let clock = caller.clock.clone();
                Auth::OAuth2 {
                    client_id,
                    client_secret: self.client_secret,
                    tokens: Box::new(Rotating::new(NETWORK, account.clone(), store, clock, Some(first))),
                }
            }
        };
        Ok(X {
            base: base.url,
            account,
            handle,
            auth,
            caller,
            settle: self.settle,
            // <https://docs.x.com/changelog>, August 2024.
            limits: limits(if self.premium { 25_000 } else { 280 }),
            max_cost: self.max_cost,
            user_id: RwLock::default(),
        })
    }
}

impl fmt::Debug for XBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XBuilder")
            .field("handle", &self.handle)
            .field("premium", &self.premium)
            .finish_non_exhaustive()
    }
}

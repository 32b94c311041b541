use std::{fmt, sync::Arc, time::Duration};

use super::{LinkedIn, NETWORK, renew::Client};
use crate::{
    AccessToken, MemoryTokens, Result, TokenSet, TokenStore, host,
    http::{Caller, Settings, carriable, common_settings, config},
    tokens::Rotating,
};

/// Where programs look for the access token.
pub const ENV_ACCESS_TOKEN: &str = "LINKEDIN_ACCESS_TOKEN";

/// A token is renewed this long before it ends: it lives for 60 days, and the old one stays good until then.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 24 * 60 * 60);

/// Settings of a [`LinkedIn`] target.
#[derive(Clone)]
#[must_use]
pub struct LinkedInBuilder {
    author: String,
    token: AccessToken,
    renewal: Option<(Client, AccessToken)>,
    store: Option<Arc<dyn TokenStore>>,
    version: String,
    base_url: String,
    oauth_url: String,
    settle: Duration,
    trust_refusals: bool,
    settings: Settings,
}

impl LinkedInBuilder {
    pub(super) fn new(author: String, token: AccessToken, version: String) -> Self {
        Self {
            author,
            token,
            renewal: None,
            store: None,
            version,
            base_url: "https://api.linkedin.com".to_owned(),
            oauth_url: "https://www.linkedin.com".to_owned(),
            settle: Duration::from_secs(60),
            trust_refusals: false,
            settings: Settings::default(),
        }
    }

    /// Lets a member's post be tried again when nothing is known of the first attempt: LinkedIn refuses the repeated text
    /// then and names the post it has. It does so for a while after the first one, and how long is not published. Without
    /// this, such a post goes to a person. Organisations do not need it.
    pub fn trust_duplicate_refusals(mut self) -> Self {
        self.trust_refusals = true;
        self
    }

    /// Renews the access token by a
    /// [programmatic refresh token](https://learn.microsoft.com/en-us/linkedin/shared/authentication/programmatic-refresh-tokens),
    /// which approved applications get. It ends 365 days after the member has signed in, and no renewal moves that; then a
    /// person connects the account again. Needs a [`token_store`](Self::token_store).
    pub fn refresh_token(
        mut self,
        client_id: impl Into<String>,
        client_secret: impl Into<AccessToken>,
        refresh_token: impl Into<AccessToken>,
    ) -> Self {
        let client = Client {
            id: client_id.into().trim().to_owned(),
            secret: client_secret.into(),
        };
        self.renewal = Some((client, refresh_token.into()));
        self
    }

    /// Sets where renewed tokens are kept, under the account's name `linkedin/urn:li:..`. Once it has tokens of this
    /// account, they are used and the builder's are not.
    pub fn token_store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Sets how long after its request LinkedIn may still be working on a post; one minute by default. The request is sent
    /// within 30 seconds after an attempt is armed, or not at all. Earlier than both together, [`reconcile`](crate::SocialTarget::reconcile) answers `Found` or a retryable error, never `Absent`.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Replaces `https://api.linkedin.com`, for a proxy or a test.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Replaces `https://www.linkedin.com`, where tokens are renewed, for a proxy or a test.
    pub fn oauth_url(mut self, url: impl Into<String>) -> Self {
        self.oauth_url = url.into();
        self
    }

    common_settings!();

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for an author that is no member or organisation, an empty token or one no
    /// header can carry, a version that is not `YYYYMM`, duplicate refusals for an organisation, an empty client or refresh
    /// token, one without a store or a store without one, an address that is not that of a public server, and a timeout of
    /// zero.
    pub fn build(self) -> Result<LinkedIn> {
        let bad = |message: &str| config(NETWORK, message);
        let id = ["urn:li:person:", "urn:li:organization:"]
            .iter()
            .find_map(|kind| self.author.strip_prefix(kind));
        let plain = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !id.is_some_and(plain) {
            return Err(bad("the author is neither urn:li:person:.. nor urn:li:organization:.."));
        }
        if self.token.expose().is_empty() {
            return Err(bad("the access token is empty"));
        }
        let month = self.version.get(4..).and_then(|month| month.parse::<u8>().ok());
        if self.version.len() != 6
            || !self.version.bytes().all(|b| b.is_ascii_digit())
            || !matches!(month, Some(1..=12))
        {
            return Err(bad("the version is not a year and a month such as \"202607\""));
        }
        if self.trust_refusals && !self.author.starts_with("urn:li:person:") {
            return Err(bad(
                "an organisation's posts can be read; trust_duplicate_refusals is for members",
            ));
        }
        let base = host::check_server(&self.base_url, self.settings.reach)
            .map_err(|reason| bad(&format!("the base URL {reason}")))?;
        if !carriable(self.token.expose()) {
            return Err(bad("the access token has characters that no header can carry"));
        }
        let oauth = host::check_server(&self.oauth_url, self.settings.reach)
            .map_err(|reason| bad(&format!("the OAuth URL {reason}")))?;
        let reach = self.settings.reach;
        let caller = Caller::new(NETWORK, self.settings)?;
        caller.hide(self.token.expose());
        let mut first = TokenSet::new(self.token);
        let (store, client) = match (self.store, self.renewal) {
            (Some(store), Some((client, refresh))) => {
                first.refresh = Some(refresh);
                if client.id.is_empty() || client.secret.expose().is_empty() || first.is_empty() {
                    return Err(bad("the client or the refresh token is empty"));
                }
                caller.hide(client.secret.expose());
                (store, Some(client))
            }
            (None, None) => (Arc::new(MemoryTokens::new()) as Arc<dyn TokenStore>, None),
            _ => return Err(bad("a refresh token and a token store need each other")),
        };
        let account = format!("linkedin/{}", self.author);
        let tokens = Rotating::new(NETWORK, account.clone(), store, caller.clock.clone(), Some(first));
        Ok(LinkedIn {
            base: base.url,
            oauth: oauth.url,
            reach,
            account,
            author: self.author,
            tokens: tokens.renewed_before(RENEW_BEFORE),
            client,
            version: self.version,
            settle: self.settle,
            trust_refusals: self.trust_refusals,
            caller,
        })
    }
}

impl fmt::Debug for LinkedInBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkedInBuilder")
            .field("author", &self.author)
            .field("token", &self.token)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

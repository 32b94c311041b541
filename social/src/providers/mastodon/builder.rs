use std::{sync::RwLock, time::Duration};

use super::{Learned, Mastodon, NETWORK, default_limits};
use crate::{
    AccessToken, Error, Result, host,
    http::{self, Caller, Settings, carriable, common_settings},
};

/// Settings of a [`Mastodon`] target.
#[derive(Clone)]
#[must_use]
pub struct MastodonBuilder {
    instance_url: String,
    token: AccessToken,
    account: Option<String>,
    settle: Duration,
    settings: Settings,
}

impl MastodonBuilder {
    pub(super) fn new(instance_url: String, token: AccessToken) -> Self {
        Self {
            instance_url,
            token,
            account: None,
            settle: Duration::from_secs(15),
            settings: Settings::default(),
        }
    }

    /// Names the account the token belongs to, `"me"` or `"@me"`. Required: ledgers store it, and
    /// [`check`](crate::SocialTarget::check) refuses a token of another account.
    pub fn account(mut self, name: impl Into<String>) -> Self {
        self.account = Some(name.into());
        self
    }

    common_settings!();

    /// Sets how long after an attempt the server may still be working on it; 15 seconds by default. Earlier than
    /// that, [`reconcile`](crate::SocialTarget::reconcile) answers `Found` or a retryable error, never `Absent`.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`] for an address that is not the bare `https` address of a public server (see
    /// [`allow_private_hosts`](Self::allow_private_hosts)), an empty token or one no header can carry, a missing or malformed account, and a
    /// timeout of zero.
    pub fn build(self) -> Result<Mastodon> {
        let base = host::check_server(&self.instance_url, self.settings.reach)
            .map_err(|reason| config(&format!("the instance address {reason}")))?;
        let account = self.account.ok_or_else(|| config("the account is missing"))?;
        let username = account.strip_prefix('@').unwrap_or(&account).to_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if username.is_empty() || !username.chars().all(plain) {
            return Err(config("the account is not a user name such as \"me\" or \"@me\""));
        }
        if self.token.expose().is_empty() {
            return Err(config("the access token is empty"));
        }
        if !carriable(self.token.expose()) {
            return Err(config("the access token has characters that no header can carry"));
        }
        let caller = Caller::new(NETWORK, self.settings)?;
        caller.hide(self.token.expose());
        Ok(Mastodon {
            account: format!("{}/@{username}", base.authority()),
            base: base.url,
            username,
            token: self.token,
            caller,
            settle: self.settle,
            learned: RwLock::new(Learned {
                limits: default_limits(),
                account_id: None,
            }),
        })
    }
}

impl std::fmt::Debug for MastodonBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MastodonBuilder")
            .field("account", &self.account)
            .field("token", &self.token)
            .field("settle", &self.settle)
            .finish_non_exhaustive()
    }
}

fn config(message: &str) -> Error {
    http::config(NETWORK, message)
}

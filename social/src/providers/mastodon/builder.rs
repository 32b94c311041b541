use std::{
    net::IpAddr,
    sync::{Arc, RwLock},
    time::Duration,
};

use reqwest::{Url, header::HeaderValue};

use super::{Learned, Mastodon, NETWORK, default_limits};
use crate::{AccessToken, Clock, Error, Report, Result, SystemClock, platform};

/// Settings of a [`Mastodon`] target.
#[derive(Clone)]
#[must_use]
pub struct MastodonBuilder {
    instance_url: String,
    token: AccessToken,
    account: Option<String>,
    timeout: Duration,
    settle: Duration,
    clock: Arc<dyn Clock>,
}

impl MastodonBuilder {
    pub(super) fn new(instance_url: String, token: AccessToken) -> Self {
        Self {
            instance_url,
            token,
            account: None,
            timeout: Duration::from_secs(30),
            settle: Duration::from_secs(15),
            clock: Arc::new(SystemClock),
        }
    }

    /// Names the account the token belongs to, `"me"` or `"@me"`. Required: ledgers store it, and
    /// [`check`](crate::SocialTarget::check) refuses a token of another account.
    pub fn account(mut self, name: impl Into<String>) -> Self {
        self.account = Some(name.into());
        self
    }

    /// Sets how long one exchange may take; 30 seconds by default. A publish that takes longer is unknown.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long after an attempt the server may still be working on it; 15 seconds by default. Earlier than
    /// that, [`reconcile`](crate::SocialTarget::reconcile) answers `Found` or a retryable error, never `Absent`.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Replaces the machine's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`] for an address that is not the bare `https` address of a server (`http` is taken for
    /// loopback hosts alone), an empty token or one no header can carry, a missing or malformed account, and a
    /// timeout of zero.
    pub fn build(self) -> Result<Mastodon> {
        let base = base_url(&self.instance_url)?;
        let account = self.account.ok_or_else(|| config("the account is missing"))?;
        let username = account.strip_prefix('@').unwrap_or(&account).to_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if username.is_empty() || !username.chars().all(plain) {
            return Err(config("the account is not a user name such as \"me\" or \"@me\""));
        }
        if self.token.expose().is_empty() {
            return Err(config("the access token is empty"));
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.token.expose()))
            .map_err(|_| config("the access token has characters that no header can carry"))?;
        bearer.set_sensitive(true);
        if self.timeout.is_zero() {
            return Err(config("the timeout is zero"));
        }
        let client = platform::http_client().map_err(|error| config(&error.to_string()))?;
        let host = match base.port() {
            Some(port) => format!("{}:{port}", base.host_str().unwrap_or_default()),
            None => base.host_str().unwrap_or_default().to_owned(),
        };
        Ok(Mastodon {
            account: format!("{host}/@{username}"),
            base,
            username,
            token: self.token,
            bearer,
            client,
            clock: self.clock,
            timeout: self.timeout,
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
            .field("timeout", &self.timeout)
            .field("settle", &self.settle)
            .finish_non_exhaustive()
    }
}

fn base_url(text: &str) -> Result<Url> {
    let url = Url::parse(text).map_err(|_| config("the instance address is no absolute URL"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err(config("the instance address must begin with https://"));
    }
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !bare {
        return Err(config(
            "the instance address must name the server alone, such as https://mastodon.example",
        ));
    }
    Ok(url)
}

fn config(message: &str) -> Error {
    Error::Config {
        report: Report::new(NETWORK, message),
    }
}

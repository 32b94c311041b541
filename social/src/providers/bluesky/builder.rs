use std::{fmt, sync::Arc, sync::RwLock};

use super::{Bluesky, NETWORK};
use crate::{
    AccessToken, MemoryTokens, Result, TokenStore, host,
    http::{Caller, Settings, common_settings, config},
    tokens::Rotating,
};

/// Where programs look for the app password.
pub const ENV_APP_PASSWORD: &str = "BLUESKY_APP_PASSWORD";

/// Settings of a [`Bluesky`] target.
#[derive(Clone)]
#[must_use]
pub struct BlueskyBuilder {
    handle: String,
    password: AccessToken,
    service: String,
    store: Arc<dyn TokenStore>,
    settings: Settings,
}

impl BlueskyBuilder {
    pub(super) fn new(handle: String, password: AccessToken) -> Self {
        Self {
            handle,
            password,
            service: "https://bsky.social".to_owned(),
            store: Arc::new(MemoryTokens::new()),
            settings: Settings::default(),
        }
    }

    /// Sets the server the account signs in at; `https://bsky.social` by default. Its repository may be at another one,
    /// which the server names and which is held against the same rules.
    pub fn service(mut self, url: impl Into<String>) -> Self {
        self.service = url.into();
        self
    }

    /// Sets where sessions are kept, under the account's name `bsky.app/@handle`. Without it each process signs in again,
    /// and the server allows that some hundred times a day.
    pub fn token_store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.store = store;
        self
    }

    common_settings!();

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for a handle that is none, an empty password, an address that is not that
    /// of a public server, and a timeout of zero.
    pub fn build(self) -> Result<Bluesky> {
        let handle = self.handle.trim().trim_start_matches('@').to_ascii_lowercase();
        let domain =
            |text: &str| text.contains('.') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
        let did = |text: &str| text.starts_with("did:") && text.bytes().all(|b| b.is_ascii_graphic());
        if !domain(&handle) && !did(&handle) {
            return Err(config(
                NETWORK,
                "the account is not a handle such as \"alice.bsky.social\"",
            ));
        }
        if self.password.expose().is_empty() {
            return Err(config(NETWORK, "the app password is empty"));
        }
        let reach = self.settings.reach;
        let service = host::check_server(&self.service, reach)
            .map_err(|reason| config(NETWORK, format!("the service address {reason}")))?;
        let caller = Caller::new(NETWORK, self.settings)?;
        caller.hide(self.password.expose());
        let account = format!("bsky.app/@{handle}");
        Ok(Bluesky {
            service: service.url,
            identifier: handle,
            password: self.password,
            tokens: Rotating::new(NETWORK, account.clone(), self.store, caller.clock.clone(), None),
            account,
            caller,
            reach,
            who: RwLock::default(),
        })
    }
}

impl fmt::Debug for BlueskyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlueskyBuilder")
            .field("handle", &self.handle)
            .field("password", &self.password)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

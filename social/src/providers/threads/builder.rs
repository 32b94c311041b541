use std::{fmt, sync::Arc, sync::RwLock, time::Duration};

use super::{NETWORK, Threads};
use crate::{
    Result, TokenSet, TokenStore, host,
    http::{Caller, Settings, common_settings, config},
    tokens::Rotating,
};

/// Where programs look for the first long-lived token.
pub const ENV_ACCESS_TOKEN: &str = "THREADS_ACCESS_TOKEN";

/// A token is renewed this long before it ends: it lives for 60 days, and one that has ended cannot be renewed.
const RENEW_BEFORE: Duration = Duration::from_secs(20 * 24 * 60 * 60);

/// Settings of a [`Threads`] target.
#[derive(Clone)]
#[must_use]
pub struct ThreadsBuilder {
    handle: String,
    tokens: TokenSet,
    store: Option<Arc<dyn TokenStore>>,
    base_url: String,
    settle: Duration,
    settings: Settings,
}

impl ThreadsBuilder {
    pub(super) fn new(handle: String, tokens: TokenSet) -> Self {
        Self {
            handle,
            tokens,
            store: None,
            base_url: "https://graph.threads.net".to_owned(),
            settle: Duration::from_secs(60),
            settings: Settings::default(),
        }
    }

    /// Sets where renewed tokens are kept, under the account's name `threads.com/@handle`. Needed with a token whose end
    /// is known ([`TokenSet::expires_at_ms`]): it is renewed from the twentieth day before on. A token whose end is not
    /// known is used as it is, and ends.
    pub fn token_store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Sets how long after its request Threads may still be working on a post; one minute by default. The request is sent
    /// within 90 seconds after an attempt is armed, 5.5 minutes with media, or not at all. Earlier than both together, [`reconcile`](crate::SocialTarget::reconcile) answers `Found` or a retryable error, never `Absent`.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Replaces `https://graph.threads.net`, for a proxy or a test.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    common_settings!();

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for a handle that is none, an empty token, a token that ends without a
    /// store for its successor, an address that is not that of a public server, and a timeout of zero.
    pub fn build(self) -> Result<Threads> {
        let handle = self
            .handle
            .strip_prefix('@')
            .unwrap_or(&self.handle)
            .to_ascii_lowercase();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._".contains(&b);
        if !(1..=30).contains(&handle.len()) || !handle.bytes().all(plain) {
            return Err(config(NETWORK, "the account is not a handle such as \"me\" or \"@me\""));
        }
        if self.tokens.is_empty() {
            return Err(config(NETWORK, "the access token is empty"));
        }
        let store = match (self.store, self.tokens.expires_at_ms) {
            (Some(store), _) => store,
            (None, None) => Arc::new(crate::MemoryTokens::new()),
            (None, Some(_)) => {
                return Err(config(
                    NETWORK,
                    "a token that ends needs a token store, or its successor ends with the process",
                ));
            }
        };
        let base = host::check_server(&self.base_url, self.settings.reach)
            .map_err(|reason| config(NETWORK, format!("the base URL {reason}")))?;
        let caller = Caller::new(NETWORK, self.settings)?;
        let account = format!("threads.com/@{handle}");
        let tokens = Rotating::new(NETWORK, account.clone(), store, caller.clock.clone(), Some(self.tokens));
        Ok(Threads {
            base: base.url,
            account,
            handle,
            caller,
            tokens: tokens.renewed_before(RENEW_BEFORE),
            settle: self.settle,
            user_id: RwLock::default(),
            unpublished: Default::default(),
        })
    }
}

impl fmt::Debug for ThreadsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadsBuilder")
            .field("handle", &self.handle)
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}

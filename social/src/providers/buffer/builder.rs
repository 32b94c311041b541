use std::{fmt, sync::RwLock, time::Duration};

use super::{Buffer, Mode, NETWORK, Service};
use crate::{
    AccessToken, Result, host,
    http::{Caller, Settings, carriable, common_settings, config},
};

/// Where programs look for the API key.
pub const ENV_API_KEY: &str = "BUFFER_API_KEY";

/// Settings of a [`Buffer`] target.
#[derive(Clone)]
#[must_use]
pub struct BufferBuilder {
    key: AccessToken,
    channel: String,
    service: Service,
    mode: Mode,
    draft: bool,
    base_url: String,
    settle: Duration,
    settings: Settings,
}

impl BufferBuilder {
    pub(super) fn new(key: AccessToken, channel: String, service: Service) -> Self {
        Self {
            key,
            channel,
            service,
            mode: Mode::Now,
            draft: false,
            base_url: "https://api.buffer.com".to_owned(),
            settle: Duration::from_secs(15),
            settings: Settings::default(),
        }
    }

    /// Sets when Buffer sends posts; [`Mode::Now`] by default.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Keeps posts as drafts, which a person sends. Needs [`Mode::Queue`] or [`Mode::At`].
    pub fn draft(mut self) -> Self {
        self.draft = true;
        self
    }

    /// Sets how long after an attempt Buffer may still be working on it; 15 seconds by default. Earlier than that,
    /// [`reconcile`](crate::SocialTarget::reconcile) answers `Found` or a retryable error, never `Absent`.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Replaces `https://api.buffer.com`, for a proxy or a test.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    common_settings!();

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for an empty key or one no header can carry, a channel that is no id, drafts
    /// that are to be sent at once, an address that is not that of a public server, and a timeout of zero.
    pub fn build(self) -> Result<Buffer> {
        let bad = |message: &str| Err(config(NETWORK, message));
        if self.key.expose().is_empty() {
            return bad("the API key is empty");
        }
        if self.channel.is_empty()
            || !self
                .channel
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        {
            return bad("the channel is not an id such as \"65a5ca0bd1b4e0b0c3a1e2f3\"");
        }
        if self.draft && self.mode == Mode::Now {
            return bad("a draft is not sent at once; expected another mode");
        }
        let url = host::check_server(&self.base_url, self.settings.reach)
            .map_err(|reason| config(NETWORK, format!("the base URL {reason}")))?;
        if !carriable(self.key.expose()) {
            return bad("the API key has characters that no header can carry");
        }
        let caller = Caller::new(NETWORK, self.settings)?;
        caller.hide(self.key.expose());
        Ok(Buffer {
            url: url.url,
            key: self.key,
            account: format!("buffer/{}", self.channel),
            channel: self.channel,
            service: self.service,
            mode: self.mode,
            draft: self.draft,
            settle: self.settle,
            caller,
            organization: RwLock::default(),
        })
    }
}

impl fmt::Debug for BufferBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferBuilder")
            .field("key", &self.key)
            .field("channel", &self.channel)
            .field("service", &self.service)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

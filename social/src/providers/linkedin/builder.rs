use std::{fmt, time::Duration};

use reqwest::header::HeaderValue;

use super::{LinkedIn, NETWORK};
use crate::{
    AccessToken, Result, host,
    http::{Caller, Settings, common_settings, config},
};

/// Where programs look for the access token.
pub const ENV_ACCESS_TOKEN: &str = "LINKEDIN_ACCESS_TOKEN";

/// Settings of a [`LinkedIn`] target.
#[derive(Clone)]
#[must_use]
pub struct LinkedInBuilder {
    author: String,
    token: AccessToken,
    version: String,
    base_url: String,
    settle: Duration,
    trust_refusals: bool,
    settings: Settings,
}

impl LinkedInBuilder {
    pub(super) fn new(author: String, token: AccessToken, version: String) -> Self {
        Self {
            author,
            token,
            version,
            base_url: "https://api.linkedin.com".to_owned(),
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

    /// Sets how long after an attempt LinkedIn may still be working on it; one minute by default. Earlier than that,
    /// [`reconcile`](crate::SocialTarget::reconcile) answers `Found` or a retryable error, never `Absent`.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Replaces `https://api.linkedin.com`, for a proxy or a test.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    common_settings!();

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for an author that is no member or organisation, an empty token or one no
    /// header can carry, a version that is not `YYYYMM`, duplicate refusals for an organisation, an address that is not
    /// that of a public server, and a timeout of zero.
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
        let header = |text: &str, what: &str| {
            HeaderValue::from_str(text).map_err(|_| bad(&format!("the {what} has characters that no header can carry")))
        };
        let mut bearer = header(&format!("Bearer {}", self.token.expose()), "access token")?;
        bearer.set_sensitive(true);
        let reach = self.settings.reach;
        let caller = Caller::new(NETWORK, self.settings)?;
        caller.hide(self.token.expose());
        Ok(LinkedIn {
            base,
            reach,
            account: format!("linkedin/{}", self.author),
            author: self.author,
            bearer,
            version: header(&self.version, "version")?,
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

//! [LinkedIn](https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/posts-api), by its Posts
//! API, as a member or an organisation.
//!
//! The token needs `w_member_social` (and `openid profile` to be checked) or `w_organization_social` (and
//! `r_organization_social` to be checked and to reconcile). It ends after 60 days, and approved
//! applications renew it, see [`LinkedInBuilder::refresh_token`].

mod builder;
mod calls;
mod reconcile;
mod renew;
mod wire;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use serde_json::json;

use crate::{
    Account, Attempt, Certainty, Counter, Limits, Media, MediaLimits, Post, Published, Reconciled, Result,
    SocialTarget, UploadedMedia, Visibility, host,
    http::{Call, Caller, Request, config, optional, text},
    tokens::Rotating,
};
pub use builder::{ENV_ACCESS_TOKEN, LinkedInBuilder};

const NETWORK: &str = "linkedin";

/// A member or an organisation on LinkedIn.
///
/// LinkedIn knows no idempotency keys. It refuses a text that the author has posted lately, and names the post it has:
/// [`Error::Duplicate`](crate::Error::Duplicate) with an id. An organisation's posts can be read, so
/// [`reconcile`](SocialTarget::reconcile) looks for the text; those of a member cannot.
pub struct LinkedIn {
    base: String,
    oauth: String,
    reach: host::Reach,
    author: String,
    account: String,
    tokens: Rotating,
    client: Option<renew::Client>,
    version: String,
    settle: Duration,
    trust_refusals: bool,
    caller: Caller,
}

impl LinkedIn {
    /// Starts with the author, `urn:li:person:..` or `urn:li:organization:..`, an access token and the version of the
    /// API as `YYYYMM`; see [`LinkedInBuilder`].
    pub fn builder(
        author: impl Into<String>,
        token: impl Into<crate::AccessToken>,
        api_version: impl Into<String>,
    ) -> LinkedInBuilder {
        LinkedInBuilder::new(author.into(), token.into(), api_version.into())
    }

    fn is_member(&self) -> bool {
        self.author.starts_with("urn:li:person:")
    }
}

#[async_trait]
impl SocialTarget for LinkedIn {
    fn network(&self) -> &str {
        NETWORK
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::text(NETWORK, Counter::LinkedIn, 3_000);
        limits.media = MediaLimits {
            max_count: 20,
            max_bytes: 10 * 1024 * 1024,
            max_video_bytes: 0,
            max_alt: 4_086,
            content_types: ["image/png", "image/jpeg", "image/gif"].map(str::to_owned).into(),
        };
        limits.visibility = vec![Visibility::Public];
        limits.cards = true;
        limits.refuses_repeats = true;
        limits.reconcile = if self.is_member() {
            Certainty::Never
        } else {
            Certainty::Likely
        };
        limits
    }

    async fn check(&self) -> Result<Account> {
        let id = self.author.rsplit(':').next().unwrap_or_default();
        if self.is_member() {
            let member = self.get("/v2/userinfo", &[], &["/sub"]).await?;
            if member["sub"] != *id {
                let (sub, author) = (text(&member, "sub"), &self.author);
                let names = format!("the token belongs to urn:li:person:{sub}, the configuration names {author}");
                return Err(config(NETWORK, names));
            }
            return Ok(Account::new(self.author.clone(), text(&member, "name"), None));
        }
        let path = format!("/rest/organizations/{id}");
        let organization = self.get(&path, &[], &["/localizedName"]).await?;
        let url = optional(&organization, "vanityName").map(|name| format!("https://www.linkedin.com/company/{name}"));
        let name = text(&organization, "localizedName");
        Ok(Account::new(self.author.clone(), name, url))
    }

    async fn upload(&self, media: &Media) -> Result<UploadedMedia> {
        self.limits().check_media(media)?;
        let body = json!({"initializeUploadRequest": {"owner": self.author}});
        let request = self.request("POST", "/rest/images", &[("action", "initializeUpload")]);
        let answer = self.exchange(request.json(&body), Call::Repeatable).await?;
        let needs = ["/value/uploadUrl", "/value/image"];
        let slot = self.caller.decode(&answer, Call::Repeatable, &needs)?;
        let slot = &slot["value"];
        let url = host::check(&text(slot, "uploadUrl"), self.reach)
            .map_err(|reason| config(NETWORK, format!("the address to upload to {reason}")))?;
        let request = Request::new("PUT", url.url);
        let request = request.body(&media.content_type, media.bytes.clone());
        self.exchange(request, Call::Repeatable).await?;
        Ok(UploadedMedia::new(NETWORK, text(slot, "image"), media.alt.clone()))
    }

    async fn publish(&self, post: &Post) -> Result<Published> {
        self.limits().check(post)?;
        let body = wire::new_post(&self.author, post, &self.limits().shown_text(post))?;
        let request = self.request("POST", "/rest/posts", &[]).json(&body);
        let answer = self.exchange(request, Call::Publish).await?;
        match answer.header("x-restli-id").filter(|id| id.starts_with("urn:li:")) {
            Some(id) => Ok(receipt(&self.caller.redact(id))),
            None => Err(self
                .caller
                .unreadable(&answer, Call::Publish, "the answer names no post")),
        }
    }

    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
        self.look_up(attempt).await
    }
}

fn receipt(id: &str) -> Published {
    Published::new(id, Some(format!("https://www.linkedin.com/feed/update/{id}")))
}

impl fmt::Debug for LinkedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkedIn")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

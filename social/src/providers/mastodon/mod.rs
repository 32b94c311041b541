//! [Mastodon](https://docs.joinmastodon.org/methods/statuses/#create) and servers that speak its API.
//!
//! The token needs the scopes `write:statuses`, `write:media`, `profile` (`read:accounts` before Mastodon 4.3) and
//! `read:statuses`, the last to reconcile.

mod builder;
mod classify;
mod html;
mod reconcile;
mod wire;

use std::{
    fmt,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    Account, Attempt, Certainty, Counter, Error, Limits, Media, MediaLimits, Post, Published, Reconciled, Report,
    Result, SocialTarget, UploadedMedia, Visibility,
    http::{Answer, Call, Caller, File, Pending, Request, address, optional, percent_encoded, text},
};
pub use builder::MastodonBuilder;

const NETWORK: &str = "mastodon";

/// [`characters_reserved_per_url`](https://docs.joinmastodon.org/entities/Instance/) unless the instance differs.
const PER_URL: usize = 23;

/// How long the server remembers a key: one hour, bound to the key alone and not to the content
/// ([methods/statuses](https://docs.joinmastodon.org/methods/statuses/#headers)).
const KEY_WINDOW: Duration = Duration::from_secs(60 * 60);

/// An account on a Mastodon server.
///
/// [`check`](SocialTarget::check) learns the limits of the instance and keeps them; before it, `limits` are the
/// defaults of Mastodon. Call it once at start, and again after a day.
pub struct Mastodon {
    base: String,
    account: String,
    username: String,
    token: crate::AccessToken,
    caller: Caller,
    settle: Duration,
    learned: RwLock<Learned>,
}

struct Learned {
    limits: Limits,
    /// The id of the account, once the server said it.
    account_id: Option<String>,
}

impl Mastodon {
    /// Starts with the address of the server and a user token; see [`MastodonBuilder`].
    pub fn builder(instance_url: impl Into<String>, token: impl Into<crate::AccessToken>) -> MastodonBuilder {
        MastodonBuilder::new(instance_url.into(), token.into())
    }

    /// Replaces text, warning, language and uploads of a post by those of `post`; link, key, answered post and visibility
    /// are not changed by an [edit](https://docs.joinmastodon.org/methods/statuses/#edit). It may be repeated. Servers
    /// since Mastodon 3.5 know it.
    ///
    /// # Errors
    /// Those of [`publish`](SocialTarget::publish) that say that nothing was posted; [`Error::Unavailable`] when it is not
    /// known whether the edit arrived.
    pub async fn edit(&self, id: &str, post: &Post) -> Result<Published> {
        self.limits().check(post)?;
        let request = self.request("PUT", &status_path(id)?, &[]).json(&wire::edit(post));
        self.receipt(&self.exchange(request, Call::Repeatable).await?, Call::Repeatable)
    }

    /// Deletes a post. One that is not there is deleted already.
    ///
    /// # Errors
    /// Whatever says that it is still there, or may be.
    pub async fn delete(&self, id: &str) -> Result<()> {
        let request = self.request("DELETE", &status_path(id)?, &[]);
        match self.exchange(request, Call::Repeatable).await {
            Err(Error::Rejected { report, .. }) if report.status == Some(404) => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    fn request(&self, method: &'static str, path: &str, query: &[(&str, &str)]) -> Request {
        let request = Request::new(method, address(&self.base, path, query));
        request.bearer(self.token.expose())
    }

    fn exchange(&self, request: Request, call: Call) -> Pending<'_, Answer> {
        Box::pin(async move {
            let answer = self.caller.send(request, call).await?;
            if answer.is_success() {
                return Ok(answer);
            }
            Err(self.refused(&answer, call))
        })
    }

    fn get<'a>(&'a self, path: &'a str, query: &'a [(&'a str, &'a str)], needs: &'a [&'a str]) -> Pending<'a, Value> {
        Box::pin(async move {
            let answer = self
                .exchange(self.request("GET", path, query), Call::Repeatable)
                .await?;
            self.caller.decode(&answer, Call::Repeatable, needs)
        })
    }

    /// A spam filter may answer 200 without storing the status; without an id there is no receipt.
    fn receipt(&self, answer: &Answer, call: Call) -> Result<Published> {
        let status = self.caller.decode(answer, call, &["/id"])?;
        Ok(Published::new(text(&status, "id"), optional(&status, "url")))
    }

    /// The token's account.
    async fn credentials(&self) -> Result<Account> {
        let path = "/api/v1/accounts/verify_credentials";
        let credentials = self.get(path, &[], &["/id", "/username"]).await?;
        let (id, name) = (text(&credentials, "id"), text(&credentials, "username"));
        if !name.eq_ignore_ascii_case(&self.username) {
            let account = &self.account;
            let names = format!("the token belongs to @{name}, the configuration names {account}");
            return Err(crate::http::config(NETWORK, names));
        }
        self.learn(|learned| learned.account_id = Some(id.clone()));
        Ok(Account::new(id, name, optional(&credentials, "url")))
    }

    async fn account_id(&self) -> Result<String> {
        let known = self
            .learned
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .account_id
            .clone();
        match known {
            Some(id) => Ok(id),
            None => Ok(self.credentials().await?.id),
        }
    }

    fn learn(&self, write: impl FnOnce(&mut Learned)) {
        write(&mut self.learned.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until the server has processed an upload.
    async fn processed(&self, id: &str) -> Result<()> {
        let path = format!("/api/v1/media/{}", percent_encoded(id));
        for wait in wire::POLLS {
            self.caller.clock.sleep(wait).await;
            let request = self.request("GET", &path, &[]);
            // 206 while it is being processed, 200 when it is ready.
            if self.exchange(request, Call::Repeatable).await?.status != 206 {
                return Ok(());
            }
        }
        Err(Error::MediaNotReady {
            report: Report::new(NETWORK, "the server is still processing the upload after a minute"),
            retry_after: Some(Duration::from_secs(60)),
        })
    }
}

#[async_trait]
impl SocialTarget for Mastodon {
    fn network(&self) -> &str {
        NETWORK
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn limits(&self) -> Limits {
        self.learned
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .limits
            .clone()
    }

    async fn check(&self) -> Result<Account> {
        let account = self.credentials().await?;
        let instance = match self.get("/api/v2/instance", &[], &[]).await {
            // Servers without version 2 of this document answer 404.
            Err(Error::Rejected { report, .. }) if report.status == Some(404) => {
                self.get("/api/v1/instance", &[], &[]).await
            }
            instance => instance,
        }?;
        let mut limits = default_limits();
        wire::apply(&instance, &mut limits);
        self.learn(|learned| learned.limits = limits);
        Ok(account)
    }

    async fn upload(&self, media: &Media) -> Result<UploadedMedia> {
        self.limits().check_media(media)?;
        let about = media.alt.as_deref().map(|alt| ("description", alt));
        let (field, range) = ("file", 0..media.bytes.len());
        let request =
            self.request("POST", "/api/v2/media", &[])
                .multipart(NETWORK, about, &File { field, media, range })?;
        let answer = self.exchange(request, Call::Repeatable).await?;
        let attachment = self.caller.decode(&answer, Call::Repeatable, &["/id"])?;
        let id = text(&attachment, "id");
        if answer.status == 202 {
            self.processed(&id).await?;
        }
        Ok(UploadedMedia::new(NETWORK, id, media.alt.clone()))
    }

    async fn publish(&self, post: &Post) -> Result<Published> {
        self.limits().check(post)?;
        let mut request = self
            .request("POST", "/api/v1/statuses", &[])
            .json(&wire::new_status(post));
        if let Some(key) = &post.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        self.receipt(&self.exchange(request, Call::Publish).await?, Call::Publish)
    }

    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
        self.look_up(attempt).await
    }
}

/// Ids are opaque; one that would lead elsewhere is none.
fn status_path(id: &str) -> Result<String> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
        return Err(Error::Rejected {
            report: Report::new(NETWORK, "the id is none of a post"),
            field: Some("id".to_owned()),
        });
    }
    Ok(format!("/api/v1/statuses/{id}"))
}

impl fmt::Debug for Mastodon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mastodon")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// What Mastodon takes unless the instance says otherwise (<https://docs.joinmastodon.org/entities/Instance/>).
fn default_limits() -> Limits {
    let mut limits = Limits::text(NETWORK, Counter::Mastodon { per_url: PER_URL }, 500);
    limits.media = MediaLimits {
        max_count: 4,
        max_bytes: 16_777_216,
        max_video_bytes: 103_809_024,
        max_alt: 1_500,
        content_types: Vec::new(),
    };
    limits.language = true;
    limits.visibility = vec![
        Visibility::Public,
        Visibility::Unlisted,
        Visibility::Private,
        Visibility::Direct,
    ];
    limits.content_warning = true;
    limits.reply = true;
    limits.idempotency = Some(KEY_WINDOW);
    limits.reconcile = Certainty::Likely;
    limits
}

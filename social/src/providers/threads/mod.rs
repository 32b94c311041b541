//! [Threads](https://developers.facebook.com/docs/threads/posts): a container is made first, and then published.
//!
//! The token needs the scopes `threads_basic` and `threads_content_publish`. It ends after 60 days and is renewed in
//! time, see [`ThreadsBuilder::token_store`].

mod builder;
mod calls;
mod reconcile;
mod unpublished;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    Account, Attempt, Certainty, Counter, Error, Limits, Media, MediaLimits, Post, Published, Reconciled, Report,
    Result, SocialTarget, UploadedMedia,
    http::{Call, Caller, LATEST_SEND, config, optional, percent_encoded, text as field},
    text,
    tokens::Rotating,
};
pub use builder::{ENV_ACCESS_TOKEN, ThreadsBuilder};

const NETWORK: &str = "threads";

/// Most different links of one post
/// ([limits](https://developers.facebook.com/docs/threads/troubleshooting)).
const MAX_LINKS: usize = 5;

/// How long to wait before each look at the containers of a post with media: four minutes in all, once a minute at the end as the
/// documentation asks.
const LOOKS: [u64; 8] = [3, 7, 20, 30, 60, 60, 60, 60];

/// An account on Threads.
///
/// A post is made in two steps, and only the second shows it: when its answer is lost, the container says what became of
/// it.
pub struct Threads {
    base: String,
    account: String,
    handle: String,
    caller: Caller,
    tokens: Rotating,
    settle: Duration,
    user_id: RwLock<Option<String>>,
    unpublished: unpublished::Unpublished,
}

/// What of its allowance an account has used in the last 24 hours
/// ([limits](https://developers.facebook.com/docs/threads/overview)). Threads refuses a post past it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// Posts published by programs; a carousel is one.
    pub posts: Option<u64>,
    /// The most of them, 250 unless Threads says otherwise.
    pub max_posts: Option<u64>,
    /// Replies published by programs.
    pub replies: Option<u64>,
    /// The most of them, 1,000 unless Threads says otherwise.
    pub max_replies: Option<u64>,
}

impl Threads {
    /// Starts with the account's name, `"me"` or `"@me"`, and a long-lived token; see [`ThreadsBuilder`].
    pub fn builder(handle: impl Into<String>, tokens: crate::TokenSet) -> ThreadsBuilder {
        ThreadsBuilder::new(handle.into(), tokens)
    }

    /// Asks how much of the day's allowance is used. Replies need the scope `threads_manage_replies`.
    ///
    /// # Errors
    /// What any question may fail with.
    pub async fn quota(&self) -> Result<Quota> {
        let path = format!("/v1.0/{}/threads_publishing_limit", self.user_id().await?);
        let fields = "quota_usage,config,reply_quota_usage,reply_config";
        let asked = self.get(&path, &[("fields", fields)], &["/data"]).await?;
        // A list of one.
        let allowance = &asked["data"][0];
        Ok(Quota {
            posts: allowance["quota_usage"].as_u64(),
            max_posts: allowance["config"]["quota_total"].as_u64(),
            replies: allowance["reply_quota_usage"].as_u64(),
            max_replies: allowance["reply_config"]["quota_total"].as_u64(),
        })
    }

    /// The id and the name of the token's account.
    async fn me(&self) -> Result<(String, String)> {
        let user = self.get("/v1.0/me", &[("fields", "id,username")], &["/id"]).await?;
        let (id, name) = (percent_encoded(&field(&user, "id")), field(&user, "username"));
        if !name.eq_ignore_ascii_case(&self.handle) {
            let account = &self.account;
            let names = format!("the token belongs to @{name}, the configuration names {account}");
            return Err(config(NETWORK, names));
        }
        *self.user_id.write().unwrap_or_else(PoisonError::into_inner) = Some(id.clone());
        Ok((id, name))
    }

    async fn user_id(&self) -> Result<String> {
        let known = self.user_id.read().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(id) => Ok(id),
            None => Ok(self.me().await?.0),
        }
    }

    /// Makes what is published later. Nothing becomes visible by it, and it is gone after a day.
    async fn container(&self, user: &str, post: &Post) -> Result<String> {
        let path = format!("/v1.0/{user}/threads");
        let make = async |fields: Vec<(&str, &str)>| self.post(&path, &fields, Call::Repeatable).await;
        let text = post.full_text();
        let mut fields = vec![("text", text.as_str())];
        if let Some(parent) = &post.reply_to {
            fields.push(("reply_to_id", parent));
        }
        let image = |media: &'_ UploadedMedia| {
            let alt = media.alt.clone().unwrap_or_default();
            (media.id.clone(), alt)
        };
        let mut looks = LOOKS.into_iter();
        let images: Vec<(String, String)> = post.media.iter().map(image).collect();
        match &images[..] {
            [] => {
                fields.push(("media_type", "TEXT"));
                make(fields).await
            }
            [(url, alt)] => {
                fields.extend([("media_type", "IMAGE"), ("image_url", url), ("alt_text", alt)]);
                let id = make(fields).await?;
                self.finished(&id, &mut looks).await?;
                Ok(id)
            }
            many => {
                let mut children = Vec::new();
                for (url, alt) in many {
                    let child = vec![
                        ("media_type", "IMAGE"),
                        ("image_url", url),
                        ("alt_text", alt),
                        ("is_carousel_item", "true"),
                    ];
                    children.push(make(child).await?);
                }
                for child in &children {
                    self.finished(child, &mut looks).await?;
                }
                let children = children.join(",");
                fields.extend([("media_type", "CAROUSEL"), ("children", &children)]);
                let id = make(fields).await?;
                self.finished(&id, &mut looks).await?;
                Ok(id)
            }
        }
    }

    /// Waits until Threads has fetched the media of a container, as long as there are `looks`.
    async fn finished(&self, id: &str, looks: &mut impl Iterator<Item = u64>) -> Result<()> {
        loop {
            let container = self.status(id).await?.unwrap_or_default();
            let status = field(&container, "status");
            match status.as_str() {
                "FINISHED" => return Ok(()),
                "ERROR" | "EXPIRED" => {
                    let why = optional(&container, "error_message").unwrap_or(status);
                    return Err(Error::Rejected {
                        report: self.caller.note(&format!("Threads could not take the media: {why}")),
                        field: Some("media".to_owned()),
                    });
                }
                _ => {}
            }
            let Some(seconds) = looks.next() else {
                return Err(Error::MediaNotReady {
                    report: self.caller.note("Threads is still fetching the media"),
                    retry_after: Some(Duration::from_secs(60)),
                });
            };
            self.caller.clock.sleep(Duration::from_secs(seconds)).await;
        }
    }

    /// A container, whose `status` is `IN_PROGRESS`, `FINISHED`, `PUBLISHED`, `ERROR` or `EXPIRED`; `None` when Threads does
    /// not know it, or knows it no more.
    async fn status(&self, container: &str) -> Result<Option<Value>> {
        let path = format!("/v1.0/{}", percent_encoded(container));
        let fields = [("fields", "status,error_message")];
        match self.get(&path, &fields, &["/status"]).await {
            Ok(container) => Ok(Some(container)),
            Err(Error::Rejected { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where people read the post; a receipt does not wait for it.
    async fn permalink(&self, id: &str) -> Option<String> {
        let path = format!("/v1.0/{}", percent_encoded(id));
        let post = self.get(&path, &[("fields", "id,permalink")], &[]).await.ok()?;
        optional(&post, "permalink")
    }
}

#[async_trait]
impl SocialTarget for Threads {
    fn network(&self) -> &str {
        NETWORK
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn limits(&self) -> Limits {
        limits()
    }

    async fn check(&self) -> Result<Account> {
        let (id, name) = self.me().await?;
        let url = format!("https://www.threads.com/@{name}");
        Ok(Account::new(id, name, Some(url)))
    }

    /// Makes no request: Threads fetches the file from its [public address](Media::public_url) when the post is made.
    async fn upload(&self, media: &Media) -> Result<UploadedMedia> {
        limits().check_media(media)?;
        Ok(UploadedMedia::new(
            NETWORK,
            media.require_public_url(NETWORK)?,
            media.alt.clone(),
        ))
    }

    async fn publish(&self, post: &Post) -> Result<Published> {
        limits().check(post)?;
        let shown = post.full_text();
        let links: BTreeSet<&str> = text::links_of_x(&shown)
            .into_iter()
            .map(|(range, _)| &shown[range])
            .collect();
        if links.len() > MAX_LINKS {
            return Err(Error::Rejected {
                report: Report::new(
                    NETWORK,
                    format!("{} different links, the limit is {MAX_LINKS}", links.len()),
                ),
                field: Some("text".to_owned()),
            });
        }
        let user = self.user_id().await?;
        let began_ms = self.caller.clock.now_ms();
        let left_behind = self.left_behind(post).await?;
        let container = match &left_behind {
            Some(container) => container.clone(),
            None => self.container(&user, post).await?,
        };
        self.caller.in_time(began_ms, latest_send(post) - LATEST_SEND)?;
        let published = self
            .post(
                &format!("/v1.0/{user}/threads_publish"),
                &[("creation_id", &container)],
                Call::Publish,
            )
            .await;
        let id = match published {
            Ok(id) => id,
            // The earlier attempt may have published it meanwhile.
            Err(Error::Rejected { report, .. } | Error::Forbidden { report }) if left_behind.is_some() => {
                return Err(Error::unknown(report, None).with_id(container));
            }
            Err(error) => {
                if left_behind.is_some() {
                    self.unpublished.keep(post, &container);
                }
                return Err(error.with_id(container));
            }
        };
        let url = self.permalink(&id).await;
        Ok(Published::new(id, url))
    }

    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
        self.look_up(attempt).await
    }
}

/// How long after its beginning an attempt may send the request that shows the post: the container comes first, and
/// media are waited for.
fn latest_send(post: &Post) -> Duration {
    let media = if post.media.is_empty() { 0 } else { LOOKS.iter().sum() };
    LATEST_SEND * 3 + Duration::from_secs(media)
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// <https://developers.facebook.com/docs/threads/overview>
fn limits() -> Limits {
    let mut limits = Limits::text(NETWORK, Counter::Threads, 500);
    limits.media = MediaLimits {
        max_count: 20,
        max_bytes: 8 * 1024 * 1024,
        max_video_bytes: 0,
        max_alt: 1_000,
        content_types: ["image/png", "image/jpeg"].map(str::to_owned).into(),
    };
    limits.reply = true;
    limits.reconcile = Certainty::Likely;
    limits
}

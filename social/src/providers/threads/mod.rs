//! [Threads](https://developers.facebook.com/docs/threads/posts): a container is made first, and then published.
//!
//! The token needs the scopes `threads_basic` and `threads_content_publish`. It ends after 60 days and is renewed in
//! time, see [`ThreadsBuilder::token_store`].

mod builder;
mod calls;
mod reconcile;
mod wire;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::Url;

use crate::{
    Account, Attempt, Certainty, Counter, Error, Limits, Media, MediaLimits, Post, Published, Reconciled, Report,
    Result, SocialTarget, UploadedMedia,
    http::{Call, Caller, config},
    text,
    tokens::Rotating,
};
pub use builder::{ENV_ACCESS_TOKEN, ThreadsBuilder};

const NETWORK: &str = "threads";

/// Most different links of one post
/// ([limits](https://developers.facebook.com/docs/threads/troubleshooting)).
const MAX_LINKS: usize = 5;

/// How long to wait before each look at a container with media: five minutes in all, once a minute at the end as the
/// documentation asks.
const LOOKS: [u64; 8] = [3, 7, 20, 30, 60, 60, 60, 60];

/// An account on Threads.
///
/// A post is made in two steps, and only the second shows it: when its answer is lost, the container says what became of
/// it.
pub struct Threads {
    base: Url,
    account: String,
    handle: String,
    caller: Caller,
    tokens: Rotating,
    settle: Duration,
    user_id: RwLock<Option<String>>,
}

impl Threads {
    /// Starts with the account's name, `"me"` or `"@me"`, and a long-lived token; see [`ThreadsBuilder`].
    pub fn builder(handle: impl Into<String>, tokens: crate::TokenSet) -> ThreadsBuilder {
        ThreadsBuilder::new(handle.into(), tokens)
    }

    async fn me(&self) -> Result<wire::User> {
        let user: wire::User = self.get("/v1.0/me", &[("fields", "id,username")]).await?;
        if !user.username.eq_ignore_ascii_case(&self.handle) {
            let names = format!(
                "the token belongs to @{}, the configuration names {}",
                user.username, self.account
            );
            return Err(config(NETWORK, names));
        }
        *self.user_id.write().unwrap_or_else(PoisonError::into_inner) = Some(user.id.clone());
        Ok(user)
    }

    async fn user_id(&self) -> Result<String> {
        let known = self.user_id.read().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(id) => Ok(id),
            None => Ok(self.me().await?.id),
        }
    }

    /// Makes what is published later. Nothing becomes visible by it, and it is gone after a day.
    async fn container(&self, user: &str, post: &Post) -> Result<String> {
        let path = format!("/v1.0/{user}/threads");
        let make = async |fields: Vec<(&str, &str)>| {
            let answer = self.post(&path, &fields, Call::Repeatable).await?;
            let made: wire::Made = self.caller.decode(&answer, Call::Repeatable)?;
            Ok::<String, Error>(made.id)
        };
        let text = post.full_text();
        let mut fields = vec![("text", text.as_str())];
        if let Some(parent) = &post.reply_to {
            fields.push(("reply_to_id", parent));
        }
        let image = |media: &'_ UploadedMedia| {
            let alt = media.alt.clone().unwrap_or_default();
            (media.id.clone(), alt)
        };
        let images: Vec<(String, String)> = post.media.iter().map(image).collect();
        match &images[..] {
            [] => {
                fields.push(("media_type", "TEXT"));
                make(fields).await
            }
            [(url, alt)] => {
                fields.extend([("media_type", "IMAGE"), ("image_url", url), ("alt_text", alt)]);
                let id = make(fields).await?;
                self.finished(&id).await?;
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
                    self.finished(child).await?;
                }
                let children = children.join(",");
                fields.extend([("media_type", "CAROUSEL"), ("children", &children)]);
                let id = make(fields).await?;
                self.finished(&id).await?;
                Ok(id)
            }
        }
    }

    /// Waits until Threads has fetched the media of a container.
    async fn finished(&self, id: &str) -> Result<()> {
        for seconds in LOOKS {
            let container = self.status(id).await?;
            match container.status.as_str() {
                "FINISHED" => return Ok(()),
                "ERROR" | "EXPIRED" => {
                    let why = container.error_message.unwrap_or(container.status);
                    return Err(Error::Rejected {
                        report: self.caller.note(&format!("Threads could not take the media: {why}")),
                        field: Some("media".to_owned()),
                    });
                }
                _ => self.caller.clock.sleep(Duration::from_secs(seconds)).await,
            }
        }
        Err(Error::MediaNotReady {
            report: self.caller.note("Threads is still fetching the media"),
            retry_after: Some(Duration::from_secs(60)),
        })
    }

    async fn status(&self, container: &str) -> Result<wire::Container> {
        self.get(&format!("/v1.0/{container}"), &[("fields", "status,error_message")])
            .await
    }

    /// Where people read the post; a receipt does not wait for it.
    async fn permalink(&self, id: &str) -> Option<String> {
        let post: wire::Post = self
            .get(&format!("/v1.0/{id}"), &[("fields", "id,permalink")])
            .await
            .ok()?;
        post.permalink
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
        let user = self.me().await?;
        let url = format!("https://www.threads.com/@{}", user.username);
        Ok(Account::new(user.id, user.username, Some(url)))
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
        let container = self.container(&user, post).await?;
        let published = self
            .post(
                &format!("/v1.0/{user}/threads_publish"),
                &[("creation_id", &container)],
                Call::Publish,
            )
            .await;
        let published = published.and_then(|answer| self.caller.decode::<wire::Made>(&answer, Call::Publish));
        let id = published.map_err(|error| error.with_id(&container))?.id;
        let url = self.permalink(&id).await;
        Ok(Published::new(id, url))
    }

    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
        self.look_up(attempt).await
    }
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

//! [Bluesky](https://docs.bsky.app/docs/advanced-guides/posts) and other servers of the AT Protocol, with an
//! [app password](https://bsky.app/settings/app-passwords).

mod builder;
mod cid;
mod facets;
mod publish;
mod session;

use std::{fmt, sync::RwLock};

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    AccessToken, Account, Attempt, Certainty, Counter, Error, Limits, Media, MediaLimits, Post, Published, Reconciled,
    Result, SocialTarget, UploadedMedia,
    http::{Call, Caller, config, text},
    tokens::Rotating,
};
pub use builder::{BlueskyBuilder, ENV_APP_PASSWORD};

const NETWORK: &str = "bluesky";

/// The collection of posts.
const POSTS: &str = "app.bsky.feed.post";

/// An account on Bluesky.
///
/// A post with an idempotency key gets a record key made from it, and the server refuses a second record of that key:
/// the key never ends, and [`reconcile`](SocialTarget::reconcile) looks the very record up. A post without a key gets a
/// record key of its own and cannot be looked up. A thread is written in one atomic commit.
pub struct Bluesky {
    service: String,
    account: String,
    identifier: String,
    password: AccessToken,
    caller: Caller,
    tokens: Rotating,
    reach: crate::host::Reach,
    who: RwLock<Option<session::Who>>,
}

impl Bluesky {
    /// Starts with a handle such as `alice.bsky.social` and an app password; see [`BlueskyBuilder`].
    pub fn builder(handle: impl Into<String>, app_password: impl Into<AccessToken>) -> BlueskyBuilder {
        BlueskyBuilder::new(handle.into(), app_password.into())
    }
}

#[async_trait]
impl SocialTarget for Bluesky {
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
        let session = self.get("com.atproto.server.getSession", &[], &["/did"]).await?;
        self.learn(&session)?;
        let (did, handle) = (text(&session, "did"), text(&session, "handle"));
        if ![&handle, &did]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&self.identifier))
        {
            let account = &self.account;
            let names = format!("the session belongs to @{handle}, the configuration names {account}");
            return Err(config(NETWORK, names));
        }
        let url = format!("https://bsky.app/profile/{did}");
        Ok(Account::new(did, handle, Some(url)))
    }

    /// The upload is gone some minutes after it, unless a post carries it by then.
    async fn upload(&self, media: &Media) -> Result<UploadedMedia> {
        limits().check_media(media)?;
        let body = (media.content_type.as_str(), media.bytes.clone());
        let answer = self
            .call("com.atproto.repo.uploadBlob", &[], Some(body), Call::Repeatable)
            .await?;
        let uploaded = self.caller.decode(&answer, Call::Repeatable, &["/blob"])?;
        // The whole reference is what a record carries.
        let id = uploaded["blob"].to_string();
        Ok(UploadedMedia::new(NETWORK, id, media.alt.clone()))
    }

    async fn publish(&self, post: &Post) -> Result<Published> {
        limits().check(post)?;
        self.publish_post(post).await
    }

    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
        let Some(key) = &attempt.post.idempotency_key else {
            return Ok(Reconciled::CannotTell {
                why: "the post has no idempotency key to look it up by".to_owned(),
            });
        };
        let did = self.who().await?.did;
        let rkey = cid::tid_of_key(&did, key);
        // A request that is still on its way does no harm: the server refuses a second record of this key.
        Ok(match self.record(&did, &rkey).await? {
            Some(_) => Reconciled::Found(receipt(&did, &rkey)),
            None => Reconciled::Absent,
        })
    }
}

impl Bluesky {
    /// The post of this record key, if there is one.
    async fn record(&self, did: &str, rkey: &str) -> Result<Option<Value>> {
        let query = [("repo", did), ("collection", POSTS), ("rkey", rkey)];
        match self.get("com.atproto.repo.getRecord", &query, &["/uri"]).await {
            Ok(record) => Ok(Some(record)),
            Err(Error::Rejected { field: Some(field), .. }) if field == session::NOT_FOUND => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn receipt(did: &str, rkey: &str) -> Published {
    Published::new(
        format!("at://{did}/{POSTS}/{rkey}"),
        Some(format!("https://bsky.app/profile/{did}/post/{rkey}")),
    )
}

/// The reference of an upload, as [`upload`](SocialTarget::upload) wrote it down.
fn blob(media: &UploadedMedia) -> Result<Value> {
    let blob = serde_json::from_slice::<Value>(media.id.as_bytes())
        .ok()
        .filter(|blob| blob["ref"]["$link"].is_string());
    blob.ok_or_else(|| Error::Rejected {
        report: crate::Report::new(NETWORK, "an upload is not one of this network"),
        field: Some("media".to_owned()),
    })
}

impl fmt::Debug for Bluesky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bluesky")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// [`app.bsky.feed.post`](https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/feed/post.json) and
/// [`app.bsky.embed.images`](https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/embed/images.json).
fn limits() -> Limits {
    let mut limits = Limits::text(NETWORK, Counter::Graphemes, 300);
    limits.max_bytes = Some(3_000);
    limits.media = MediaLimits {
        max_count: 4,
        max_bytes: 2_000_000,
        max_video_bytes: 0,
        // Not limited by the lexicon; the official client stops here.
        max_alt: 2_000,
        content_types: ["image/png", "image/jpeg", "image/gif", "image/webp"]
            .map(str::to_owned)
            .into(),
    };
    limits.language = true;
    limits.reply = true;
    // One commit takes 200 writes; a thread this long is no thread.
    limits.thread = 25;
    limits.cards = true;
    limits.idempotency = Some(std::time::Duration::MAX);
    limits.reconcile = Certainty::Exact;
    limits
}

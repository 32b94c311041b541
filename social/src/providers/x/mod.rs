//! [X](https://docs.x.com/x-api/posts/create-post), by version 2 of its API.
//!
//! The token needs the scopes `tweet.read tweet.write users.read offline.access media.write`; without the last one
//! uploads are refused.

mod auth;
mod builder;
mod classify;
mod reconcile;
mod upload;

use std::{
    fmt,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    Account, Attempt, Certainty, Counter, Error, Limits, Media, MediaLimits, Post, Published, Reconciled, Report,
    Result, SocialTarget, UploadedMedia,
    http::{Answer, Call, Caller, LATEST_SEND, Pending, Request, address, config, text as field},
    preview, text,
};
use auth::Auth;
pub use builder::{
    ENV_ACCESS_TOKEN, ENV_ACCESS_TOKEN_SECRET, ENV_API_KEY, ENV_API_KEY_SECRET, ENV_CLIENT_ID, ENV_CLIENT_SECRET,
    ENV_REFRESH_TOKEN, XBuilder,
};

const NETWORK: &str = "x";

/// What a post costs, in millionths of a US dollar ([pricing](https://docs.x.com/x-api/getting-started/pricing), August
/// 2026).
const POST_MICRO_USD: u64 = 15_000;

/// What a post with a link costs, in millionths of a US dollar.
const LINKED_POST_MICRO_USD: u64 = 200_000;

/// Largest GIF, in bytes; other pictures are smaller
/// ([media](https://docs.x.com/x-api/media/quickstart/best-practices)).
const MAX_GIF: u64 = 15 * 1024 * 1024;

/// An account on X.
///
/// X knows no idempotency keys. What keeps a post single is its refusal of a text it has seen within hours, which is
/// [`Error::Duplicate`], and [`reconcile`](SocialTarget::reconcile), which reads the account's own timeline.
pub struct X {
    base: String,
    account: String,
    handle: String,
    auth: Auth,
    caller: Caller,
    settle: Duration,
    limits: Limits,
    max_cost: Option<u64>,
    user_id: RwLock<Option<String>>,
}

impl X {
    /// Starts with the account's name, `"me"` or `"@me"`; see [`XBuilder`].
    pub fn builder(handle: impl Into<String>) -> XBuilder {
        XBuilder::new(handle.into())
    }

    /// What X charges for `post`, in millionths of a US dollar: 15,000, and 200,000 when the text has anything that X
    /// makes a link, also `README.md`.
    pub fn cost_micro_usd(post: &Post) -> u64 {
        if text::links_of_x(&post.full_text()).is_empty() {
            POST_MICRO_USD
        } else {
            LINKED_POST_MICRO_USD
        }
    }

    fn request(&self, method: &'static str, path: &str, query: &[(&str, &str)]) -> Request {
        Request::new(method, address(&self.base, path, query))
    }

    /// Makes one call. A token that X refuses is renewed once; the refused call did nothing.
    fn call(&self, request: Request, call: Call) -> Pending<'_, Answer> {
        Box::pin(async move {
            let mut refused = None;
            let began_ms = self.caller.clock.now_ms();
            loop {
                let (header, token) = self.authorization(&request, refused.as_ref()).await?;
                if call == Call::Publish {
                    self.caller.in_time(began_ms, LATEST_SEND)?;
                }
                let request = request.clone().header("authorization", &header);
                let answer = self.caller.send(request, call).await?;
                match token {
                    Some(token) if answer.status == 401 && refused.is_none() => refused = Some(token),
                    _ if answer.is_success() => return Ok(answer),
                    _ => return Err(self.refused(&answer, call)),
                }
            }
        })
    }

    /// Makes a call that may be repeated and reads its answer, which has all that `needs` points at.
    fn ask<'a>(&'a self, request: Request, needs: &'a [&'a str]) -> Pending<'a, Value> {
        Box::pin(async move {
            let answer = self.call(request, Call::Repeatable).await?;
            self.caller.decode(&answer, Call::Repeatable, needs)
        })
    }

    /// The id and the name of the token's account.
    fn me(&self) -> Pending<'_, (String, String)> {
        Box::pin(async move {
            let request = self.request("GET", "/2/users/me", &[]);
            let user = self.ask(request, &["/data/id", "/data/username"]).await?;
            let (id, name) = (field(&user["data"], "id"), field(&user["data"], "username"));
            if !name.eq_ignore_ascii_case(&self.handle) {
                let account = &self.account;
                let names = format!("the token belongs to @{name}, the configuration names {account}");
                return Err(config(NETWORK, names));
            }
            *self.user_id.write().unwrap_or_else(PoisonError::into_inner) = Some(id.clone());
            Ok((id, name))
        })
    }

    async fn user_id(&self) -> Result<String> {
        let known = self.user_id.read().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(id) => Ok(id),
            None => Ok(self.me().await?.0),
        }
    }

    fn check_post(&self, post: &Post) -> Result<()> {
        self.limits.check(post)?;
        let rejected = |field: &str, message: String| Error::Rejected {
            report: Report::new(NETWORK, message),
            field: Some(field.to_owned()),
        };
        // X refuses the second one (<https://docs.x.com/changelog>).
        let tags = preview::cashtags(&post.full_text());
        if tags.len() > 1 {
            return Err(rejected("text", format!("more than one cashtag: {}", tags.join(" "))));
        }
        let cost = Self::cost_micro_usd(post);
        match self.max_cost.filter(|&max| cost > max) {
            Some(max) => {
                let message = format!("the post costs {cost} millionths of a US dollar, the limit is {max}");
                Err(rejected("link", message))
            }
            None => Ok(()),
        }
    }

    fn receipt(&self, id: String) -> Published {
        let url = format!("https://x.com/{}/status/{id}", self.handle);
        Published::new(id, Some(url))
    }
}

#[async_trait]
impl SocialTarget for X {
    fn network(&self) -> &str {
        NETWORK
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    async fn check(&self) -> Result<Account> {
        let (id, name) = self.me().await?;
        let url = format!("https://x.com/{name}");
        Ok(Account::new(id, name, Some(url)))
    }

    async fn upload(&self, media: &Media) -> Result<UploadedMedia> {
        let mut limits = self.limits.clone();
        if media.content_type.eq_ignore_ascii_case("image/gif") {
            limits.media.max_bytes = MAX_GIF;
        }
        limits.check_media(media)?;
        self.upload_media(media).await
    }

    async fn publish(&self, post: &Post) -> Result<Published> {
        self.check_post(post)?;
        let request = self.request("POST", "/2/tweets", &[]).json(&new_post(post));
        let answer = self.call(request, Call::Publish).await?;
        let created = self.caller.decode(&answer, Call::Publish, &["/data/id"])?;
        Ok(self.receipt(field(&created["data"], "id")))
    }

    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
        self.look_up(attempt).await
    }
}

/// Body of `POST /2/tweets`. X refuses fields it does not know.
fn new_post(post: &Post) -> Value {
    let mut body = json!({});
    let text = post.full_text();
    if !text.is_empty() {
        body["text"] = text.into();
    }
    if !post.media.is_empty() {
        let ids: Vec<Value> = post.media.iter().map(|media| media.id.as_str().into()).collect();
        body["media"] = json!({ "media_ids": ids });
    }
    if let Some(id) = &post.reply_to {
        body["reply"] = json!({ "in_reply_to_tweet_id": id });
    }
    if post.made_with_ai {
        body["made_with_ai"] = true.into();
    }
    body
}

impl fmt::Debug for X {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("X")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

fn limits(max_text: usize) -> Limits {
    let mut limits = Limits::text(NETWORK, Counter::X, max_text);
    // <https://docs.x.com/x-api/media/quickstart/best-practices>
    limits.media = MediaLimits {
        max_count: 4,
        max_bytes: 5 * 1024 * 1024,
        max_video_bytes: 512 * 1024 * 1024,
        max_alt: 1_000,
        content_types: ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4"]
            .map(str::to_owned)
            .into(),
    };
    limits.reply = true;
    limits.ai_label = true;
    limits.refuses_repeats = true;
    limits.reconcile = Certainty::Likely;
    limits
}

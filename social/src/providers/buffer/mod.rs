//! [Buffer](https://developers.buffer.com), by its GraphQL API: one channel of an account there, on X, Mastodon, Bluesky,
//! Threads or LinkedIn.

mod builder;
mod calls;
mod reconcile;
mod wire;

use std::{fmt, sync::RwLock, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    Account, Attempt, Certainty, Counter, Error, Limits, Media, MediaLimits, Post, Published, Reconciled, Report,
    Result, SocialTarget, UploadedMedia,
    http::{Call, Caller, config, format_rfc3339, text, until_next_day},
};
pub use builder::{BufferBuilder, ENV_API_KEY};

const NETWORK: &str = "buffer";

/// How long to wait before each look at a post that Buffer is sending: a minute in all.
const LOOKS: [u64; 6] = [2, 3, 5, 10, 15, 25];

/// The network behind a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service {
    /// X, which Buffer calls `twitter`.
    X,
    /// Mastodon.
    Mastodon,
    /// Bluesky.
    Bluesky,
    /// Threads.
    Threads,
    /// LinkedIn.
    LinkedIn,
}

impl Service {
    /// The network of this name, as settings write it: `x`, `mastodon`, `bluesky`, `threads` or `linkedin`.
    ///
    /// ```
    /// use presswork_social::providers::buffer::Service;
    ///
    /// assert_eq!(Service::named("x"), Some(Service::X));
    /// assert_eq!(Service::named("twitter"), None);
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "x" => Self::X,
            "mastodon" => Self::Mastodon,
            "bluesky" => Self::Bluesky,
            "threads" => Self::Threads,
            "linkedin" => Self::LinkedIn,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::X => "twitter",
            Self::Mastodon => "mastodon",
            Self::Bluesky => "bluesky",
            Self::Threads => "threads",
            Self::LinkedIn => "linkedin",
        }
    }
}

/// When Buffer sends a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// At once. The receipt is that of the network: `publish` waits for it up to a minute.
    Now,
    /// When the channel's queue comes to it. The receipt says that Buffer has the post.
    Queue,
    /// At this time, in milliseconds since 1970 (UTC). The receipt says that Buffer has the post.
    At(i64),
}

/// What became of a post that Buffer has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is a draft, waits for its time, or is being sent.
    Waiting,
    /// It is visible. The id is Buffer's, the address the network's.
    Sent(Published),
    /// The network did not take it, and why.
    Failed(String),
}

/// A channel of a Buffer account.
///
/// Buffer knows no idempotency keys; [`reconcile`](SocialTarget::reconcile) asks for the post by its id, or looks for its
/// text among the channel's posts.
pub struct Buffer {
    url: String,
    key: crate::AccessToken,
    account: String,
    channel: String,
    service: Service,
    mode: Mode,
    draft: bool,
    settle: Duration,
    caller: Caller,
    organization: RwLock<Option<String>>,
}

impl Buffer {
    /// Starts with an API key, the id of a channel and its network; see [`BufferBuilder`].
    pub fn builder(key: impl Into<crate::AccessToken>, channel: impl Into<String>, service: Service) -> BufferBuilder {
        BufferBuilder::new(key.into(), channel.into(), service)
    }

    /// Asks what became of a post by Buffer's id, which is the id of the receipt.
    ///
    /// # Errors
    /// [`Error::Rejected`] when Buffer has no such post, and what any question may fail with.
    pub async fn outcome(&self, id: &str) -> Result<Outcome> {
        Ok(wire::outcome(&self.post(id).await?))
    }

    async fn post(&self, id: &str) -> Result<Value> {
        let needs = &["/data/post/id"];
        let mut found = self.query(wire::POST, json!({"i": {"id": id}}), needs).await?;
        Ok(found["post"].take())
    }

    fn input(&self, post: &Post) -> Value {
        let text = post.full_text();
        let assets: Vec<Value> = post.media.iter().map(asset).collect();
        let mut input = json!({
            "channelId": self.channel, "schedulingType": "automatic", "text": text, "assets": assets,
            "mode": match self.mode {
                Mode::Now => "shareNow",
                Mode::Queue => "addToQueue",
                Mode::At(_) => "customScheduled",
            },
        });
        if let Mode::At(at) = self.mode {
            input["dueAt"] = json!(format_rfc3339(at));
        }
        if self.draft {
            input["saveToDraft"] = json!(true);
        }
        let mut metadata = json!({});
        if !post.thread.is_empty() {
            // Every part stands here, the first one, too.
            let first = json!({"text": text, "assets": input["assets"]});
            let rest = post.thread.iter().map(|part| json!({"text": part, "assets": []}));
            metadata["thread"] = std::iter::once(first).chain(rest).collect();
        }
        if let Some(warning) = &post.content_warning {
            metadata["spoilerText"] = json!(warning);
        }
        if post.made_with_ai {
            metadata["isAiGenerated"] = json!(true);
            input["aiAssisted"] = json!(true);
        }
        if metadata.as_object().is_some_and(|fields| !fields.is_empty()) {
            input["metadata"] = json!({ self.service.name(): metadata });
        }
        input
    }

    /// Waits for the network's own answer.
    async fn sent(&self, id: String) -> Result<Published> {
        let mut last = "Buffer is still sending the post".to_owned();
        for seconds in LOOKS {
            self.caller.clock.sleep(Duration::from_secs(seconds)).await;
            match self.outcome(&id).await {
                Ok(Outcome::Sent(published)) => return Ok(published),
                Ok(Outcome::Failed(message)) => {
                    let report = self
                        .caller
                        .note(&format!("the network did not take the post: {message}"));
                    return Err(if is_repeat(&message) {
                        // An earlier attempt may have made it: the look is for that one, so no id.
                        Error::duplicate(report)
                    } else {
                        Error::Rejected { report, field: None }
                    });
                }
                Ok(Outcome::Waiting) => {}
                // A question that failed says nothing of the post.
                Err(error) => last = format!("Buffer has the post and cannot be asked: {error}"),
            }
        }
        Err(Error::unknown(self.caller.note(&last), None).with_id(id))
    }
}

#[async_trait]
impl SocialTarget for Buffer {
    fn network(&self) -> &str {
        NETWORK
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn limits(&self) -> Limits {
        limits(self.service)
    }

    async fn check(&self) -> Result<Account> {
        let channel = self.find_channel().await?.1;
        let (service, configured) = (text(&channel, "service"), self.service.name());
        if service != configured {
            let message = format!("the channel is one of {service}, the configuration says {configured}");
            return Err(config(NETWORK, message));
        }
        if channel["isDisconnected"] == true || channel["isLocked"] == true {
            return Err(Error::PauseAccount {
                report: self.caller.note("the channel is disconnected or locked at Buffer"),
            });
        }
        Ok(Account::new(text(&channel, "id"), text(&channel, "name"), None))
    }

    /// Makes no request: Buffer fetches the file from its [public address](Media::public_url) when it sends the post.
    async fn upload(&self, media: &Media) -> Result<UploadedMedia> {
        limits(self.service).check_media(media)?;
        Ok(UploadedMedia::new(
            NETWORK,
            media.require_public_url(NETWORK)?,
            media.alt.clone(),
        ))
    }

    async fn publish(&self, post: &Post) -> Result<Published> {
        limits(self.service).check(post)?;
        // <https://developers.buffer.com/guides/posts-and-scheduling.html>
        let warning = post.content_warning.iter().cloned();
        let mut texts = warning.chain(post.thread.iter().cloned()).chain([post.full_text()]);
        if texts.any(|text| text.chars().any(|c| c.is_control() && c != '\n')) {
            return Err(Error::Rejected {
                report: Report::new(NETWORK, "the text has a control character"),
                field: Some("text".to_owned()),
            });
        }
        let input = json!({"i": self.input(post)});
        let needs = &["/data/createPost"];
        let (created, answer) = self.exchange(wire::CREATE, input, Call::Publish, needs).await?;
        let created = &created["createPost"];
        let (message, post) = (text(created, "message"), &created["post"]);
        let report = self.caller.report(&answer, &message);
        match (created["__typename"].as_str().unwrap_or_default(), text(post, "id")) {
            ("PostActionSuccess", id) if !id.is_empty() => match wire::outcome(post) {
                _ if self.mode != Mode::Now || self.draft => Ok(wire::receipt(post)),
                Outcome::Sent(published) => Ok(published),
                _ => self.sent(id).await,
            },
            ("LimitReachedError", _) => Err(Error::RateLimited {
                report,
                // <https://developers.buffer.com/guides/api-limits.html>: posts are limited by day.
                retry_after: Some(until_next_day(self.caller.clock.now_ms())),
            }),
            ("UnauthorizedError", _) => Err(Error::Unauthenticated { report }),
            ("UnexpectedError" | "PostActionSuccess" | "", _) => Err(Error::unknown(report, None)),
            ("RestProxyError", _) if is_repeat(&message) => Err(Error::duplicate(report)),
            // The others, and those that come: all of them say why nothing was made.
            (kind, _) => Err(Error::Rejected {
                field: (kind == "NotFoundError").then(|| "channel".to_owned()),
                report,
            }),
        }
    }

    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
        self.look_up(attempt).await
    }
}

fn is_repeat(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("duplicate") || message.contains("already")
}

fn asset(media: &UploadedMedia) -> Value {
    json!({"image": {"url": media.id, "metadata": {"altText": media.alt.as_deref().unwrap_or_default()}}})
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("account", &self.account)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// What the network behind the channel takes. Media are held against the least of the networks.
fn limits(service: Service) -> Limits {
    let (counter, max) = match service {
        Service::X => (Counter::X, 280),
        Service::Mastodon => (Counter::Mastodon { per_url: 23 }, 500),
        Service::Bluesky => (Counter::Graphemes, 300),
        Service::Threads => (Counter::Threads, 500),
        Service::LinkedIn => (Counter::LinkedIn, 3_000),
    };
    let mut limits = Limits::text(NETWORK, counter, max);
    limits.max_bytes = (service == Service::Bluesky).then_some(3_000);
    limits.media = MediaLimits {
        max_count: 4,
        max_bytes: 2_000_000,
        max_video_bytes: 0,
        max_alt: 1_000,
        content_types: ["image/png", "image/jpeg", "image/gif", "image/webp"]
            .map(str::to_owned)
            .into(),
    };
    limits.content_warning = service == Service::Mastodon;
    limits.ai_label = service == Service::X;
    limits.thread = if service == Service::LinkedIn { 0 } else { 25 };
    limits.reconcile = Certainty::Likely;
    limits
}

//! A request to a server of your own, signed as [Standard Webhooks](https://www.standardwebhooks.com) say.
//!
//! The body is `{"type": "post.publish", "timestamp": "..", "data": {..}}`, where `data` is the [`Post`] and its `full_text`.
//! A receiver that answers 2xx has it; one that sees a `webhook-id` again must do nothing and answer 2xx again. Every
//! attempt of a post with an idempotency key carries the same id, and the same body when the post says when it was
//! [made](Post::made_at_ms), which is its `timestamp`; else that is the time of the attempt.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    AccessToken, Account, Attempt, Counter, Error, Limits, Media, MediaLimits, Post, Published, Reconciled, Result,
    SocialTarget, UploadedMedia, Visibility,
    host::{self, Address},
    http::{Call, Caller, Request, Settings, common_settings, config, format_rfc3339},
};

const NETWORK: &str = "webhook";

/// Where programs look for the signing secret.
pub const ENV_SECRET: &str = "WEBHOOK_SECRET";

/// Paths and queries from this length on, in bytes, are taken out of messages.
const SECRET_PATH: usize = 8;

/// A receiver of signed requests.
///
/// The receiver recognises a repeated id, so a request whose answer was lost is sent again:
/// [`reconcile`](SocialTarget::reconcile) asks nobody and answers [`Reconciled::Absent`] for a post with a key.
pub struct Webhook {
    url: Address,
    account: String,
    /// Keys to sign with, the current one first.
    keys: Vec<Vec<u8>>,
    caller: Caller,
    max_text: usize,
}

impl Webhook {
    /// Starts with the receiver's address and the secret, `whsec_` and base64; see [`WebhookBuilder`].
    pub fn builder(url: impl Into<String>, secret: impl Into<AccessToken>) -> WebhookBuilder {
        WebhookBuilder {
            url: url.into(),
            secrets: vec![secret.into()],
            account: None,
            max_text: 10_000,
            settings: Settings::default(),
        }
    }

    /// The id by which the receiver recognises a repeated request.
    fn id(&self, post: &Post) -> String {
        let Some(key) = &post.idempotency_key else {
            return format!("msg_{:032x}", fastrand::u128(..));
        };
        // Hashed, because the id is signed with a dot after it.
        let hash = Sha256::digest(format!("{}\n{key}", self.account));
        let hex = |byte: &u8| format!("{byte:02x}");
        format!("msg_{}", hash[..16].iter().map(hex).collect::<String>())
    }

    /// `v1,` and the signature by each key, separated by spaces.
    fn signatures(&self, id: &str, timestamp: i64, body: &str) -> String {
        let signed = format!("{id}.{timestamp}.{body}");
        let signatures = self.keys.iter().filter_map(|key| {
            // HMAC takes a key of any length.
            let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
            mac.update(signed.as_bytes());
            Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

#[async_trait]
impl SocialTarget for Webhook {
    fn network(&self) -> &str {
        NETWORK
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::text(NETWORK, Counter::Graphemes, self.max_text);
        limits.media = MediaLimits {
            max_count: 10,
            max_bytes: u64::MAX,
            max_video_bytes: u64::MAX,
            max_alt: 10_000,
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
        limits.thread = 100;
        limits.ai_label = true;
        limits.idempotency = Some(Duration::MAX);
        limits
    }

    /// Asks nothing: there is no request that a receiver would take for a question.
    async fn check(&self) -> Result<Account> {
        Ok(Account::new(&self.account, &self.url.host, None))
    }

    /// Makes no request: the receiver fetches the file from its [public address](Media::public_url).
    async fn upload(&self, media: &Media) -> Result<UploadedMedia> {
        self.limits().check_media(media)?;
        Ok(UploadedMedia::new(
            NETWORK,
            media.require_public_url(NETWORK)?,
            media.alt.clone(),
        ))
    }

    async fn publish(&self, post: &Post) -> Result<Published> {
        self.limits().check(post)?;
        let id = self.id(post);
        let mut data = serde_json::to_value(post).unwrap_or_default();
        data["full_text"] = json!(post.full_text());
        let now_ms = self.caller.clock.now_ms();
        let made = format_rfc3339(post.made_at_ms.unwrap_or(now_ms));
        let body = json!({"type": "post.publish", "timestamp": made, "data": data}).to_string();
        let timestamp = now_ms / 1_000;
        let request = Request::new("POST", self.url.url.clone())
            .header("webhook-id", &id)
            .header("webhook-timestamp", &timestamp.to_string())
            .header("webhook-signature", &self.signatures(&id, timestamp, &body))
            .body("application/json", body.into());
        let answer = self.caller.send(request, Call::Publish).await?;
        if answer.is_success() {
            return Ok(Published::new(id, None));
        }
        let message = self.caller.message_of(&answer, String::new());
        Err(match answer.status {
            // The receiver is gone for good, as the standard says.
            410 => Error::PauseAccount {
                report: self.caller.report(&answer, &message),
            },
            _ => self.caller.standard(&answer, Call::Publish, &message),
        })
    }

    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
        Ok(match attempt.post.idempotency_key {
            Some(_) => Reconciled::Absent,
            None => Reconciled::CannotTell {
                why: "the post has no idempotency key by which the receiver would recognise it".to_owned(),
            },
        })
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Settings of a [`Webhook`] target.
#[derive(Clone)]
#[must_use]
pub struct WebhookBuilder {
    url: String,
    secrets: Vec<AccessToken>,
    account: Option<String>,
    max_text: usize,
    settings: Settings,
}

impl WebhookBuilder {
    /// Signs with a further secret, too, while a receiver changes from one to the other.
    pub fn also_sign_with(mut self, secret: impl Into<AccessToken>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    /// Names the receiver in ledgers, `webhook/<name>`; the host of its address by default.
    pub fn account(mut self, name: impl Into<String>) -> Self {
        self.account = Some(name.into());
        self
    }

    /// Sets the longest text, in graphemes; 10,000 by default.
    pub fn max_text(mut self, max: usize) -> Self {
        self.max_text = max;
        self
    }

    common_settings!();

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`] for an address that is not an `https` one of a public host, a secret that is not `whsec_` and the
    /// base64 of 24 to 64 bytes, an empty account, and a timeout of zero.
    pub fn build(self) -> Result<Webhook> {
        let url = host::check(&self.url, self.settings.reach)
            .map_err(|reason| config(NETWORK, format!("the receiver's address {reason}")))?;
        let caller = Caller::new(NETWORK, self.settings)?;
        let mut keys = Vec::new();
        for secret in &self.secrets {
            let coded = secret.expose().strip_prefix("whsec_").unwrap_or_default();
            let key = STANDARD.decode(coded).ok().filter(|key| (24..=64).contains(&key.len()));
            keys.push(key.ok_or_else(|| config(NETWORK, "the secret is not whsec_ and the base64 of 24 to 64 bytes"))?);
            caller.hide(coded);
        }
        // The address itself may be a secret; `/` and the like are none.
        for part in [&url.path, &url.query] {
            if part.len() >= SECRET_PATH {
                caller.hide(part);
            }
        }
        let name = self.account.unwrap_or_else(|| url.authority());
        if name.trim().is_empty() {
            return Err(config(NETWORK, "the account is empty"));
        }
        Ok(Webhook {
            account: format!("{NETWORK}/{name}"),
            url,
            keys,
            caller,
            max_text: self.max_text,
        })
    }
}

impl fmt::Debug for WebhookBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address itself may be a secret.
        f.debug_struct("WebhookBuilder")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the [specification's libraries](https://github.com/standard-webhooks/standard-webhooks).
    #[test]
    fn the_published_example_is_signed_as_published() {
        let target = Webhook::builder("https://example.com/hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let target = target.build().unwrap();
        let signature = target.signatures("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}

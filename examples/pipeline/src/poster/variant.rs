//! The text of one post within the target's exact limit.

use std::time::Duration;

use presswork_ai_adapter::LanguageModelExt;
use presswork_content_store::{Op, Page, PostRecord};
use presswork_social::{Card, Post, SocialTarget};

use super::Poster;
use crate::draft::PostDraft;
use crate::error::needs_a_person;
use crate::{prompt, sanitise, spend, text};

/// The writer that fills templates: no machine made its words.
const OFFLINE: &str = "template";

/// Why there is no text.
pub(super) struct Refusal {
    pub(super) message: String,
    /// Whether it may be tried again.
    pub(super) again: bool,
    /// When, if the model said so.
    pub(super) wait: Option<Duration>,
}

impl Poster {
    /// The post an earlier attempt was armed with, so that a repeated attempt says the same; else a new one.
    pub(super) async fn variant(
        &self,
        target: &dyn SocialTarget,
        page: &Page,
        record: &PostRecord,
    ) -> Result<Post, Refusal> {
        if let Ok(post) = serde_json::from_value(record.payload.clone()) {
            return self.pictured(target, page, post).await;
        }
        let never = |message: String| Refusal {
            message,
            again: false,
            wait: None,
        };
        let Some(content) = &page.content else {
            return Err(never("the page has no content".into()));
        };
        let limits = target.limits();
        // A card shows the link instead of the text.
        let card = limits
            .cards
            .then(|| Card::new(&content.title).description(&content.description));
        let reserved = match card {
            Some(_) => 0,
            None => limits.link_cost(&content.canonical_url),
        };
        let room = limits.max_text().saturating_sub(reserved);

        // Written well within the lease, or another consumer would take the post over and have it written again.
        let timeout = self
            .config
            .model
            .timeout_seconds
            .min(self.config.poster.lease_seconds / 2);
        let request = prompt::post(&self.config, page, target.network(), room);
        let request = request.timeout(Duration::from_secs(timeout.into()));
        let of = (page, self.config.poster.campaign.as_str());
        let written = self.model.generate_object::<PostDraft>(&request).await;
        let (text, by_machine, spent) = match written {
            Ok(object) => (
                object.value.text,
                object.response.provider != OFFLINE,
                vec![spend::of_response(of, "post", &object.response, object.usage)],
            ),
            Err(error) => {
                let spent = spend::of_failure(of, "post", &error);
                self.record_spend(&spent).await;
                return Err(Refusal {
                    message: text::sentence(&format!("no text for the post: {error}")),
                    again: error.is_retryable() || needs_a_person(&error),
                    wait: error.retry_after(),
                });
            }
        };
        self.record_spend(&spent).await;

        let line = sanitise::plain(&text);
        let fitted = limits.fit(&line, reserved);
        if fitted.is_empty() {
            return Err(never(format!("the model wrote no text that fits {room} characters")));
        }
        let mut post = Post::new(fitted)
            .link(&content.canonical_url)
            .map_err(|error| never(error.to_string()))?
            .idempotency_key(record.key.idempotency_key());
        if let Some(at) = page.published_at_ms {
            post = post.made_at_ms(at);
        }
        if let Some(card) = card {
            post = post.card(card);
        }
        if limits.ai_label && by_machine {
            post = post.made_with_ai();
        }
        if limits.language {
            post = post.language(&self.config.site.locale);
        }
        limits.check(&post).map_err(|error| never(error.to_string()))?;
        self.pictured(target, page, post).await
    }

    /// A lost line of the spend ledger must not stop a post.
    async fn record_spend(&self, spend: &[presswork_content_store::NewSpend]) {
        if spend.is_empty() {
            return;
        }
        if let Err(error) = self.store.record_spend(&Op::at(self.now_ms()), spend).await {
            tracing::warn!(%error, "spend is not recorded");
        }
    }
}

//! One topic: draft it, gate it, store it.

use std::time::Duration;

use presswork_ai_adapter::{Error as ModelError, LanguageModelExt};
use presswork_content_store::{
    Content, Error as StoreError, NewOutbox, NewSpend, Op, Page, SavePage, Status, Transition,
};
use serde_json::json;

use super::Generator;
use crate::draft::PageDraft;
use crate::error::needs_a_person;
use crate::gates::{self, GateReport};
use crate::message::{PAGE_PUBLISHED, PageMessage};
use crate::report::Drafted;
use crate::{Result, platform, prompt, sanitise, spend, text};

/// First wait after a failed draft; it doubles per attempt.
const RETRY_MS: i64 = 60_000;

/// Longest wait after a failed draft.
const MAX_RETRY_MS: i64 = 6 * 60 * 60 * 1000;

/// What became of a topic at the model, not stored yet.
pub(super) struct Written {
    page: Page,
    draft: Result<(PageDraft, GateReport, String), ModelError>,
    spend: Vec<NewSpend>,
}

impl Written {
    /// Whether no other topic would fare better.
    pub(super) fn is_hopeless(&self) -> bool {
        self.draft.as_ref().is_err_and(needs_a_person)
    }
}

impl Generator {
    /// Drafts a topic; the store is not asked.
    pub(super) async fn draft(&self, page: Page) -> Written {
        let mut spend = Vec::new();
        let draft = self.write(&page, &mut spend).await;
        Written { page, draft, spend }
    }

    /// Stores what became of a topic.
    pub(super) async fn settle(&self, written: Written) -> Result<Drafted> {
        let Written { page, draft, spend } = written;
        match draft {
            Ok((draft, gates, model)) if gates.passes() => self.save(page, draft, &gates, model, spend).await,
            Ok((_, gates, _)) => self.give_back(page, Failure::content(gates.summary()), spend).await,
            Err(error) => self.give_back(page, Failure::of(&error), spend).await,
        }
    }

    /// Puts a topic back that was claimed and not begun; the attempt does not count.
    pub(super) async fn put_back(&self, page: &Page) -> Result<()> {
        let change = Transition {
            release: true,
            ..Transition::to(Status::Planned)
        };
        let (op, page) = (Op::at(platform::now_ms()), page.to_ref());
        match self.store.transition(&op, &page, &change).await {
            // Another run has it by now.
            Ok(_) | Err(StoreError::StaleVersion { .. } | StoreError::IllegalTransition { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks the model, and sends a draft that fails a gate back to it as often as the settings allow.
    async fn write(
        &self,
        page: &Page,
        spend: &mut Vec<NewSpend>,
    ) -> Result<(PageDraft, GateReport, String), ModelError> {
        let deadline_ms = platform::now_ms() + i64::from(self.config.model.timeout_seconds) * 1_000;
        let of = (page, self.config.poster.campaign.as_str());
        let mut request = prompt::page(&self.config, page);
        let mut repairs = 0;
        loop {
            let object = match self.model.generate_object::<PageDraft>(&request).await {
                Ok(object) => object,
                Err(error) => {
                    spend.extend(spend::of_failure(of, "page", &error));
                    return Err(error);
                }
            };
            spend.push(spend::of_response(of, "page", &object.response, object.usage));
            let draft = sanitise::sanitise(object.value);
            let gates = gates::check(&draft, &self.config.gates);
            // One deadline for the draft and its repairs, or the topic's lease would end under them.
            let left = u64::try_from(deadline_ms - platform::now_ms()).unwrap_or(0);
            if gates.passes() || repairs >= self.config.generator.gate_repairs || left == 0 {
                return Ok((draft, gates, object.response.model));
            }
            repairs += 1;
            let body = json!(draft);
            request = prompt::repair(&self.config, page, &body, &gates).timeout(Duration::from_millis(left));
        }
    }

    async fn save(
        &self,
        page: Page,
        draft: PageDraft,
        gates: &GateReport,
        model: String,
        spend: Vec<NewSpend>,
    ) -> Result<Drafted> {
        let slug = page.slug.clone();
        let (to, outbox) = if self.config.generator.review {
            (Status::InReview, Vec::new())
        } else {
            (Status::Published, vec![announcement(&page)?])
        };
        let content = Content {
            canonical_url: self.config.site.page_url(&page.slug),
            title: draft.title,
            description: draft.description,
            keywords: draft.keywords,
            body_html: draft.body_html,
            image_prompt: draft.image_prompt,
            hooks: draft.hooks,
            quality: json!(gates),
            model: text::name(&model),
            word_count: gates.words,
        };
        let save = SavePage {
            content,
            to,
            outbox,
            spend,
        };
        match self
            .store
            .save(&Op::at(platform::now_ms()), &page.to_ref(), &save)
            .await
        {
            Ok(_) if to == Status::InReview => Ok(Drafted::InReview { slug }),
            Ok(_) => Ok(Drafted::Published { slug }),
            // The lease ended and another run has the topic: its draft counts, ours is dropped.
            Err(StoreError::StaleVersion { .. } | StoreError::IllegalTransition { .. }) => {
                self.lost(slug, save.spend).await
            }
            Err(
                error @ (StoreError::Conflict { .. } | StoreError::InvalidInput { .. } | StoreError::TooLarge { .. }),
            ) => {
                self.give_back(page, Failure::content(error.to_string()), save.spend)
                    .await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Another run has the topic; what this one cost is kept.
    async fn lost(&self, slug: String, spend: Vec<NewSpend>) -> Result<Drafted> {
        if !spend.is_empty() {
            self.store.record_spend(&Op::at(platform::now_ms()), &spend).await?;
        }
        Ok(Drafted::Lost { slug })
    }

    /// Puts the topic back for a later run, or marks it failed when its attempts are used up.
    async fn give_back(&self, page: Page, failure: Failure, spend: Vec<NewSpend>) -> Result<Drafted> {
        let now = platform::now_ms();
        let last = failure.counts && page.attempts >= self.config.generator.max_attempts;
        let wait = failure
            .wait_ms
            .unwrap_or(RETRY_MS << page.attempts.min(12))
            .clamp(0, MAX_RETRY_MS);
        let change = Transition {
            to: if last { Status::Failed } else { Status::Planned },
            reason: Some(failure.message.clone()),
            not_before_ms: (!last).then_some(now + wait),
            release: !failure.counts,
            outbox: Vec::new(),
            spend,
        };
        match self.store.transition(&Op::at(now), &page.to_ref(), &change).await {
            Ok(_) => {}
            Err(StoreError::StaleVersion { .. } | StoreError::IllegalTransition { .. }) => {
                return self.lost(page.slug, change.spend).await;
            }
            Err(error) => return Err(error.into()),
        }
        tracing::warn!(slug = page.slug, reason = failure.message, failed = last, "not drafted");
        Ok(if last {
            Drafted::Failed {
                slug: page.slug,
                reason: failure.message,
            }
        } else {
            Drafted::Postponed {
                slug: page.slug,
                reason: failure.message,
                stop: failure.stop,
            }
        })
    }
}

/// The outbox row that tells the poster of a page.
pub(crate) fn announcement(page: &Page) -> Result<NewOutbox> {
    let message = PageMessage {
        bookmark: None,
        page_id: page.id.to_string(),
    };
    Ok(NewOutbox {
        topic: PAGE_PUBLISHED.into(),
        payload: serde_json::to_value(message)?,
    })
}

/// Why a topic was not drafted, and what follows.
struct Failure {
    message: String,
    /// Whether this was the topic's fault and uses up an attempt for good.
    counts: bool,
    /// Whether no other topic would fare better.
    stop: bool,
    wait_ms: Option<i64>,
}

impl Failure {
    fn content(message: String) -> Self {
        Self {
            message,
            counts: true,
            stop: false,
            wait_ms: None,
        }
    }

    fn of(error: &ModelError) -> Self {
        let stop = needs_a_person(error);
        let wait_ms = error
            .retry_after()
            .and_then(|wait| i64::try_from(wait.as_millis()).ok());
        Self {
            message: text::sentence(&error.to_string()),
            counts: !stop && !error.is_retryable(),
            stop,
            wait_ms,
        }
    }
}

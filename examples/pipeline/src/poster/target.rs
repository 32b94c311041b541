//! One page on one target, from claim to receipt.

use std::time::Duration;

use presswork_content_store::{Error as StoreError, Op, Page, PostClaim, PostKey, PostOutcome, PostRecord};
use presswork_social::{Attempt, Error as SocialError, Evidence, Post, Published, Reconciled, SocialTarget};
use serde_json::Value;

use super::{Poster, Step};
use crate::text;

/// First wait after a refusal that names none; it doubles with each round.
const RETRY_WAIT: Duration = Duration::from_secs(60);

/// Longest wait after a refusal that names none.
const MAX_RETRY_WAIT: Duration = Duration::from_secs(6 * 60 * 60);

/// Wait after credentials were refused or the account was paused: a person has to act.
const ACCOUNT_WAIT: Duration = Duration::from_secs(15 * 60);

/// The first look for a post whose outcome is unknown comes soon: most such posts are there and only their answer was lost.
/// A network that may still be working on one says so, and when to come again.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// When to look again for a post of which the network cannot tell: seconds since it was armed, and the wait from there.
/// Past the last it is parked for a person.
const LOOKS: [(i64, Duration); 3] = [
    (15, Duration::from_secs(15)),
    (75, Duration::from_secs(60)),
    (375, Duration::from_secs(300)),
];

impl Poster {
    pub(super) async fn post(&self, target: &dyn SocialTarget, page: &Page) -> Step {
        match self.try_post(target, page).await {
            Ok(step) => step,
            Err(error) => {
                tracing::warn!(%error, slug = page.slug, network = target.network(), "the ledger cannot be used");
                Step::Later(RETRY_WAIT, error.to_string())
            }
        }
    }

    async fn try_post(&self, target: &dyn SocialTarget, page: &Page) -> Result<Step, StoreError> {
        let key = PostKey {
            page_id: page.id,
            target: target.network().to_owned(),
            account: target.account().to_owned(),
            campaign: self.config.poster.campaign.clone(),
        };
        let now = self.now_ms();
        match self
            .store
            .claim_post(&Op::at(now), &key, &self.owner, self.lease())
            .await?
        {
            PostClaim::Posted(_) => Ok(Step::Done),
            PostClaim::Busy { until_ms } => Ok(later_at(until_ms, now, "another consumer has the post")),
            PostClaim::NotBefore { at_ms } => Ok(later_at(at_ms, now, "it is too early to try again")),
            PostClaim::Closed(record) => Ok(Step::Dead(
                record.last_error.unwrap_or_else(|| record.status.to_string()),
            )),
            PostClaim::Claimed(record) => self.publish(target, page, &record).await,
            PostClaim::Unsettled(record) => self.reconcile(target, &record).await,
        }
    }

    /// Arms the post, publishes it once, records what came of it.
    async fn publish(&self, target: &dyn SocialTarget, page: &Page, claimed: &PostRecord) -> Result<Step, StoreError> {
        let post = match self.variant(target, page, claimed).await {
            Ok(post) => post,
            Err(refusal) => {
                let wait = refusal.again.then(|| refusal.wait.unwrap_or_else(|| backoff(claimed)));
                return self.refused(claimed, refusal.message, wait).await;
            }
        };
        let payload = match serde_json::to_value(&post) {
            Ok(payload) => payload,
            Err(error) => return self.refused(claimed, error.to_string(), None).await,
        };
        let op = Op::at(self.now_ms());
        let armed = self
            .store
            .arm_post(&op, &claimed.to_ref(), &post.text, &payload, self.lease())
            .await?;
        match target.publish(&post).await {
            Ok(published) => self.posted(&armed, published).await,
            Err(error) => self.failed(&armed, error).await,
        }
    }

    /// Asks the network what became of an attempt. Only the answer that it is absent lets it be tried again.
    async fn reconcile(&self, target: &dyn SocialTarget, record: &PostRecord) -> Result<Step, StoreError> {
        let post: Post = match serde_json::from_value(record.payload.clone()) {
            Ok(post) => post,
            Err(error) => {
                return self
                    .park(record, format!("the armed post cannot be read back: {error}"))
                    .await;
            }
        };
        let mut attempt = Attempt::new(post, record.in_flight_at_ms.unwrap_or(record.updated_at_ms));
        if let Ok(evidence) = serde_json::from_value::<Evidence>(record.evidence.clone()) {
            attempt = attempt.evidence(evidence);
        }
        match target.reconcile(&attempt).await {
            Ok(Reconciled::Found(published)) => self.posted(record, published).await,
            Ok(Reconciled::Absent) => {
                self.refused(
                    record,
                    "the network does not have the post".into(),
                    Some(Duration::ZERO),
                )
                .await
            }
            Ok(Reconciled::CannotTell { why }) => self.cannot_tell(record, why).await,
            Ok(_) => {
                self.park(
                    record,
                    "the network answered in a way this version does not know".into(),
                )
                .await
            }
            // The question failed, not the post: asked again later, however long it takes.
            Err(error) => {
                let wait = error.retry_after().unwrap_or_else(|| backoff(record));
                self.look_later(record, record.evidence.clone(), error.to_string(), wait)
                    .await
            }
        }
    }

    async fn failed(&self, armed: &PostRecord, error: SocialError) -> Result<Step, StoreError> {
        let message = text::sentence(&error.to_string());
        tracing::warn!(error = message, network = armed.key.target, "not posted");
        // Also a duplicate: the network has the post, from an attempt whose answer was lost.
        if let Some(evidence) = error.evidence() {
            let evidence = serde_json::to_value(evidence).unwrap_or_default();
            return self.look_later(armed, evidence, message, FIRST_LOOK).await;
        }
        let wait = match error {
            SocialError::Unauthenticated { .. } | SocialError::PauseAccount { .. } => Some(ACCOUNT_WAIT),
            _ if error.is_retryable() => Some(error.retry_after().unwrap_or_else(|| backoff(armed))),
            _ => None,
        };
        self.refused(armed, message, wait).await
    }

    async fn posted(&self, record: &PostRecord, published: Published) -> Result<Step, StoreError> {
        self.settle(
            record,
            PostOutcome::Posted {
                remote_id: published.id,
                url: published.url,
            },
        )
        .await?;
        Ok(Step::Done)
    }

    /// Nothing was posted: again after `wait`, or never.
    async fn refused(&self, record: &PostRecord, error: String, wait: Option<Duration>) -> Result<Step, StoreError> {
        let Some(wait) = wait else {
            self.settle(record, PostOutcome::Rejected { error: error.clone() })
                .await?;
            return Ok(Step::Dead(error));
        };
        let not_before_ms = self.now_ms() + millis(wait);
        self.settle(
            record,
            PostOutcome::Retry {
                error: error.clone(),
                not_before_ms,
            },
        )
        .await?;
        Ok(Step::Later(wait, error))
    }

    /// The post may exist: look for it after a while, park it when the looks are used up.
    async fn cannot_tell(&self, record: &PostRecord, error: String) -> Result<Step, StoreError> {
        let since = (self.now_ms() - record.in_flight_at_ms.unwrap_or(record.updated_at_ms)) / 1_000;
        match LOOKS.into_iter().find(|(until, _)| since < *until) {
            Some((_, wait)) => self.look_later(record, record.evidence.clone(), error, wait).await,
            None => {
                self.park(
                    record,
                    format!("whether it was posted is unknown, a person has to look: {error}"),
                )
                .await
            }
        }
    }

    async fn look_later(
        &self,
        record: &PostRecord,
        evidence: Value,
        error: String,
        wait: Duration,
    ) -> Result<Step, StoreError> {
        let not_before_ms = self.now_ms() + millis(wait);
        self.settle(
            record,
            PostOutcome::Unknown {
                evidence,
                error: error.clone(),
                not_before_ms,
            },
        )
        .await?;
        Ok(Step::Later(wait, error))
    }

    async fn park(&self, record: &PostRecord, error: String) -> Result<Step, StoreError> {
        self.settle(record, PostOutcome::Parked { error: error.clone() })
            .await?;
        Ok(Step::Dead(error))
    }

    async fn settle(&self, record: &PostRecord, outcome: PostOutcome) -> Result<(), StoreError> {
        let op = Op::at(self.now_ms());
        match self.store.settle_post(&op, &record.to_ref(), &outcome).await {
            // A receipt is worth a second try, and the same op is safe to repeat.
            Err(error) if error.is_retryable() => self.store.settle_post(&op, &record.to_ref(), &outcome).await,
            result => result,
        }
        .map(drop)
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(self.config.poster.lease_seconds.into())
    }
}

/// A network that is down for hours must not use up a message's deliveries in minutes. Each round writes the row two or
/// three times, so its version tells how many there were.
fn backoff(record: &PostRecord) -> Duration {
    let rounds = u32::try_from(record.version / 3).unwrap_or(u32::MAX).min(16);
    (RETRY_WAIT * 2_u32.pow(rounds)).min(MAX_RETRY_WAIT)
}

fn later_at(at_ms: i64, now: i64, why: &str) -> Step {
    Step::Later(
        Duration::from_millis(u64::try_from(at_ms - now).unwrap_or(0) + 1),
        why.into(),
    )
}

fn millis(wait: Duration) -> i64 {
    i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 4)
}

//! `presswork redrive`: another chance for what was given up.

use presswork_content_store::{Op, PostOutcome, PostStatus, Status, Transition};
use presswork_queue::{DeadLetterFilter, DeadLetters};
use serde_json::json;

use crate::cli::Common;
use crate::exit::Outcome;
use crate::settings::Settings;
use crate::{compose, listing, output};

/// Plans failed topics again, reopens rejected posts, and puts dead letters back into the queue.
///
/// Parked posts stay: whether they were posted is unknown, and only a person can tell.
///
/// # Errors
/// When store or queue cannot be used; what was redriven before stays so.
pub(crate) async fn run(common: &Common, dry_run: bool) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    settings.need_data_folder()?;
    let store = compose::store(&settings, false).await?;
    let queue = compose::queue(&settings, false).await?;

    let topics = listing::pages(&settings, store.as_ref(), Status::Failed).await?;
    let posts = listing::posts(&settings, store.as_ref(), Some(PostStatus::Rejected), usize::MAX).await?;
    let parked = listing::posts(&settings, store.as_ref(), Some(PostStatus::Parked), usize::MAX).await?;
    if !dry_run {
        for page in &topics {
            store
                .transition(&Op::now(), &page.to_ref(), &Transition::to(Status::Planned))
                .await?;
        }
        for post in &posts {
            let op = Op::now();
            let outcome = PostOutcome::Retry {
                error: post.last_error.clone().unwrap_or_default(),
                not_before_ms: op.at_ms,
            };
            store.settle_post(&op, &post.to_ref(), &outcome).await?;
        }
    }
    // Last: a message that comes back finds its post open again.
    let redriven = DeadLetters::redrive(&queue, &DeadLetterFilter::all(), dry_run).await?;

    if common.json {
        output::json(&json!({
            "dry_run": dry_run, "topics": topics.len(), "posts": posts.len(), "messages": redriven.ids.len(),
            "parked": parked.iter().map(|post| json!({ "page_id": post.key.page_id, "target": post.key.target, "error": post.last_error })).collect::<Vec<_>>(),
        }))?;
        return Ok(Outcome::Done);
    }
    let would = if dry_run { "would be " } else { "" };
    output::text(&format!(
        "{} topics {would}planned again, {} posts {would}reopened, {} messages {would}put back",
        topics.len(),
        posts.len(),
        redriven.ids.len()
    ))?;
    if !parked.is_empty() {
        output::text(&format!(
            "{} posts are parked: look on the network whether they are there (`presswork posts --status parked`), then say so (`presswork resolve`)",
            parked.len()
        ))?;
    }
    Ok(Outcome::Done)
}

//! What waits for a person.

use presswork_content_store::{ContentStore, PageQuery, PostQuery, PostStatus, Status};
use presswork_queue::{DeadLetterFilter, DeadLetters};
use serde::Serialize;

use crate::compose::WholeQueue;
use crate::output;
use crate::settings::Settings;

/// Rows of each kind.
const ROWS: usize = 10;

/// One thing that does not go on by itself.
#[derive(Debug, Serialize)]
pub(crate) struct Attention {
    /// What it is.
    pub(crate) what: &'static str,
    /// Its slug, or the id of a message.
    pub(crate) name: String,
    /// Whether its page can be looked at on the local site.
    pub(crate) visible: bool,
    /// Why it waits.
    pub(crate) why: String,
    /// What to do.
    pub(crate) todo: String,
}

/// Pages in review and failed ones, posts that need a word, dead letters: ten of each at most.
///
/// # Errors
/// When store or queue cannot be read.
pub(super) async fn read(
    settings: &Settings,
    store: &dyn ContentStore,
    queue: &dyn WholeQueue,
) -> anyhow::Result<Vec<Attention>> {
    let site = &settings.pipeline.site.id;
    let mut found = Vec::new();
    for (status, what) in [(Status::InReview, "page in review"), (Status::Failed, "failed topic")] {
        let query = PageQuery {
            site: site.clone(),
            status: Some(status),
        };
        for page in store.list(&query, None, ROWS as u32).await?.items {
            let review = status == Status::InReview;
            found.push(Attention {
                what,
                visible: review,
                why: match review {
                    true => page.title.unwrap_or_default(),
                    false => output::plain(page.last_error.as_deref().unwrap_or("no reason was kept")),
                },
                todo: match review {
                    true => format!("presswork review approve {}", page.slug),
                    false => "presswork redrive".into(),
                },
                name: page.slug,
            });
        }
    }
    for (status, what) in [
        (PostStatus::Parked, "post of unknown outcome"),
        (PostStatus::Rejected, "refused post"),
    ] {
        let query = PostQuery {
            site: Some(site.clone()),
            status: Some(status),
            ..PostQuery::default()
        };
        for post in store.list_posts(&query, None, ROWS as u32).await?.items {
            let page = store.get(&post.key.page_id).await?;
            let slug = page.map_or_else(|| post.key.page_id.to_string(), |page| page.slug);
            found.push(Attention {
                what,
                visible: true,
                why: format!(
                    "{}: {}",
                    post.key.target,
                    output::plain(post.last_error.as_deref().unwrap_or("no reason was kept"))
                ),
                todo: match status {
                    PostStatus::Parked => format!("presswork resolve {slug} --posted URL, or --absent"),
                    _ => "presswork redrive".into(),
                },
                name: slug,
            });
        }
    }
    for letter in DeadLetters::list(queue, &DeadLetterFilter::all(), None, ROWS).await? {
        found.push(Attention {
            what: "dead letter",
            visible: false,
            name: letter.id.to_string(),
            why: format!(
                "{} (delivered {} times)",
                output::plain(letter.last_error.as_deref().unwrap_or(&letter.reason)),
                letter.attempts
            ),
            todo: "presswork redrive".into(),
        });
    }
    Ok(found)
}

//! `presswork posts`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use presswork_content_store::PostStatus;
use serde_json::json;

use crate::cli::Common;
use crate::exit::{BadSettings, Outcome};
use crate::settings::Settings;
use crate::{compose, listing, output};

/// Lists posts, at most `limit`.
///
/// # Errors
/// [`BadSettings`] for an unknown status; when the store cannot be read.
pub(crate) async fn run(common: &Common, status: Option<&str>, limit: u32) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    settings.need_data_folder()?;
    let status = status.map(parse).transpose()?;
    let store = compose::store(&settings, false).await?;
    let posts = listing::posts(&settings, store.as_ref(), status, limit as usize).await?;
    let mut slugs = HashMap::new();
    for post in &posts {
        let id = post.key.page_id;
        if let Entry::Vacant(slug) = slugs.entry(id) {
            let page = store.get(&id).await?;
            slug.insert(page.map(|page| page.slug).unwrap_or_default());
        }
    }
    if common.json {
        let documents: Vec<_> = posts
            .iter()
            .map(|post| {
                json!({
                    "page_id": post.key.page_id, "slug": slugs[&post.key.page_id], "target": post.key.target,
                    "account": post.key.account, "campaign": post.key.campaign, "status": post.status,
                    "attempts": post.attempts, "text": post.text, "url": post.url, "remote_id": post.remote_id,
                    "last_error": post.last_error, "posted_at_ms": post.posted_at_ms,
                })
            })
            .collect();
        output::json(&documents)?;
        return Ok(Outcome::Done);
    }
    if posts.is_empty() {
        output::text("no posts")?;
        return Ok(Outcome::Done);
    }
    let rows = posts
        .iter()
        .map(|post| {
            let when = post.posted_at_ms.unwrap_or(post.updated_at_ms);
            let text = post.text.as_deref().or(post.last_error.as_deref()).unwrap_or_default();
            vec![
                output::time(when),
                slugs[&post.key.page_id].clone(),
                post.key.target.clone(),
                post.status.to_string(),
                shorten(text),
            ]
        })
        .collect();
    let heads = ["When (UTC)", "Page", "Target", "Status", "Text"];
    output::text(&output::table(&heads, rows, false).to_string())?;
    if status == Some(PostStatus::Parked) {
        output::text("\n`presswork resolve PAGE --posted URL` or `presswork resolve PAGE --absent` says what you saw")?;
    }
    Ok(Outcome::Done)
}

fn parse(name: &str) -> anyhow::Result<PostStatus> {
    PostStatus::parse(name).ok_or_else(|| {
        let known: Vec<_> = PostStatus::ALL.into_iter().map(PostStatus::as_str).collect();
        BadSettings(format!("--status is {name:?}, expected one of {}", known.join(", "))).into()
    })
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(77).collect();
    if text.chars().nth(77).is_some() {
        short.push_str("...");
    }
    short
}

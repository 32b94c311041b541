//! `presswork review`.

use std::sync::Arc;

use anyhow::Context;
use presswork_content_store::{ContentStore, Page, PageSummary, Status};
use presswork_pipeline::{Relay, review};
use serde_json::json;

use crate::cli::{Common, Verdict};
use crate::exit::Outcome;
use crate::settings::Settings;
use crate::{compose, export, listing, output};

/// Lists the pages in review, or settles some.
///
/// # Errors
/// When a slug names no page in review: nothing is changed then. When a page of several cannot be published:
/// the others are.
pub(crate) async fn run(common: &Common, verdict: Option<&Verdict>) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    settings.need_data_folder()?;
    let store = compose::store(&settings, false).await?;
    match verdict {
        None => list(
            common,
            &listing::pages(&settings, store.as_ref(), Status::InReview).await?,
        ),
        Some(Verdict::Approve { slugs, all }) => {
            let slugs = if *all {
                listing::pages(&settings, store.as_ref(), Status::InReview)
                    .await?
                    .into_iter()
                    .map(|page| page.slug)
                    .collect()
            } else {
                slugs.clone()
            };
            let pages = in_review(&settings, store.as_ref(), &slugs).await?;
            let mut published = 0;
            let mut failed = Vec::new();
            for page in &pages {
                match review::approve(store.as_ref(), page).await {
                    Ok(_) => published += 1,
                    Err(error) => failed.push(format!("{}: {error}", page.slug)),
                }
            }
            // What is published is announced and written, whatever became of the others.
            let queue = compose::queue(&settings, false).await?;
            Relay::new(Arc::clone(&store), Arc::new(queue)).drain().await?;
            export::write(&settings, store.as_ref()).await?;
            if !failed.is_empty() {
                anyhow::bail!("{} ({published} of {} published)", failed.join("; "), pages.len());
            }
            say(common, "published", &pages)
        }
        Some(Verdict::Reject { slugs, reason }) => {
            let pages = in_review(&settings, store.as_ref(), slugs).await?;
            for page in &pages {
                review::reject(store.as_ref(), page, reason.clone())
                    .await
                    .with_context(|| page.slug.clone())?;
            }
            say(common, "rejected", &pages)
        }
    }
}

/// Every page is read before any is changed, so that a typing error changes nothing.
async fn in_review(settings: &Settings, store: &dyn ContentStore, slugs: &[String]) -> anyhow::Result<Vec<Page>> {
    let site = &settings.pipeline.site;
    let mut pages: Vec<Page> = Vec::with_capacity(slugs.len());
    for slug in slugs {
        if pages.iter().any(|page| page.slug == *slug) {
            continue;
        }
        let page = store
            .get_by_slug(&site.id, &site.locale, slug)
            .await?
            .with_context(|| format!("no page {slug:?}"))?;
        if page.status != Status::InReview {
            anyhow::bail!("page {slug:?} is {}, not in review", page.status);
        }
        pages.push(page);
    }
    Ok(pages)
}

fn list(common: &Common, pages: &[PageSummary]) -> anyhow::Result<Outcome> {
    if common.json {
        output::json(&pages)?;
    } else if pages.is_empty() {
        output::text("no page waits for review")?;
    } else {
        let rows = pages
            .iter()
            .map(|page| {
                vec![
                    page.slug.clone(),
                    page.title.clone().unwrap_or_default(),
                    output::time(page.updated_at_ms),
                ]
            })
            .collect();
        output::text(&output::table(&["Slug", "Title", "Drafted (UTC)"], rows, false).to_string())?;
        output::text("\n`presswork review approve SLUG...` publishes, `presswork review reject SLUG...` refuses")?;
    }
    Ok(Outcome::Done)
}

fn say(common: &Common, verdict: &str, pages: &[Page]) -> anyhow::Result<Outcome> {
    let slugs: Vec<_> = pages.iter().map(|page| page.slug.as_str()).collect();
    if common.json {
        output::json(&json!({ verdict: slugs }))?;
    } else {
        output::text(&format!(
            "{} {verdict}",
            if slugs.len() == 1 {
                "1 page".into()
            } else {
                format!("{} pages", slugs.len())
            }
        ))?;
    }
    Ok(Outcome::Done)
}

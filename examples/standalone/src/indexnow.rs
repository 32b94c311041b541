//! Tells search engines of new and changed pages, when the settings have a key for it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use presswork_pipeline::site::{Entry, indexnow};

use crate::settings::Settings;

/// The file in the data folder that says up to which change (epoch ms) engines were told.
const TOLD: &str = "indexnow";

/// How long an engine may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends the addresses that are new or changed since the last time. A failure costs nothing: they are sent with the next
/// ones, and engines find them in the sitemap.
pub(crate) async fn tell(settings: &Settings, entries: &[Entry]) {
    if settings.pipeline.site.indexnow_key.is_some()
        && let Err(error) = send(settings, entries).await
    {
        tracing::warn!(
            error = format!("{error:#}"),
            "search engines were not told of the new pages"
        );
    }
}

async fn send(settings: &Settings, entries: &[Entry]) -> anyhow::Result<()> {
    let site = &settings.pipeline.site;
    let file = settings.data.join(TOLD);
    let told = read(&file);
    let changed = || entries.iter().filter(|entry| entry.modified_at_ms > told);
    let Some(latest) = changed().map(|entry| entry.modified_at_ms).max() else {
        return Ok(());
    };
    let slugs: Vec<&str> = changed().map(|entry| entry.slug.as_str()).collect();
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    for batch in slugs.chunks(indexnow::BATCH) {
        let Some(body) = indexnow::submission(site, batch) else {
            return Ok(());
        };
        let request = client
            .post(&site.indexnow_endpoint)
            .header("content-type", "application/json; charset=utf-8")
            .body(body.to_string());
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        indexnow::said(answer.status().as_u16()).map_err(anyhow::Error::msg)?;
    }
    tracing::info!(pages = slugs.len(), "search engines were told of new pages");
    std::fs::write(&file, latest.to_string()).with_context(|| format!("cannot write {}", file.display()))
}

fn read(file: &Path) -> i64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

//! The public site as files.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

use anyhow::Context;
use presswork_content_store::{ContentStore, Status};
use presswork_pipeline::config::SiteConfig;
use presswork_pipeline::site::{self, Entry};

use crate::listing;
use crate::settings::Settings;

/// Entries on the home page; the sitemap has all.
const HOME: usize = 500;

/// A time no record is later than, for queries without an end.
pub(crate) const FAR_FUTURE_MS: i64 = 1 << 52;

/// The entries of the home page: the newest first.
#[must_use]
pub(crate) fn newest(entries: &[Entry]) -> Vec<Entry> {
    let mut entries = entries.to_vec();
    entries.sort_by(|a, b| {
        b.published_at_ms
            .cmp(&a.published_at_ms)
            .then_with(|| a.slug.cmp(&b.slug))
    });
    entries.truncate(HOME);
    entries
}

/// Names what every written page depends on besides its content.
const RENDERED: &str = ".rendered";

/// Writes home page, sitemap, robots, feed, and each page that is new or changed since it was written; all of them when
/// the site's settings or the program are others.
///
/// # Errors
/// When the store cannot be read or a file cannot be written; the message names the file.
pub(crate) async fn write(settings: &Settings, store: &dyn ContentStore) -> anyhow::Result<u64> {
    let config = &settings.pipeline.site;
    let folder = settings.data.join("site");
    let pages = listing::pages(settings, store, Status::Published).await?;
    let rendered = rendered(config)?;
    let marker = folder.join(RENDERED);
    let same = fs::read_to_string(&marker).is_ok_and(|before| before == rendered);
    if !same && marker.exists() {
        // Gone until every page is written, so that a run cut short is not taken for a whole one.
        fs::remove_file(&marker).with_context(|| format!("cannot remove {}", marker.display()))?;
    }
    for summary in &pages {
        let file = folder.join(&summary.slug).join("index.html");
        if same && is_current(&file, summary.modified_at_ms.or(summary.published_at_ms)) {
            continue;
        }
        let Some(page) = store.get(&summary.id).await? else {
            continue;
        };
        if let Some(html) = site::page(config, &page) {
            put(&file, &html)?;
        }
    }
    let entries: Vec<Entry> = pages.iter().filter_map(Entry::of).collect();
    put(&folder.join("index.html"), &site::home(config, &newest(&entries)))?;
    put(&folder.join("sitemap.xml"), &site::sitemap(config, &entries)?)?;
    put(&folder.join("feed.xml"), &site::feed(config, &entries)?)?;
    put(&folder.join("robots.txt"), &site::robots(config))?;
    put(&marker, &rendered)?;
    Ok(entries.len() as u64)
}

/// One line for settings and program: another line, other pages.
fn rendered(config: &SiteConfig) -> anyhow::Result<String> {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(config)?.hash(&mut hasher);
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Whether the file was written after the page changed last.
fn is_current(file: &Path, changed_ms: Option<i64>) -> bool {
    let written = fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    let written = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let written = written.and_then(|since| i64::try_from(since.as_millis()).ok());
    matches!((written, changed_ms), (Some(written), Some(changed)) if written > changed)
}

/// A reader never sees half a file: it is written beside and moved into place.
fn put(file: &Path, text: &str) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        // A review and `serve` may write at once.
        let beside = file.with_extension(format!("{}.new", std::process::id()));
        fs::write(&beside, text)?;
        fs::rename(&beside, file)
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

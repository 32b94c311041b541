//! The public site as files.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use presswork_content_store::{ContentStore, Redirect};
use presswork_pipeline::config::SiteConfig;
use presswork_pipeline::site::{self, Document, Entries};

use crate::compose;
use crate::indexnow;
use crate::settings::Settings;

/// A time no record is later than, for queries without an end.
pub(crate) const FAR_FUTURE_MS: i64 = 1 << 52;

/// Slugs of the pages that were written, and of those that lead to another.
const WRITTEN: &str = ".written";

/// Names what every written page depends on besides its content.
const RENDERED: &str = ".rendered";

/// Writes home pages, sitemaps, robots, feed, and each page that is new or changed since it was written; all of them when
/// the site's settings or the program are others. Then search engines are told, if the settings say so.
///
/// # Errors
/// When the store cannot be read or a file cannot be written; the message names the file.
pub(crate) async fn write(settings: &Settings, store: &dyn ContentStore) -> anyhow::Result<u64> {
    let config = &settings.pipeline.site;
    let folder = settings.data.join("site");
    let entries = Entries::read(store, config).await?;
    let rendered = rendered(config)?;
    let marker = folder.join(RENDERED);
    let same = fs::read_to_string(&marker).is_ok_and(|before| before == rendered);
    if !same && marker.exists() {
        // Gone until every page is written, so that a run cut short is not taken for a whole one.
        fs::remove_file(&marker).with_context(|| format!("cannot remove {}", marker.display()))?;
    }
    // Known before it is written, so that nothing of a run cut short stays for ever.
    let list = folder.join(WRITTEN);
    let before = slugs_in(&list);
    let now: BTreeSet<String> = entries.all().iter().map(|entry| entry.slug.clone()).collect();
    put(&list, &lines(before.union(&now)))?;
    let cards = compose::cards(settings);
    for entry in entries.all() {
        let file = folder.join(&entry.slug).join("index.html");
        if same && is_current(&file, entry.modified_at_ms) {
            continue;
        }
        let page = store.get_by_slug(&config.id, &config.locale, &entry.slug).await?;
        let Some(page) = page else { continue };
        let Some(html) = site::page(config, &page) else {
            continue;
        };
        // Before the page, which leads to it.
        let card = file.with_file_name(site::CARD);
        match &cards {
            Some(cards) => {
                if let Some(image) = site::card(cards, config, &page).await? {
                    put(&card, &image.bytes)?;
                }
            }
            None => drop(remove(&card)?),
        }
        put(&file, &html)?;
    }
    let documents: Vec<_> = Document::all(config, &entries).collect();
    for document in &documents {
        if let Some(text) = document.render(config, &entries)? {
            put(&file_of(&folder, *document, config), &text)?;
        }
    }
    remove_later(&folder, config, &documents)?;
    let moved = replace_stale(store, config, &folder, before.difference(&now)).await?;
    put(&list, &lines(now.union(&moved)))?;
    put(&marker, &rendered)?;
    indexnow::tell(settings, entries.all()).await;
    Ok(entries.all().len() as u64)
}

fn slugs_in(list: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(list).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn lines<'s>(slugs: impl Iterator<Item = &'s String>) -> String {
    slugs.fold(String::new(), |text, slug| text + slug + "\n")
}

/// What was written and is no page any more leads to the page's new address, or is removed. The answer is what leads.
async fn replace_stale<'s>(
    store: &dyn ContentStore,
    config: &SiteConfig,
    folder: &Path,
    stale: impl Iterator<Item = &'s String>,
) -> anyhow::Result<BTreeSet<String>> {
    let mut moved = BTreeSet::new();
    for slug in stale {
        let file = folder.join(slug).join("index.html");
        remove(&file.with_file_name(site::CARD))?;
        if let Some(Redirect::To(to)) = store.redirect(&config.id, &config.locale, slug).await? {
            put(&file, &site::moved(config, &to))?;
            moved.insert(slug.clone());
        } else {
            remove(&file)?;
            // Only when nobody put something else there.
            let _ = fs::remove_dir(folder.join(slug));
        }
    }
    Ok(moved)
}

/// Whether it was there.
fn remove(file: &Path) -> anyhow::Result<bool> {
    match fs::remove_file(file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot remove {}", file.display())),
    }
}

fn file_of(folder: &Path, document: Document, config: &SiteConfig) -> PathBuf {
    let path = document.path(config);
    let file = folder.join(path.trim_start_matches('/'));
    if path.ends_with('/') {
        file.join("index.html")
    } else {
        file
    }
}

/// Removes numbered documents past the last: of a time when there were more pages.
fn remove_later(folder: &Path, config: &SiteConfig, documents: &[Document]) -> anyhow::Result<()> {
    for number_of in [Document::Home as fn(usize) -> Document, Document::SitemapPart] {
        let is_there = |number: &usize| documents.contains(&number_of(*number));
        let first = (1..).find(|number| !is_there(number)).unwrap_or(usize::MAX);
        for number in first.. {
            let file = file_of(folder, number_of(number), config);
            if !remove(&file)? {
                break;
            }
        }
    }
    Ok(())
}

/// One line for settings and program: another line, other pages.
fn rendered(config: &SiteConfig) -> anyhow::Result<String> {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(config)?.hash(&mut hasher);
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Whether the file was written after the page changed last.
fn is_current(file: &Path, changed_ms: i64) -> bool {
    let written = fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    let written = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let written = written.and_then(|since| i64::try_from(since.as_millis()).ok());
    written.is_some_and(|written| written > changed_ms)
}

/// A reader never sees half a file: it is written beside and moved into place.
fn put(file: &Path, text: &(impl AsRef<[u8]> + ?Sized)) -> anyhow::Result<()> {
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

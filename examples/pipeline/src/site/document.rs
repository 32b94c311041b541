//! What a site has besides its pages: home pages, sitemaps, the feed, robots and the IndexNow key.

use std::io;

use presswork_content_store::{ContentStore, PageQuery, Status};

use super::{Entry, feed, page, sitemap};
use crate::Result;
use crate::config::SiteConfig;

/// Entries on one page of the home list.
pub const PER_PAGE: usize = 100;

/// Most entries of one sitemap (<https://www.sitemaps.org/protocol.html>).
pub const PER_SITEMAP: usize = 50_000;

/// Pages of one read of a list.
const READ: u32 = 500;

/// The published pages of a site.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    planned: Vec<Entry>,
    newest: Vec<usize>,
}

impl Entries {
    /// Entries in the order of planning.
    #[must_use]
    pub fn new(planned: Vec<Entry>) -> Self {
        let mut newest: Vec<usize> = (0..planned.len()).collect();
        newest.sort_by(|a, b| {
            let (a, b) = (&planned[*a], &planned[*b]);
            b.published_at_ms
                .cmp(&a.published_at_ms)
                .then_with(|| a.slug.cmp(&b.slug))
        });
        Self { planned, newest }
    }

    /// Reads every published page of `site`, 500 at a time.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) when the store cannot be read.
    pub async fn read(store: &dyn ContentStore, site: &SiteConfig) -> Result<Self> {
        let query = PageQuery {
            site: site.id.clone(),
            status: Some(Status::Published),
        };
        let (mut entries, mut after) = (Vec::new(), None);
        loop {
            let list = store.list(&query, after.as_ref(), READ).await?;
            entries.extend(list.items.iter().filter_map(Entry::of));
            match list.next {
                None => return Ok(Self::new(entries)),
                next => after = next,
            }
        }
    }

    /// Every entry, in the order of planning.
    #[must_use]
    pub fn all(&self) -> &[Entry] {
        &self.planned
    }

    pub(super) fn newest(&self, from: usize, count: usize) -> Vec<&Entry> {
        let some = self.newest.iter().skip(from).take(count);
        some.map(|at| &self.planned[*at]).collect()
    }

    fn pages(&self) -> usize {
        self.planned.len().div_ceil(PER_PAGE).max(1)
    }

    /// Sitemaps of their own behind the index; none while one holds every entry.
    fn sitemaps(&self) -> usize {
        match self.planned.len().div_ceil(PER_SITEMAP) {
            0 | 1 => 0,
            many => many,
        }
    }
}

/// Something a site has at a fixed address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// One page of the list of pages, newest first, counted from 1: `/`, `/page/2/` and so on.
    Home(usize),
    /// `/sitemap.xml`: every page, or the index of the sitemaps where one does not hold them all.
    Sitemap,
    /// `/sitemap-1.xml` and so on: 50,000 pages each, in the order of planning, so that the earlier ones seldom change.
    SitemapPart(usize),
    /// `/feed.xml`.
    Feed,
    /// `/robots.txt`.
    Robots,
    /// `/<key>.txt`, by which an IndexNow engine knows that the key is the site's.
    IndexNowKey,
}

impl Document {
    /// The document at a path; whether a numbered one is there shows [`render`](Self::render).
    #[must_use]
    pub fn at(path: &str, site: &SiteConfig) -> Option<Self> {
        let number = |prefix: &str, suffix: &str, least: usize| {
            let digits = path.strip_prefix(prefix)?.strip_suffix(suffix)?;
            // One address for one document: no sign, no leading zero.
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
            digits.parse().ok().filter(|number| plain && *number >= least)
        };
        match path {
            "/" => Some(Self::Home(1)),
            "/sitemap.xml" => Some(Self::Sitemap),
            "/feed.xml" => Some(Self::Feed),
            "/robots.txt" => Some(Self::Robots),
            path if site.indexnow_key_path().is_some_and(|key| key == path) => Some(Self::IndexNowKey),
            _ => number("/page/", "/", 2)
                .map(Self::Home)
                .or_else(|| number("/sitemap-", ".xml", 1).map(Self::SitemapPart)),
        }
    }

    /// Every document of a site.
    pub fn all(site: &SiteConfig, entries: &Entries) -> impl Iterator<Item = Self> + use<> {
        let key = site.indexnow_key.is_some().then_some(Self::IndexNowKey);
        let homes = (1..=entries.pages()).map(Self::Home);
        let parts = (1..=entries.sitemaps()).map(Self::SitemapPart);
        let fixed = [Self::Sitemap, Self::Feed, Self::Robots].into_iter();
        homes.chain(parts).chain(fixed).chain(key)
    }

    /// Its path, with the leading slash.
    #[must_use]
    pub fn path(self, site: &SiteConfig) -> String {
        match self {
            Self::Home(0 | 1) => "/".into(),
            Self::Home(number) => format!("/page/{number}/"),
            Self::Sitemap => "/sitemap.xml".into(),
            Self::SitemapPart(number) => format!("/sitemap-{number}.xml"),
            Self::Feed => "/feed.xml".into(),
            Self::Robots => "/robots.txt".into(),
            Self::IndexNowKey => site.indexnow_key_path().unwrap_or_default(),
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Home(_) => "text/html",
            Self::Sitemap | Self::SitemapPart(_) => "application/xml",
            Self::Feed => "application/atom+xml",
            Self::Robots | Self::IndexNowKey => "text/plain",
        }
    }

    /// Whether it says nothing of the pages, so that they need not be read.
    #[must_use]
    pub const fn is_fixed(self) -> bool {
        matches!(self, Self::Robots | Self::IndexNowKey)
    }

    /// Its text; `None` for a number past the last.
    ///
    /// # Errors
    /// Never in practice: it writes to memory.
    pub fn render(self, site: &SiteConfig, entries: &Entries) -> io::Result<Option<String>> {
        let text = match self {
            Self::Home(number) => {
                if number == 0 || number > entries.pages() {
                    return Ok(None);
                }
                let shown = entries.newest((number - 1) * PER_PAGE, PER_PAGE);
                page::home(site, &shown, number, entries.pages())
            }
            Self::Sitemap if entries.sitemaps() > 0 => {
                let parts = entries.all().chunks(PER_SITEMAP).enumerate();
                let parts = parts.map(|(at, part)| (Self::SitemapPart(at + 1).path(site), part));
                sitemap::index(site, parts)?
            }
            Self::Sitemap => sitemap::sitemap(site, entries.all())?,
            Self::SitemapPart(number) => {
                let mut parts = entries.all().chunks(PER_SITEMAP);
                let part = number.checked_sub(1).and_then(|at| parts.nth(at));
                match part.filter(|_| entries.sitemaps() > 0) {
                    Some(part) => sitemap::sitemap(site, part)?,
                    None => return Ok(None),
                }
            }
            Self::Feed => feed::feed(site, entries)?,
            Self::Robots => sitemap::robots(site),
            Self::IndexNowKey => match &site.indexnow_key {
                Some(key) => key.clone(),
                None => return Ok(None),
            },
        };
        Ok(Some(text))
    }
}

//! What the public site answers, whoever serves it.

use presswork_content_store::{ContentStore, PageQuery, Status};
use sha2::{Digest, Sha256};

use super::{Entry, feed, home, page, robots, sitemap};
use crate::Result;
use crate::config::SiteConfig;

/// Pages the home page shows, the newest.
const HOME: usize = 100;

/// Pages of one read of a list.
const READ: u32 = 500;

/// An answer in the terms of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names and values, one line each.
    pub headers: Vec<(&'static str, String)>,
    /// What the visitor reads; empty where the status has no body.
    pub body: String,
}

impl Answer {
    /// A line of plain text; its newline is added.
    #[must_use]
    pub fn line(status: u16, text: impl std::fmt::Display) -> Self {
        Self::of(status, "text/plain", format!("{text}\n"))
    }

    /// Any value as JSON.
    ///
    /// # Errors
    /// [`Error::Json`](crate::Error::Json) for a value that is not JSON.
    pub fn json(value: &impl serde::Serialize) -> Result<Self> {
        Ok(Self::of(200, "application/json", serde_json::to_string(value)?))
    }

    fn of(status: u16, kind: &str, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type", format!("{kind}; charset=utf-8"))],
            body,
        }
    }

    /// A document that may be kept for a minute, or 304 when the visitor's copy (`seen`, the header `If-None-Match`) is this one.
    fn document(kind: &str, body: String, seen: Option<&str>) -> Self {
        let tag = tag(&body);
        let known = seen.is_some_and(|seen| seen.split(',').any(|one| is_tag(one.trim(), &tag)));
        let mut answer = Self::of(200, kind, body);
        if known {
            answer = Self {
                status: 304,
                headers: Vec::new(),
                body: String::new(),
            };
        }
        answer.headers.push(("etag", tag));
        answer.headers.push(("cache-control", "public, max-age=60".to_owned()));
        answer
    }
}

/// Answers a `GET`: a published page at `/slug/`, `/`, `/sitemap.xml`, `/feed.xml`, `/robots.txt`; else 404.
///
/// `seen` is the header `If-None-Match`. The lists read every published page.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store) when the store cannot be read.
pub async fn answer(store: &dyn ContentStore, site: &SiteConfig, path: &str, seen: Option<&str>) -> Result<Answer> {
    let json = |error| crate::Error::Json(serde_json::Error::io(error));
    let (kind, body) = match path {
        "/robots.txt" => ("text/plain", robots(site)),
        "/sitemap.xml" => (
            "application/xml",
            sitemap(site, &entries(store, site).await?).map_err(json)?,
        ),
        "/feed.xml" => (
            "application/atom+xml",
            feed(site, &entries(store, site).await?).map_err(json)?,
        ),
        "/" => {
            let mut newest = entries(store, site).await?;
            newest.sort_by_key(|entry| std::cmp::Reverse(entry.published_at_ms));
            newest.truncate(HOME);
            ("text/html", home(site, &newest))
        }
        path => {
            let Some(slug) = path
                .strip_prefix('/')
                .filter(|path| is_slug(path.strip_suffix('/').unwrap_or(path)))
            else {
                return Ok(Answer::line(404, "no such page"));
            };
            let Some(slug) = slug.strip_suffix('/') else {
                let mut moved = Answer::line(308, "the page is one slash further");
                moved.headers.push(("location", format!("/{slug}/")));
                return Ok(moved);
            };
            let found = store.get_by_slug(&site.id, &site.locale, slug).await?;
            let found = found.filter(|page| page.status == Status::Published);
            match found.and_then(|found| page(site, &found)) {
                Some(html) => ("text/html", html),
                None => return Ok(Answer::line(404, "no such page")),
            }
        }
    };
    Ok(Answer::document(kind, body, seen))
}

async fn entries(store: &dyn ContentStore, site: &SiteConfig) -> Result<Vec<Entry>> {
    let query = PageQuery {
        site: site.id.clone(),
        status: Some(Status::Published),
    };
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let list = store.list(&query, after.as_ref(), READ).await?;
        entries.extend(list.items.iter().filter_map(Entry::of));
        match list.next {
            None => return Ok(entries),
            next => after = next,
        }
    }
}

/// What can stand in an address as it is; anything else is no page of ours and must not end up in a redirect.
fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn tag(body: &str) -> String {
    let hash: String = Sha256::digest(body)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{hash}\"")
}

/// A proxy that compresses makes the tag a weak one.
fn is_tag(seen: &str, tag: &str) -> bool {
    seen == "*" || seen.strip_prefix("W/").unwrap_or(seen) == tag
}

//! What the public site answers, whoever serves it.

use presswork_content_store::{ContentStore, Redirect, Status};
use sha2::{Digest, Sha256};

use super::{Document, Entries, page};
use crate::Result;
use crate::config::SiteConfig;

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

/// Answers a `GET`: a published page at `/slug/`, or a [`Document`]; 301 for a page that moved, 410 for one that was deleted;
/// else 404.
///
/// `seen` is the header `If-None-Match`. The lists read every published page.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store) when the store cannot be read.
pub async fn answer(store: &dyn ContentStore, site: &SiteConfig, path: &str, seen: Option<&str>) -> Result<Answer> {
    if let Some(document) = Document::at(path, site) {
        let entries = match document.is_fixed() {
            true => Entries::default(),
            false => Entries::read(store, site).await?,
        };
        let json = |error| crate::Error::Json(serde_json::Error::io(error));
        return Ok(match document.render(site, &entries).map_err(json)? {
            Some(body) => Answer::document(document.kind(), body, seen),
            None => Answer::line(404, "no such page"),
        });
    }
    if Document::at(&format!("{path}/"), site).is_some() {
        return Ok(one_slash_further(path));
    }
    let Some(slug) = path
        .strip_prefix('/')
        .filter(|path| is_slug(path.strip_suffix('/').unwrap_or(path)))
    else {
        return Ok(Answer::line(404, "no such page"));
    };
    let Some(slug) = slug.strip_suffix('/') else {
        return Ok(one_slash_further(path));
    };
    let Some(found) = store.get_by_slug(&site.id, &site.locale, slug).await? else {
        return Ok(match store.redirect(&site.id, &site.locale, slug).await? {
            Some(Redirect::To(slug)) => moved(301, "the page has another address", format!("/{slug}/")),
            Some(Redirect::Gone) => Answer::line(410, "the page was deleted"),
            None => Answer::line(404, "no such page"),
        });
    };
    let found = Some(found).filter(|page| page.status == Status::Published);
    Ok(match found.and_then(|found| page(site, &found)) {
        Some(html) => Answer::document("text/html", html, seen),
        None => Answer::line(404, "no such page"),
    })
}

fn one_slash_further(path: &str) -> Answer {
    moved(308, "the page is one slash further", format!("{path}/"))
}

fn moved(status: u16, why: &str, to: String) -> Answer {
    let mut moved = Answer::line(status, why);
    moved.headers.push(("location", to));
    moved
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

//! IndexNow: tells search engines which addresses are new or changed (<https://www.indexnow.org/documentation>).
//!
//! This says what is sent and what an answer means; the program that composes the pipeline sends it.

use serde_json::{Value, json};

use crate::config::SiteConfig;

/// Where to send when the settings name no other engine; each engine tells the others.
pub const ENDPOINT: &str = "https://api.indexnow.org/indexnow";

/// Most addresses of one request.
pub const BATCH: usize = 10_000;

/// The body of a request for at most [`BATCH`] slugs; `None` where no key is set.
#[must_use]
pub fn submission(site: &SiteConfig, slugs: &[&str]) -> Option<Value> {
    let (key, path) = (site.indexnow_key.as_ref()?, site.indexnow_key_path()?);
    let host = site.base_url.split_once("://").map_or("", |(_, host)| host);
    let urls: Vec<_> = slugs.iter().map(|slug| site.page_url(slug)).collect();
    Some(json!({
        "host": host,
        "key": key,
        "keyLocation": format!("{}{path}", site.base_url),
        "urlList": urls,
    }))
}

/// What the status of an answer means.
///
/// # Errors
/// A sentence, for every status but 200 and 202.
pub fn said(status: u16) -> Result<(), String> {
    Err(match status {
        200 | 202 => return Ok(()),
        400 => "the request is malformed".into(),
        403 => "the key is not found at its address, or is another there".into(),
        422 => "the addresses do not belong to the host, or the key does not fit the schema".into(),
        429 => "too many requests".into(),
        other => format!("status {other}"),
    })
}

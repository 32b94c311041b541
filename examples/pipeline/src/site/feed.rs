//! The Atom feed.

use std::io;

use super::xml::{document, link, text};
use super::{Entries, rfc3339};
use crate::config::SiteConfig;

/// Entries of the feed, the newest.
const NEWEST: usize = 50;

/// Atom feed (RFC 4287) of the newest 50 entries.
pub(super) fn feed(site: &SiteConfig, entries: &Entries) -> io::Result<String> {
    let newest = entries.newest(0, NEWEST);
    let updated = newest.iter().map(|entry| entry.modified_at_ms).max().unwrap_or(0);
    document(|xml| {
        let feed = xml
            .create_element("feed")
            .with_attribute(("xmlns", "http://www.w3.org/2005/Atom"))
            .with_attribute(("xml:lang", site.locale.as_str()));
        feed.write_inner_content(|xml| {
            text(xml, "id", &format!("{}/", site.base_url))?;
            text(xml, "title", &site.name)?;
            text(xml, "subtitle", &site.description)?;
            text(xml, "updated", &rfc3339(updated))?;
            xml.create_element("author")
                .write_inner_content(|xml| text(xml, "name", &site.name))?;
            link(xml, "self", &format!("{}/feed.xml", site.base_url))?;
            link(xml, "alternate", &format!("{}/", site.base_url))?;
            for entry in &newest {
                let url = site.page_url(&entry.slug);
                xml.create_element("entry").write_inner_content(|xml| {
                    text(xml, "id", &url)?;
                    text(xml, "title", &entry.title)?;
                    text(xml, "summary", &entry.description)?;
                    text(xml, "published", &rfc3339(entry.published_at_ms))?;
                    text(xml, "updated", &rfc3339(entry.modified_at_ms))?;
                    link(xml, "alternate", &url)
                })?;
            }
            Ok(())
        })?;
        Ok(())
    })
}

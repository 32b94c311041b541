//! Sitemaps and robots.

use std::io;

use super::xml::{document, text};
use super::{Entry, rfc3339};
use crate::config::SiteConfig;

const NAMESPACE: (&str, &str) = ("xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9");

/// A sitemap of the entries (<https://www.sitemaps.org/protocol.html>).
pub(super) fn sitemap(site: &SiteConfig, entries: &[Entry]) -> io::Result<String> {
    document(|xml| {
        let urlset = xml.create_element("urlset").with_attribute(NAMESPACE);
        urlset.write_inner_content(|xml| {
            for entry in entries {
                xml.create_element("url").write_inner_content(|xml| {
                    text(xml, "loc", &site.page_url(&entry.slug))?;
                    text(xml, "lastmod", &rfc3339(entry.modified_at_ms))
                })?;
            }
            Ok(())
        })?;
        Ok(())
    })
}

/// The index of several sitemaps, each with the time of its latest change.
pub(super) fn index<'e>(site: &SiteConfig, parts: impl Iterator<Item = (String, &'e [Entry])>) -> io::Result<String> {
    document(|xml| {
        let index = xml.create_element("sitemapindex").with_attribute(NAMESPACE);
        index.write_inner_content(|xml| {
            for (path, entries) in parts {
                let latest = entries.iter().map(|entry| entry.modified_at_ms).max().unwrap_or(0);
                xml.create_element("sitemap").write_inner_content(|xml| {
                    text(xml, "loc", &format!("{}{path}", site.base_url))?;
                    text(xml, "lastmod", &rfc3339(latest))
                })?;
            }
            Ok(())
        })?;
        Ok(())
    })
}

/// Everything may be read, and where the sitemap is.
pub(super) fn robots(site: &SiteConfig) -> String {
    format!("User-agent: *\nAllow: /\n\nSitemap: {}/sitemap.xml\n", site.base_url)
}

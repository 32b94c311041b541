//! Sitemap, robots and Atom feed.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{Entry, rfc3339};
use crate::config::SiteConfig;

/// `sitemap.xml` of at most 50,000 entries (<https://www.sitemaps.org/protocol.html>); later ones are left out.
///
/// # Errors
/// Never in practice: it writes to memory.
pub fn sitemap(site: &SiteConfig, entries: &[Entry]) -> io::Result<String> {
    document(|xml| {
        let urlset = xml
            .create_element("urlset")
            .with_attribute(("xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9"));
        urlset.write_inner_content(|xml| {
            for entry in entries.iter().take(50_000) {
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

/// `robots.txt`: everything may be read, and where the sitemap is.
#[must_use]
pub fn robots(site: &SiteConfig) -> String {
    format!("User-agent: *\nAllow: /\n\nSitemap: {}/sitemap.xml\n", site.base_url)
}

/// Atom feed (RFC 4287) of the newest 50 entries.
///
/// # Errors
/// Never in practice: it writes to memory.
pub fn feed(site: &SiteConfig, entries: &[Entry]) -> io::Result<String> {
    let mut newest: Vec<&Entry> = entries.iter().collect();
    newest.sort_by(|a, b| {
        b.published_at_ms
            .cmp(&a.published_at_ms)
            .then_with(|| a.slug.cmp(&b.slug))
    });
    newest.truncate(50);
    let updated = newest.iter().map(|entry| entry.modified_at_ms).max().unwrap_or(0);
    document(|xml| {
        let feed = xml
            .create_element("feed")
            .with_attribute(("xmlns", "http://www.w3.org/2005/Atom"));
        feed.write_inner_content(|xml| {
            text(xml, "id", &format!("{}/", site.base_url))?;
            text(xml, "title", &site.name)?;
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

type Xml = Writer<Vec<u8>>;

fn document(write: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<String> {
    let mut xml = Writer::new(Vec::new());
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    write(&mut xml)?;
    String::from_utf8(xml.into_inner()).map_err(io::Error::other)
}

fn text(xml: &mut Xml, name: &str, value: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(value))?;
    Ok(())
}

fn link(xml: &mut Xml, rel: &str, href: &str) -> io::Result<()> {
    xml.create_element("link")
        .with_attribute(("rel", rel))
        .with_attribute(("href", href))
        .write_empty()?;
    Ok(())
}

//! HTML of one page and of the home page.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use presswork_content_store::{Content, Page, Status};
use serde_json::json;

use super::{Entry, rfc3339};
use crate::config::SiteConfig;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--line:#d1d9e0;--paper:#fff;--link:#0a58ca}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--paper:#0d1117;--link:#6cb0ff}}\
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,sans-serif}\
header,main,footer{max-width:44rem;margin:0 auto;padding:1rem 1.25rem}header a{color:inherit;font-weight:600;text-decoration:none}\
h1{font-size:1.9rem;line-height:1.2;margin:.5rem 0 1rem}h2{font-size:1.3rem;margin:2rem 0 .5rem}h3{font-size:1.1rem}\
a{color:var(--link)}a:focus-visible{outline:3px solid var(--link);outline-offset:2px}\
.lead,footer,time{color:var(--soft)}table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}\
th,td{border-bottom:1px solid var(--line);padding:.4rem .75rem .4rem 0;text-align:left;vertical-align:top}\
.list{list-style:none;padding:0}.list li{padding:.6rem 0;border-bottom:1px solid var(--line)}";

/// The whole HTML document of a page with content. A page that is not published asks not to be indexed.
///
/// Returns `None` for a page that was never drafted.
#[must_use]
pub fn page(site: &SiteConfig, page: &Page) -> Option<String> {
    let content = page.content.as_ref()?;
    let url = content.canonical_url.clone();
    let public = page.status == Status::Published;
    let head = html! {
        meta name="description" content=(content.description);
        @if !public { meta name="robots" content="noindex"; }
        link rel="canonical" href=(url);
        meta property="og:type" content="article";
        meta property="og:site_name" content=(site.name);
        meta property="og:title" content=(content.title);
        meta property="og:description" content=(content.description);
        meta property="og:url" content=(url);
        meta name="twitter:card" content="summary";
        script type="application/ld+json" { (PreEscaped(structured_data(site, page, content, &url))) }
    };
    let main = html! {
        article {
            h1 { (content.title) }
            p.lead { (content.description) }
            (PreEscaped(&content.body_html))
        }
        @if let Some(at) = page.modified_at_ms.or(page.published_at_ms) {
            p { "Updated " time datetime=(rfc3339(at)) { (&rfc3339(at)[..10]) } }
        }
    };
    Some(document(site, &content.title, head, main))
}

/// The home page: every entry, in the order given.
#[must_use]
pub fn home(site: &SiteConfig, entries: &[Entry]) -> String {
    let head = html! {
        meta name="description" content=(site.description);
        link rel="canonical" href={ (site.base_url) "/" };
        meta property="og:type" content="website";
        meta property="og:title" content=(site.name);
        meta property="og:description" content=(site.description);
        meta property="og:url" content={ (site.base_url) "/" };
    };
    let main = html! {
        h1 { (site.name) }
        p.lead { (site.description) }
        @if entries.is_empty() { p { "No page is published yet." } }
        ul.list {
            @for entry in entries {
                li { a href={ "/" (entry.slug) "/" } { (entry.title) } br; (entry.description) }
            }
        }
    };
    document(site, &site.name, head, main)
}

fn document(site: &SiteConfig, title: &str, head: Markup, main: Markup) -> String {
    html! {
        (DOCTYPE)
        html lang=(site.locale) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                (head)
                link rel="alternate" type="application/atom+xml" title=(site.name) href="/feed.xml";
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { a href="/" { (site.name) } }
                main { (main) }
                footer { a href="/feed.xml" { "Feed" } " · " a href="/sitemap.xml" { "Sitemap" } }
            }
        }
    }
    .into_string()
}

/// One `@graph` with the article and its breadcrumb. `</` cannot end the script element it stands in.
fn structured_data(site: &SiteConfig, page: &Page, content: &Content, url: &str) -> String {
    let mut article = json!({
        "@type": "Article",
        "headline": content.title,
        "description": content.description,
        "mainEntityOfPage": url,
        "inLanguage": page.locale,
        "author": { "@type": "Organization", "name": site.name, "url": format!("{}/", site.base_url) },
        "keywords": content.keywords,
    });
    for (field, at) in [
        ("datePublished", page.published_at_ms),
        ("dateModified", page.modified_at_ms.or(page.published_at_ms)),
    ] {
        if let Some(at) = at {
            article[field] = json!(rfc3339(at));
        }
    }
    let breadcrumb = json!({
        "@type": "BreadcrumbList",
        "itemListElement": [
            { "@type": "ListItem", "position": 1, "name": site.name, "item": format!("{}/", site.base_url) },
            { "@type": "ListItem", "position": 2, "name": content.title, "item": url },
        ],
    });
    json!({ "@context": "https://schema.org", "@graph": [article, breadcrumb] })
        .to_string()
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

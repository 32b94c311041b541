//! HTML of one page and of the home pages.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use presswork_content_store::{Content, Page, Status};
use serde_json::json;

use super::{CARD_SIZE, Document, Entry, card_url, rfc3339};
use crate::config::SiteConfig;

/// The style sheet: one column, light and dark, no request of its own.
pub const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--line:#d1d9e0;--paper:#fff;--link:#0a58ca}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--paper:#0d1117;--link:#6cb0ff}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,sans-serif;overflow-wrap:break-word}\
.page>*{max-width:44rem;margin:0 auto;padding:1rem 1.25rem}\
.page>header{padding-top:1.5rem}.page>footer{margin-top:2rem;padding-bottom:2rem}\
header a{color:inherit;font-weight:600;text-decoration:none}header a:hover{text-decoration:underline}\
h1{font-size:1.9rem;line-height:1.2;margin:.5rem 0 1rem;text-wrap:balance}\
h2{font-size:1.3rem;line-height:1.3;margin:2rem 0 .5rem}h3{font-size:1.1rem;margin:1.5rem 0 .5rem}\
a{color:var(--link);text-underline-offset:.15em}\
a:focus-visible,.scroll:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:2px}\
.skip{position:absolute;left:-99rem;padding:.5rem 1rem;background:var(--paper)}.skip:focus{left:.5rem;top:.5rem}\
.lead{font-size:1.15rem}.lead,.soft,footer,time{color:var(--soft)}\
.note{border:1px solid var(--line);border-left:4px solid var(--link);padding:.5rem 1rem}\
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;color:var(--soft)}\
th,td{border-bottom:1px solid var(--line);padding:.45rem .75rem .45rem 0;text-align:left;vertical-align:top}\
pre{overflow-x:auto}img{max-width:100%;height:auto}\
.list{list-style:none;padding:0;margin:1.5rem 0}.list li{padding:.75rem 0;border-bottom:1px solid var(--line)}\
.list a{font-weight:600}.list p{margin:.15rem 0 0;color:var(--soft)}\
.pages{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;flex-wrap:wrap}\
.pages a{padding:.35rem 0}footer a{margin-right:1rem}";

/// The whole HTML document of a page with content. A page that is not published says so and asks not to be indexed.
///
/// Returns `None` for a page that was never drafted.
#[must_use]
pub fn page(site: &SiteConfig, page: &Page) -> Option<String> {
    let content = page.content.as_ref()?;
    let url = content.canonical_url.clone();
    let public = page.status == Status::Published;
    let changed = page.modified_at_ms.or(page.published_at_ms);
    let head = html! {
        meta name="description" content=(content.description);
        @if !public { meta name="robots" content="noindex"; }
        link rel="canonical" href=(url);
        (open_graph(site, "article", &content.title, &content.description, &url))
        (picture(card_url(site, &page.slug), &content.title))
        @if let Some(at) = page.published_at_ms { meta property="article:published_time" content=(rfc3339(at)); }
        @if let Some(at) = changed { meta property="article:modified_time" content=(rfc3339(at)); }
        (structured_data(&article(site, page, content, &url)))
    };
    let main = html! {
        @if !public { p.note { "Not published: this page is " (page.status.as_str().replace('_', " ")) "." } }
        article {
            h1 { (content.title) }
            p.lead { (content.description) }
            (PreEscaped(tables_that_scroll(&content.body_html)))
        }
        @if let Some(at) = changed {
            p.soft { "Updated " time datetime=(rfc3339(at)) { (&rfc3339(at)[..10]) } }
        }
    };
    Some(document(site, &content.title, head, main))
}

/// What stands at the old address of a page that moved, where no server can say so by itself.
#[must_use]
pub fn moved(site: &SiteConfig, to: &str) -> String {
    let (url, path) = (site.page_url(to), format!("/{to}/"));
    let head = html! {
        meta name="robots" content="noindex";
        link rel="canonical" href=(url);
        meta http-equiv="refresh" content={ "0; url=" (path) };
    };
    let main = html! { h1 { "This page has moved" } p { "It is at " a href=(path) { (url) } "." } };
    document(site, "This page has moved", head, main)
}

/// One page of the list of pages, `number` of `pages`: its entries in the order given.
pub(super) fn home(site: &SiteConfig, entries: &[&Entry], number: usize, pages: usize) -> String {
    let address = |number: usize| Document::Home(number).path(site);
    let url = format!("{}{}", site.base_url, address(number));
    let title = match number {
        1 => site.name.clone(),
        _ => format!("{}, page {number}", site.name),
    };
    let (newer, older) = (
        (number > 1).then(|| address(number - 1)),
        (number < pages).then(|| address(number + 1)),
    );
    let head = html! {
        meta name="description" content=(site.description);
        link rel="canonical" href=(url);
        @if let Some(path) = &newer { link rel="prev" href=(path); }
        @if let Some(path) = &older { link rel="next" href=(path); }
        (open_graph(site, "website", &title, &site.description, &url))
        (picture(None, &title))
        @if number == 1 {
            (structured_data(&json!({
                "@context": "https://schema.org", "@type": "WebSite", "name": site.name, "url": url,
                "description": site.description, "inLanguage": site.locale,
            })))
        }
    };
    let main = html! {
        h1 { (title) }
        p.lead { (site.description) }
        @if entries.is_empty() { p { "No page is published yet." } }
        @else {
            ul.list {
                @for entry in entries {
                    li { a href={ "/" (entry.slug) "/" } { (entry.title) } p { (entry.description) } }
                }
            }
        }
        @if pages > 1 {
            nav.pages aria-label="Pages" {
                span { @if let Some(path) = &newer { a rel="prev" href=(path) { "← Newer" } } }
                span.soft { "Page " (number) " of " (pages) }
                span { @if let Some(path) = &older { a rel="next" href=(path) { "Older →" } } }
            }
        }
    };
    document(site, &title, head, main)
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
                a.skip href="#main" { "Skip to the content" }
                div.page {
                    header { a href="/" { (site.name) } }
                    main #main { (main) }
                    footer { a href="/" { "All pages" } a href="/feed.xml" { "Feed" } a href="/sitemap.xml" { "Sitemap" } }
                }
            }
        }
    }
    .into_string()
}

/// <https://ogp.me>; X reads the same and one tag of its own.
fn open_graph(site: &SiteConfig, kind: &str, title: &str, description: &str, url: &str) -> Markup {
    // Language alone is no locale there.
    let locale = site
        .locale
        .split_once('-')
        .map(|(language, region)| format!("{language}_{region}"));
    html! {
        meta property="og:type" content=(kind);
        meta property="og:site_name" content=(site.name);
        @if let Some(locale) = locale { meta property="og:locale" content=(locale); }
        meta property="og:title" content=(title);
        meta property="og:description" content=(description);
        meta property="og:url" content=(url);
    }
}

/// What a link preview shows beside the words.
fn picture(url: Option<String>, alt: &str) -> Markup {
    let (width, height) = CARD_SIZE;
    html! {
        @if let Some(url) = url {
            meta property="og:image" content=(url);
            meta property="og:image:type" content="image/png";
            meta property="og:image:width" content=(width);
            meta property="og:image:height" content=(height);
            meta property="og:image:alt" content=(alt);
            meta name="twitter:card" content="summary_large_image";
        } @else {
            meta name="twitter:card" content="summary";
        }
    }
}

/// A wide table scrolls by itself and not the page with it. Sanitised HTML: its tables are whole.
fn tables_that_scroll(html: &str) -> String {
    html.replace("<table", "<div class=\"scroll\"><table")
        .replace("</table>", "</table></div>")
}

/// `</` cannot end the script element it stands in.
fn structured_data(graph: &serde_json::Value) -> Markup {
    let json = graph
        .to_string()
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    html! { script type="application/ld+json" { (PreEscaped(json)) } }
}

/// One `@graph` with the article and its breadcrumb.
fn article(site: &SiteConfig, page: &Page, content: &Content, url: &str) -> serde_json::Value {
    let home = format!("{}/", site.base_url);
    let publisher = json!({ "@type": "Organization", "name": site.name, "url": home });
    let mut article = json!({
        "@type": "Article",
        "headline": content.title,
        "description": content.description,
        "mainEntityOfPage": url,
        "url": url,
        "inLanguage": page.locale,
        "author": publisher,
        "publisher": publisher,
        "keywords": content.keywords,
    });
    if let Some(picture) = card_url(site, &page.slug) {
        article["image"] = json!([picture]);
    }
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
            { "@type": "ListItem", "position": 1, "name": site.name, "item": home },
            { "@type": "ListItem", "position": 2, "name": content.title, "item": url },
        ],
    });
    json!({ "@context": "https://schema.org", "@graph": [article, breadcrumb] })
}

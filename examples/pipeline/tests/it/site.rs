use presswork_pipeline::config::SiteConfig;
use presswork_pipeline::site::{self, Document, Entries, Entry, PER_PAGE, PER_SITEMAP, indexnow};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::support::{World, writes};

fn entry() -> Entry {
    Entry {
        slug: "a-b".into(),
        title: "Tom & Jerry's <title>".into(),
        description: "Said \"so\"".into(),
        published_at_ms: 1_767_225_600_000,
        modified_at_ms: 1_767_312_000_000,
    }
}

/// The later ones are newer.
fn many(count: usize) -> Entries {
    let entry = |at: usize| Entry {
        slug: format!("slug-{at:06}"),
        published_at_ms: 1_767_225_600_000 + at as i64,
        modified_at_ms: 1_767_225_600_000 + at as i64 * 1_000,
        ..entry()
    };
    Entries::new((0..count).map(entry).collect())
}

fn site() -> SiteConfig {
    SiteConfig::default()
}

fn text(document: Document, entries: &Entries) -> Option<String> {
    document.render(&site(), entries).unwrap()
}

/// The text of every element of that name, in a document that is well-formed.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let (mut found, mut open) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => open.push(tag.name().as_ref().to_owned()),
            Event::End(_) => drop(open.pop().unwrap()),
            Event::Text(text) if open.last().is_some_and(|tag| tag == name) => {
                found.push(text.to_string());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty());
    found
}

fn structured_data(html: &str) -> serde_json::Value {
    let rest = html.split("ld+json\">").nth(1).unwrap();
    serde_json::from_str(rest.split("</script>").next().unwrap()).unwrap()
}

#[tokio::test]
async fn a_page_has_canonical_open_graph_and_structured_data() {
    let mut world = World::with_topics(1).await;
    world.config.site.locale = "en".into();
    world.run(writes(1)).await;
    let mut page = world.page("topic-000").await;
    if let Some(content) = &mut page.content {
        content.title = "</script><script>alert(1)</script>".into();
    }
    let html = site::page(&world.config.site, &page).unwrap();
    assert!(
        html.contains(r#"<link rel="canonical" href="https://almanac.example/topic-000/">"#),
        "{html}"
    );
    for property in [
        "og:type",
        "og:site_name",
        "og:title",
        "og:description",
        "og:url",
        "article:published_time",
        "article:modified_time",
    ] {
        assert!(html.contains(&format!("property=\"{property}\"")), "{property}: {html}");
    }
    assert!(html.contains("<h1>&lt;/script&gt;"), "{html}");
    assert!(!html.contains("<script>alert"), "{html}");
    assert!(!html.contains("noindex"), "a published page may be indexed");
    let graph = structured_data(&html);
    assert_eq!(graph["@graph"][0]["headline"], "</script><script>alert(1)</script>");
}

#[tokio::test]
async fn a_wide_table_scrolls_by_itself() {
    let world = World::with_topics(1).await;
    world.run(writes(1)).await;
    let mut page = world.page("topic-000").await;
    if let Some(content) = &mut page.content {
        content.body_html = "<h2>a</h2><table><tbody><tr><td>1</td></tr></tbody></table><p>b</p>".into();
    }
    let html = site::page(&world.config.site, &page).unwrap();
    assert!(
        html.contains("<div class=\"scroll\"><table><tbody><tr><td>1</td></tr></tbody></table></div><p>b</p>"),
        "{html}"
    );
}

#[tokio::test]
async fn a_page_in_review_asks_not_to_be_indexed_and_says_why() {
    let mut world = World::with_topics(1).await;
    world.config.generator.review = true;
    world.run(writes(1)).await;
    let html = site::page(&world.config.site, &world.page("topic-000").await).unwrap();
    assert!(html.contains(r#"<meta name="robots" content="noindex">"#), "{html}");
    assert!(html.contains("Not published: this page is in review."), "{html}");
}

#[tokio::test]
async fn a_topic_without_a_page_has_no_html() {
    let world = World::with_topics(1).await;
    assert_eq!(site::page(&world.config.site, &world.page("topic-000").await), None);
}

#[test]
fn sitemap_and_feed_escape_and_date() {
    let entries = Entries::new(vec![entry()]);
    let sitemap = text(Document::Sitemap, &entries).unwrap();
    assert!(
        sitemap.contains("<loc>https://almanac.example/a-b/</loc><lastmod>2026-01-02T00:00:00Z</lastmod>"),
        "{sitemap}"
    );
    let feed = text(Document::Feed, &entries).unwrap();
    assert_eq!(texts(&feed, "published"), ["2026-01-01T00:00:00Z"]);
    assert!(feed.contains("<title>Tom &amp; Jerry"), "{feed}");
}

#[test]
fn the_home_page_lists_entries() {
    let html = text(Document::Home(1), &Entries::new(vec![entry()])).unwrap();
    assert!(
        html.contains(r#"<a href="/a-b/">Tom &amp; Jerry's &lt;title&gt;</a>"#),
        "{html}"
    );
    assert!(!html.contains("rel=\"next\"") && !html.contains("Page 1 of"), "{html}");
    assert_eq!(structured_data(&html)["@type"], "WebSite");
    let empty = text(Document::Home(1), &Entries::default()).unwrap();
    assert!(empty.contains("No page is published yet."), "{empty}");
}

#[test]
fn the_home_pages_list_every_entry_once_the_newest_first() {
    let entries = many(2 * PER_PAGE + 1);
    let pages: Vec<String> = (1..=3).map(|at| text(Document::Home(at), &entries).unwrap()).collect();
    let mut listed = Vec::new();
    for html in &pages {
        listed.extend(
            html.match_indices("href=\"/slug-")
                .map(|(at, _)| html[at + 12..at + 18].to_owned()),
        );
    }
    let newest_first: Vec<_> = (0..=2 * PER_PAGE).rev().map(|at| format!("{at:06}")).collect();
    assert_eq!(listed, newest_first);
    assert!(pages[0].contains(r#"rel="next" href="/page/2/""#) && !pages[0].contains("rel=\"prev\""));
    assert!(
        pages[1].contains(r#"<link rel="prev" href="/">"#) && pages[1].contains(r#"<link rel="next" href="/page/3/">"#)
    );
    assert!(pages[1].contains(r#"<link rel="canonical" href="https://almanac.example/page/2/">"#));
    assert!(pages[2].contains("Page 3 of 3") && !pages[2].contains("rel=\"next\""));
    assert_eq!(text(Document::Home(4), &entries), None);
}

#[test]
fn more_entries_than_one_sitemap_holds_are_in_several_behind_an_index() {
    let full = many(PER_SITEMAP);
    assert_eq!(
        texts(&text(Document::Sitemap, &full).unwrap(), "loc").len(),
        PER_SITEMAP
    );
    assert_eq!(text(Document::SitemapPart(1), &full), None);

    let more = many(PER_SITEMAP + 2);
    let index = text(Document::Sitemap, &more).unwrap();
    assert!(index.contains("<sitemapindex"), "{index}");
    let parts = [
        "https://almanac.example/sitemap-1.xml",
        "https://almanac.example/sitemap-2.xml",
    ];
    assert_eq!(texts(&index, "loc"), parts);
    assert_eq!(
        texts(&index, "lastmod")[1],
        "2026-01-01T13:53:21Z",
        "of its latest change"
    );
    let first = texts(&text(Document::SitemapPart(1), &more).unwrap(), "loc");
    let second = texts(&text(Document::SitemapPart(2), &more).unwrap(), "loc");
    assert_eq!((first.len(), second.len()), (PER_SITEMAP, 2));
    assert_eq!(text(Document::SitemapPart(3), &more), None);
    assert_eq!(text(Document::SitemapPart(0), &more), None);
}

#[test]
fn a_document_has_one_address() {
    let mut config = site();
    config.indexnow_key = Some("0123-abcd".into());
    let entries = many(PER_PAGE + 1);
    for document in Document::all(&config, &entries) {
        assert_eq!(Document::at(&document.path(&config), &config), Some(document));
        assert!(document.render(&config, &entries).unwrap().is_some());
    }
    for other in [
        "/page/1/",
        "/page/02/",
        "/page/+2/",
        "/page//",
        "/page/2",
        "/sitemap-0.xml",
        "/sitemap-01.xml",
        "/0123-abce.txt",
    ] {
        assert_eq!(Document::at(other, &config), None, "{other}");
    }
    assert_eq!(Document::at("/0123-abcd.txt", &site()), None, "no key is set");
}

#[tokio::test]
async fn a_visitor_is_answered_with_documents_and_pages() {
    let mut world = World::with_topics(2).await;
    world.config.site.indexnow_key = Some("0123-abcd".into());
    world.run(writes(2)).await;
    let get = async |path: &str| {
        let answer = site::answer(world.store.as_ref(), &world.config.site, path, None);
        answer.await.unwrap()
    };
    assert_eq!(get("/0123-abcd.txt").await.body, "0123-abcd");
    for (path, status) in [
        ("/", 200),
        ("/sitemap.xml", 200),
        ("/feed.xml", 200),
        ("/robots.txt", 200),
        ("/topic-001/", 200),
        ("/topic-001", 308),
        ("/page/2", 308),
        ("/page/2/", 404),
        ("/page/1/", 404),
        ("/sitemap-1.xml", 404),
        ("//example.com/", 404),
    ] {
        assert_eq!(get(path).await.status, status, "{path}");
    }
    let tag = get("/")
        .await
        .headers
        .iter()
        .find(|(name, _)| *name == "etag")
        .unwrap()
        .1
        .clone();
    let again = site::answer(world.store.as_ref(), &world.config.site, "/", Some(&tag))
        .await
        .unwrap();
    assert_eq!((again.status, &*again.body), (304, ""));
}

#[test]
fn search_engines_are_told_by_host_key_and_addresses() {
    let mut config = site();
    assert_eq!(indexnow::submission(&config, &["a"]), None);
    config.indexnow_key = Some("0123-abcd".into());
    let body = indexnow::submission(&config, &["a", "b"]).unwrap();
    let expected = serde_json::json!({
        "host": "almanac.example",
        "key": "0123-abcd",
        "keyLocation": "https://almanac.example/0123-abcd.txt",
        "urlList": ["https://almanac.example/a/", "https://almanac.example/b/"],
    });
    assert_eq!(body, expected);
    assert!(indexnow::said(202).is_ok() && indexnow::said(403).is_err() && indexnow::said(500).is_err());
}

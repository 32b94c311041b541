use presswork_pipeline::site::{self, Entry};

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

#[tokio::test]
async fn a_page_has_canonical_open_graph_and_structured_data() {
    let world = World::with_topics(1).await;
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
    assert!(
        html.contains(r#"property="og:title""#) && html.contains("<h1>&lt;/script&gt;"),
        "{html}"
    );
    assert!(!html.contains("<script>alert"), "{html}");
    assert!(!html.contains("noindex"), "a published page may be indexed");
    let json = html
        .split("ld+json\">")
        .nth(1)
        .and_then(|rest| rest.split("</script>").next())
        .unwrap();
    let graph: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(graph["@graph"][0]["headline"], "</script><script>alert(1)</script>");
}

#[tokio::test]
async fn a_page_in_review_asks_not_to_be_indexed() {
    let mut world = World::with_topics(1).await;
    world.config.generator.review = true;
    world.run(writes(1)).await;
    let html = site::page(&world.config.site, &world.page("topic-000").await).unwrap();
    assert!(html.contains(r#"<meta name="robots" content="noindex">"#), "{html}");
}

#[tokio::test]
async fn a_topic_without_a_page_has_no_html() {
    let world = World::with_topics(1).await;
    assert_eq!(site::page(&world.config.site, &world.page("topic-000").await), None);
}

#[test]
fn sitemap_and_feed_escape_and_date() {
    let config = presswork_pipeline::Config::default().site;
    let sitemap = site::sitemap(&config, &[entry()]).unwrap();
    assert!(
        sitemap.contains("<loc>https://almanac.example/a-b/</loc><lastmod>2026-01-02T00:00:00Z</lastmod>"),
        "{sitemap}"
    );
    let feed = site::feed(&config, &[entry()]).unwrap();
    assert!(feed.contains("<title>Tom &amp; Jerry"), "{feed}");
    assert!(feed.contains("<published>2026-01-01T00:00:00Z</published>"), "{feed}");
}

#[test]
fn the_home_page_lists_entries() {
    let html = site::home(&presswork_pipeline::Config::default().site, &[entry()]);
    assert!(
        html.contains(r#"<a href="/a-b/">Tom &amp; Jerry's &lt;title&gt;</a>"#),
        "{html}"
    );
}

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, value::Serde};
use serde_json::{Value, json};

use super::{Topic, all, committed};

/// Every field of every page, rendered as the offline writer renders it.
fn pages() -> Vec<(&'static Topic, BTreeMap<String, String>)> {
    let templates: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(&committed("templates.toml")).unwrap();
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|name| {
        if name.ends_with("_html") {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    for (object, fields) in &templates {
        for (field, source) in fields {
            env.add_template_owned(format!("{object}.{field}"), source.clone())
                .unwrap();
        }
    }
    let render = |name: String, data: &Value| {
        env.get_template(&name)
            .unwrap()
            .render(Serde(data))
            .unwrap_or_else(|e| panic!("{name}: {e:#}"))
    };
    let site = json!({ "name": "Time Zone Almanac", "base_url": "https://almanac.example" });
    all()
        .iter()
        .map(|topic| {
            let data = json!({ "topic": topic, "site": site });
            let fields = templates["page"].keys();
            let mut page: BTreeMap<_, _> = fields
                .map(|f| (f.clone(), render(format!("page.{f}"), &data)))
                .collect();
            let hooks: Vec<_> = page["hooks"].lines().filter(|l| !l.trim().is_empty()).collect();
            let told = json!({ "title": page["title"], "description": page["description"], "hooks": hooks });
            for limit in [300, 120] {
                let data = json!({ "topic": topic, "site": site, "page": told, "limit": limit });
                page.insert(format!("post {limit}"), render("post.text".to_owned(), &data));
            }
            (topic, page)
        })
        .collect()
}

#[test]
fn every_page_keeps_its_lengths() {
    let (mut titles, mut descriptions) = (BTreeSet::new(), BTreeSet::new());
    for (topic, page) in pages() {
        let key = &topic["key"];
        let chars = |field: &str| page[field].trim().chars().count();
        assert!(
            (30..=60).contains(&chars("title")),
            "{key}: {}: {}",
            chars("title"),
            page["title"]
        );
        let n = chars("description");
        assert!((120..=158).contains(&n), "{key}: {n}: {}", page["description"]);
        let hooks = page["hooks"].lines().filter(|l| !l.trim().is_empty()).count();
        assert!((2..=3).contains(&hooks), "{key}: {}", page["hooks"]);
        assert!(
            chars("image_prompt") >= 100 && !page["image_prompt"].trim().contains('\n'),
            "{key}"
        );
        for limit in [300, 120] {
            let post = page[&format!("post {limit}")].trim();
            assert!(!post.contains('\n') && post.chars().count() <= limit, "{key}: {post}");
        }
        let keywords: Vec<_> = page["keywords"].lines().filter(|l| !l.trim().is_empty()).collect();
        assert_eq!(keywords[0], topic["keyword"]);
        assert_eq!(
            keywords.iter().collect::<BTreeSet<_>>().len(),
            keywords.len(),
            "{key}: {keywords:?}"
        );
        assert!(titles.insert(page["title"].clone()), "{key}: {}", page["title"]);
        assert!(
            descriptions.insert(page["description"].clone()),
            "{key}: {}",
            page["description"]
        );
    }
}

#[test]
fn every_body_is_long_enough_and_its_headings_are_in_order() {
    for (topic, page) in pages() {
        let (key, body) = (&topic["key"], &page["body_html"]);
        let parts: Vec<_> = body
            .split('<')
            .map(|part| part.split_once('>').map_or(part, |(_, text)| text))
            .collect();
        let (text, tight) = (parts.join(" "), parts.concat());
        let words = text.split_whitespace().count();
        assert!(words >= 250, "{key}: {words} words");
        assert!(
            !body.contains("<h1") && !body.contains("  ") && !tight.contains(" ."),
            "{key}: {body}"
        );
        let levels: Vec<u32> = body
            .split("<h")
            .skip(1)
            .filter_map(|rest| rest.chars().next()?.to_digit(10))
            .collect();
        assert_eq!(levels.first(), Some(&2), "{key}");
        assert!(levels.windows(2).all(|w| w[1] <= w[0] + 1), "{key}: {levels:?}");
        for tag in [
            "p", "table", "thead", "tbody", "tr", "td", "th", "ul", "li", "code", "h2", "h3",
        ] {
            let open = body.matches(&format!("<{tag}>")).count();
            assert_eq!(open, body.matches(&format!("</{tag}>")).count(), "{key}: <{tag}>");
        }
    }
}

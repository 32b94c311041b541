//! Makes a model's draft safe to store and serve.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use unicode_segmentation::UnicodeSegmentation;

use crate::draft::PageDraft;
use crate::text::is_plain;

/// Tags a body may hold. `h1` belongs to the page template; nothing here runs, frames, submits or styles.
const TAGS: &[&str] = &[
    "h2",
    "h3",
    "h4",
    "p",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "caption",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "blockquote",
    "q",
    "cite",
    "strong",
    "em",
    "b",
    "i",
    "code",
    "pre",
    "kbd",
    "br",
    "hr",
    "a",
    "img",
    "figure",
    "figcaption",
    "abbr",
    "sup",
    "sub",
    "time",
    "details",
    "summary",
    "mark",
];

/// Tags that go together with what they hold.
const CONTENT_GOES_TOO: &[&str] = &[
    "script", "style", "noscript", "template", "iframe", "object", "svg", "math", "textarea", "title",
];

static PROFILE: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut profile = ammonia::Builder::empty();
    profile
        .tags(TAGS.iter().copied().collect())
        .clean_content_tags(CONTENT_GOES_TOO.iter().copied().collect())
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("img", HashSet::from(["src", "alt", "width", "height"])),
            ("th", HashSet::from(["scope", "colspan", "rowspan"])),
            ("td", HashSet::from(["colspan", "rowspan"])),
            ("time", HashSet::from(["datetime"])),
            ("blockquote", HashSet::from(["cite"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .url_schemes(HashSet::from(["https", "mailto", "tel"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener nofollow"))
        .strip_comments(true);
    profile
});

/// The draft with a body that holds only allowed HTML and plain fields without markup or control characters.
#[must_use]
pub fn sanitise(draft: PageDraft) -> PageDraft {
    PageDraft {
        title: plain(&draft.title),
        description: plain(&draft.description),
        keywords: distinct(draft.keywords.iter().map(|keyword| plain(keyword))),
        body_html: body(&draft.body_html),
        image_prompt: plain(&draft.image_prompt),
        hooks: distinct(draft.hooks.iter().map(|hook| plain(hook))),
    }
}

/// Only the HTML of the profile: code fences that models wrap around HTML are taken off first.
#[must_use]
pub fn body(html: &str) -> String {
    PROFILE.clean(unfenced(html)).to_string()
}

/// One line of text: markup stripped, entities decoded, white space collapsed; characters of control, noncharacters and
/// those that turn the direction of text are dropped.
#[must_use]
pub fn plain(text: &str) -> String {
    let stripped = if text.contains('<') {
        decode(&ammonia::Builder::empty().clean(text).to_string())
    } else {
        text.into()
    };
    let mut line = String::with_capacity(stripped.len());
    for word in stripped
        .split(|c: char| c.is_whitespace() || !is_plain(c))
        .filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// How many words a reader sees in `html`.
#[must_use]
pub fn words(html: &str) -> u32 {
    let text = html
        .split('<')
        .map(|piece| piece.split_once('>').map_or(piece, |(_, after)| after));
    let count: usize = text.map(|piece| piece.unicode_words().count()).sum();
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn unfenced(html: &str) -> &str {
    let trimmed = html.trim();
    let Some(opened) = trimmed.strip_prefix("```") else {
        return trimmed;
    };
    let inside = opened.split_once('\n').map_or("", |(_, rest)| rest);
    inside.trim_end().strip_suffix("```").unwrap_or(inside).trim()
}

/// The entities that the serialiser of the sanitiser writes in text.
fn decode(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", " ")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

fn distinct(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    lines
        .filter(|line| !line.is_empty() && seen.insert(line.to_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_styles_and_handlers_are_gone() {
        let html = r#"<h2 onclick="x()" style="color:red">A</h2><script>alert(1)</script><p>ok <a href="javascript:alert(1)">b</a></p><svg><script>x</script></svg><iframe src="https://x.example"></iframe>"#;
        let clean = body(html);
        for bad in ["script", "onclick", "style", "javascript", "iframe", "svg"] {
            assert!(!clean.contains(bad), "{bad} in {clean}");
        }
        assert!(clean.contains("<h2>A</h2>"), "{clean}");
    }

    #[test]
    fn links_are_https_and_not_followed() {
        let clean =
            body(r#"<a href="https://iana.org/">x</a><a href="/guess">y</a><a href="http://plain.example">z</a>"#);
        assert_eq!(
            clean,
            r#"<a href="https://iana.org/" rel="noopener nofollow">x</a><a rel="noopener nofollow">y</a><a rel="noopener nofollow">z</a>"#
        );
    }

    #[test]
    fn a_fence_around_the_body_is_taken_off() {
        assert_eq!(body("```html\n<p>x</p>\n```"), "<p>x</p>");
        assert_eq!(body("```\n<p>x</p>"), "<p>x</p>");
    }

    #[test]
    fn plain_fields_are_one_line_without_markup() {
        assert_eq!(plain(" A <b>bold</b>\n title &amp; more\u{0} "), "A bold title & more");
        assert_eq!(plain("5 < 6 & 7"), "5 < 6 & 7");
        assert_eq!(plain("Q&A"), "Q&A");
        assert_eq!(plain("a\u{fffe}b\u{202e}c"), "a b c");
    }

    #[test]
    fn words_counts_text_only() {
        assert_eq!(words("<p>One two</p><p title=\"three four\">five</p>"), 3);
    }

    #[test]
    fn repeated_keywords_are_kept_once() {
        let draft = PageDraft {
            title: "t".into(),
            description: "d".into(),
            keywords: vec!["A".into(), "a".into(), " ".into()],
            body_html: String::new(),
            image_prompt: String::new(),
            hooks: vec![],
        };
        assert_eq!(sanitise(draft).keywords, ["A"]);
    }
}

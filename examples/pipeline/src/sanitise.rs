//! Makes a model's draft safe to store and serve.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use crate::draft::PageDraft;
use crate::text::is_plain;

#[cfg(feature = "ammonia")]
mod profile;
mod strict;

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

/// Attributes a tag may have.
const ATTRIBUTES: &[(&str, &[&str])] = &[
    ("a", &["href", "title"]),
    ("abbr", &["title"]),
    ("img", &["src", "alt", "width", "height"]),
    ("th", &["scope", "colspan", "rowspan"]),
    ("td", &["colspan", "rowspan"]),
    ("time", &["datetime"]),
    ("blockquote", &["cite"]),
    ("ol", &["start"]),
];

/// How an address may begin.
const SCHEMES: &[&str] = &["https://", "mailto:", "tel:"];

/// What every link says of itself.
const REL: &str = "noopener nofollow";

/// Tags that go together with what they hold.
const CONTENT_GOES_TOO: &[&str] = &[
    "script", "style", "noscript", "template", "iframe", "object", "svg", "math", "textarea", "title",
];

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
///
/// With the feature `ammonia` a browser's parser reads the HTML, without it a small strict reader that a Worker can afford.
/// Both let the same tags, attributes and addresses through, and nothing else.
#[must_use]
pub fn body(html: &str) -> String {
    #[cfg(feature = "ammonia")]
    return profile::clean(unfenced(html));
    #[cfg(not(feature = "ammonia"))]
    strict::clean(unfenced(html))
}

/// One line of text: markup stripped, entities decoded, white space collapsed; characters of control, noncharacters and
/// those that turn the direction of text are dropped.
#[must_use]
pub fn plain(text: &str) -> String {
    let stripped = if text.contains('<') {
        decode(&strict::text(text))
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

/// The references that stand for markup, and the two that models write.
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
mod tests;

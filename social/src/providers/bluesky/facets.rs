//! What in a text is a link, a mention or a tag, in byte offsets
//! ([rich text](https://docs.bsky.app/docs/advanced-guides/post-richtext)).

use std::ops::Range;

use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;

/// Longest tag, in graphemes.
const MAX_TAG: usize = 64;

/// What a text marks by itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Link(Range<usize>),
    /// Of the handle in it.
    Mention(Range<usize>, String),
    Tag(Range<usize>, String),
}

/// Every link with its scheme, as the official client reads it: from the start of a word or after `(` to the next white
/// space, without the punctuation that ends a sentence and a `)` that nothing opened. Unlike that client, a bare
/// `README.md` stays text.
fn links(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, sign) in text.match_indices("://") {
        let word = text[..at]
            .rfind(|c: char| !c.is_ascii_alphabetic())
            .map_or(0, |before| {
                before + text[before..].chars().next().map_or(0, char::len_utf8)
            });
        let scheme = text[word..at].to_ascii_lowercase();
        let opens = text[..word]
            .chars()
            .next_back()
            .is_none_or(|c| c.is_whitespace() || c == '(');
        let inside = found.last().is_some_and(|last| last.contains(&word));
        if !matches!(scheme.as_str(), "http" | "https") || !opens || inside {
            continue;
        }
        let written = &text[word..];
        let written = &written[..written.find(char::is_whitespace).unwrap_or(written.len())];
        let mut link = written;
        loop {
            let before = link;
            link = link.trim_end_matches(['.', ',', ';', ':', '!', '?']);
            if !link.contains('(') {
                link = link.strip_suffix(')').unwrap_or(link);
            }
            if link == before {
                break;
            }
        }
        if link.len() > scheme.len() + sign.len() {
            found.push(word..word + link.len());
        }
    }
    found
}

/// Every link, every `@handle.with.dots` and every `#tag`.
pub(super) fn marks(text: &str) -> Vec<Mark> {
    let links = links(text);
    let mut marks: Vec<Mark> = links.iter().cloned().map(Mark::Link).collect();
    for (at, sign) in text.match_indices(['@', '#', '＃']) {
        let before = text[..at].chars().next_back();
        let opens = before.is_none_or(|c| c.is_whitespace() || sign == "@" && c == '(');
        // Of two that overlap, clients show the one that begins first.
        let tagged = matches!(marks.last(), Some(Mark::Tag(tag, _)) if tag.contains(&at));
        if !opens || tagged || links.iter().any(|link| link.contains(&at)) {
            continue;
        }
        let start = at + sign.len();
        let word = &text[start..];
        if sign == "@" {
            let end = word
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.')
                .unwrap_or(word.len());
            let handle = word[..end].trim_end_matches(['.', '-']);
            if handle.split('.').count() > 1 && handle.split('.').all(|label| !label.is_empty()) {
                marks.push(Mark::Mention(at..start + handle.len(), handle.to_ascii_lowercase()));
            }
        } else {
            let end = word
                .find(|c: char| c.is_whitespace() || matches!(c, '#' | '＃'))
                .unwrap_or(word.len());
            // A link in parentheses may follow without a space.
            let next = links.iter().find(|link| link.start >= start);
            let end = next.map_or(end, |link| end.min(link.start - start));
            let tag =
                word[..end].trim_end_matches(|c: char| c.is_ascii_punctuation() || matches!(c, '…' | '。' | '、'));
            if !tag.is_empty() && !tag.bytes().all(|b| b.is_ascii_digit()) && tag.graphemes(true).count() <= MAX_TAG {
                marks.push(Mark::Tag(at..start + tag.len(), tag.to_owned()));
            }
        }
    }
    marks
}

/// The facet of one mark; `target` is the URL, the DID or the tag.
pub(super) fn facet(range: &Range<usize>, kind: &str, field: &str, target: &str) -> Value {
    let mut feature = json!({"$type": format!("app.bsky.richtext.facet#{kind}")});
    feature[field] = json!(target);
    json!({"index": {"byteStart": range.start, "byteEnd": range.end}, "features": [feature]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_in_bytes() {
        let text = "Grüße 👋 @alice.bsky.social, see https://example.com/a#b. #Rust! (@bob.example)";
        let found: Vec<(&str, Option<String>)> = marks(text)
            .into_iter()
            .map(|mark| match mark {
                Mark::Link(range) => (&text[range], None),
                Mark::Mention(range, handle) => (&text[range], Some(handle)),
                Mark::Tag(range, tag) => (&text[range], Some(tag)),
            })
            .collect();
        let expected = [
            ("https://example.com/a#b", None),
            ("@alice.bsky.social", Some("alice.bsky.social".to_owned())),
            ("#Rust", Some("Rust".to_owned())),
            ("@bob.example", Some("bob.example".to_owned())),
        ];
        assert_eq!(found, expected);
        for (text, link) in [
            ("(https://example.com/日本), so", "https://example.com/日本"),
            ("see HTTP://localhost:3000/x?!", "HTTP://localhost:3000/x"),
            ("https://example.com/a_(b).", "https://example.com/a_(b)"),
            (
                "https://example.com/?u=https://b.example",
                "https://example.com/?u=https://b.example",
            ),
        ] {
            let found = marks(text);
            assert!(
                matches!(&found[..], [Mark::Link(range)] if &text[range.clone()] == link),
                "{found:?}"
            );
        }
        assert_eq!(
            marks("#a(https://b.example"),
            [Mark::Link(3..20), Mark::Tag(0..2, "a".to_owned())]
        );
        for plain in [
            "日本https://example.com",
            "https://",
            "ftp://example.com",
            "README.md",
            "a@b.example",
            "@alone",
            "#1",
            "x#y",
            "#",
            "@.",
            "@a..b",
            "# a",
            "#!",
            "＃",
        ] {
            assert_eq!(marks(plain), [], "{plain}");
        }
        assert_eq!(marks("#日本語。"), [Mark::Tag(0..10, "日本語".to_owned())]);
        assert_eq!(marks("#(@b.example"), [Mark::Tag(0..12, "(@b.example".to_owned())]);
    }

    proptest::proptest! {
        /// Whatever the text: marks do not overlap, cut no character, and say what stands there.
        #[test]
        fn marks_of_any_text_are_within_it(text in "(\\PC|[@#. ]|https://a\\.example/|@b\\.example){0,40}") {
            let mut ranges = Vec::new();
            for mark in marks(&text) {
                let (range, said) = match mark {
                    Mark::Link(range) => (range, None),
                    Mark::Mention(range, handle) => (range, Some(handle)),
                    Mark::Tag(range, tag) => (range, Some(tag)),
                };
                let written = text.get(range.clone()).map(str::to_owned);
                proptest::prop_assert!(written.is_some());
                let written = written.unwrap_or_default().to_lowercase();
                proptest::prop_assert!(said.is_none_or(|said| written.ends_with(&said.to_lowercase())));
                ranges.push(range);
            }
            ranges.sort_by_key(|range| range.start);
            proptest::prop_assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}

//! Counting and cutting text the way networks do.

mod emoji;
mod fit;
mod links;
mod path;
mod spans;
mod split;
mod tld;
mod weighted;

use unicode_segmentation::UnicodeSegmentation;

pub(crate) use fit::fit;
use spans::{Kind, spans};
pub use split::Splitter;

/// How a network counts text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counter {
    /// Extended grapheme clusters: what a reader takes for one character.
    Graphemes,
    /// Grapheme clusters, where a URL with its scheme counts `per_url` and `@user@domain` counts as `@user`
    /// ([`StatusLengthValidator`](https://docs.joinmastodon.org/user/posting/#text)).
    ///
    /// A URL whose top-level domain is not among the common ones counts the larger of `per_url` and its written
    /// length, because servers shorten only domains on their list: the count is never below the server's.
    Mastodon {
        /// `characters_reserved_per_url` of the instance; 23 unless it says otherwise.
        per_url: usize,
    },
    /// The larger of the code points and the [`Mastodon`](Counter::Mastodon) count. Servers such as GoToSocial
    /// announce `characters_reserved_per_url` and yet count plain code points.
    Strictest {
        /// `characters_reserved_per_url` of the instance.
        per_url: usize,
    },
    /// The weighted length of X: every link counts 23, an emoji 2, most letters of Latin, Cyrillic, Arabic and other
    /// scripts below U+1100 count 1, all others 2
    /// ([counting characters](https://docs.x.com/fundamentals/counting-characters)).
    X,
    /// Code points, where an emoji counts its UTF-8 bytes
    /// ([text posts](https://developers.facebook.com/docs/threads/posts)).
    Threads,
    /// UTF-16 units of the text with its reserved characters escaped, which is never below what LinkedIn counts
    /// ([little text format](https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/little-text-format)).
    LinkedIn,
}

impl Counter {
    /// The length of `text` in the network's unit.
    pub fn count(&self, text: &str) -> usize {
        self.count_warned("", text)
    }

    /// The length of a text behind a content warning. Networks join both before they count; URLs of the warning are
    /// not shortened.
    pub(crate) fn count_warned(&self, warning: &str, text: &str) -> usize {
        match self {
            Self::Graphemes => graphemes(&[warning, text].concat()),
            Self::Mastodon { per_url } => graphemes(&shortened(warning, text, *per_url)),
            Self::Strictest { per_url } => {
                let points = warning.chars().count() + text.chars().count();
                points.max(graphemes(&shortened(warning, text, *per_url)))
            }
            Self::X => weighted::weigh(warning).length + weighted::weigh(text).length,
            Self::Threads => threads(warning) + threads(text),
            Self::LinkedIn => little_text(warning) + little_text(text),
        }
    }

    /// Whether the network takes every character of `text`. X refuses U+FFFE, U+FEFF and U+FFFF.
    pub fn takes(&self, text: &str) -> bool {
        *self != Self::X || weighted::weigh(text).valid_characters
    }
}

fn threads(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    // A cluster that shows a picture is an emoji; its joiners and selectors are part of it.
    let pictured = |c: char| matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}' | '\u{20E3}' | '\u{FE0F}');
    text.graphemes(true)
        .map(|one| {
            if one.contains(pictured) {
                one.len()
            } else {
                one.chars().count()
            }
        })
        .sum()
}

fn little_text(text: &str) -> usize {
    text.encode_utf16().count() + text.chars().filter(|&c| is_reserved(c)).count()
}

/// Characters that LinkedIn's text format gives a meaning unless a backslash stands before them.
pub(crate) fn is_reserved(c: char) -> bool {
    matches!(
        c,
        '\\' | '|' | '{' | '}' | '@' | '[' | ']' | '(' | ')' | '<' | '>' | '#' | '*' | '_' | '~'
    )
}

/// Between two ASCII characters there is a boundary unless they are CR LF, so the segmenter is asked only about what
/// lies around other characters; most of every post is ASCII.
fn graphemes(text: &str) -> usize {
    let mut count = 0;
    let mut rest = text;
    loop {
        let plain = |byte: &u8| byte.is_ascii() && *byte != b'\r';
        let ascii = rest.bytes().take_while(plain).count();
        if ascii == rest.len() {
            return count + ascii;
        }
        // The last one may belong to what follows.
        let kept = ascii.saturating_sub(1);
        count += kept;
        rest = &rest[kept..];
        let bytes = rest.as_bytes();
        let pair = bytes.windows(2).position(|pair| plain(&pair[0]) && pair[1].is_ascii());
        let (odd, after) = rest.split_at(pair.map_or(rest.len(), |at| at + 1));
        count += odd.graphemes(true).count();
        rest = after;
    }
}

/// The text as Mastodon measures it: each URL replaced by a placeholder, each remote mention by its local half.
fn shortened(warning: &str, text: &str, per_url: usize) -> String {
    let mut out = String::with_capacity(warning.len() + text.len());
    out.push_str(warning);
    let mut rest = 0;
    for span in spans(text) {
        let written = &text[span.start..span.end];
        out.push_str(&text[rest..span.start]);
        match span.kind {
            Kind::Url => out.extend(std::iter::repeat_n('x', per_url)),
            Kind::DoubtfulUrl => out.extend(std::iter::repeat_n('x', per_url.max(graphemes(written)))),
            Kind::LiteralUrl => out.push_str(written),
            Kind::Mention { local } => out.push_str(&text[span.start..local]),
        }
        rest = span.end;
    }
    out.push_str(&text[rest..]);
    out
}

/// What must not be cut: URLs and mentions as any network reads them, first to last, in byte offsets.
pub(crate) fn whole(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut parts: Vec<_> = spans(text).into_iter().map(|span| span.start..span.end).collect();
    links::each(text, |link| {
        let at = parts.partition_point(|part| part.start <= link.start);
        parts.insert(at, link.start..link.end);
    });
    parts.dedup_by(|next, last| {
        let joins = next.start < last.end;
        if joins {
            last.end = last.end.max(next.end);
        }
        joins
    });
    parts
}

/// What X makes a link, in byte offsets, and whether it is written with its scheme.
pub(crate) fn links_of_x(text: &str) -> Vec<(std::ops::Range<usize>, bool)> {
    let mut found = Vec::new();
    links::each(text, |link| found.push((link.start..link.end, link.has_scheme)));
    found
}

/// What stands for a link in a [`canonical`] text.
#[allow(dead_code, reason = "of networks that shorten links")]
pub(crate) const LINK_SIGN: char = '\u{1}';

/// The text composed, with each link as one sign and white space as single spaces: what stays of it when a network
/// shortens its links.
#[allow(dead_code, reason = "of networks that shorten links")]
pub(crate) fn canonical(text: &str) -> String {
    let composed = crate::platform::composed(text);
    let mut out = String::with_capacity(composed.len());
    let mut rest = 0;
    for (range, _) in links_of_x(&composed) {
        out.push_str(&composed[rest..range.start]);
        out.push(LINK_SIGN);
        rest = range.end;
    }
    out.push_str(&composed[rest..]);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether exactly this URL stands in the text.
pub(crate) fn has_url(text: &str, url: &str) -> bool {
    spans(text).iter().any(|span| &text[span.start..span.end] == url)
}

/// The text with `@user@domain` as `@user`, the way Mastodon shows it.
#[cfg(feature = "mastodon")]
pub(crate) fn without_mention_domains(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = 0;
    for span in spans(text) {
        if let Kind::Mention { local } = span.kind {
            out.push_str(&text[rest..local]);
            rest = span.end;
        }
    }
    out.push_str(&text[rest..]);
    out
}

#[cfg(test)]
mod tests;

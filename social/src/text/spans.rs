//! Finds the parts of a text that Mastodon does not count as they are written.
//!
//! The rules are those of the server's extractor: twitter-text's URL grammar with a scheme required and the server's
//! wider paths, and the server's own mention grammar.

use super::{path as shared, tld};

/// A URL or a mention, in byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A URL every server shortens.
    Url,
    /// A URL a server shortens when its list knows the top-level domain.
    DoubtfulUrl,
    /// A URL no server shortens: an address without a domain.
    LiteralUrl,
    /// `@user@domain`; `local` is where the domain half begins.
    Mention { local: usize },
}

const SCHEMES: [&str; 9] = [
    "https", "http", "dat", "dweb", "ipfs", "ipns", "ssb", "gopher", "gemini",
];

/// Longest URL twitter-text takes for one.
const MAX_URL: usize = 4_096;

pub(super) fn spans(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    // Without either mark there is neither a URL nor a mention.
    if !text.contains("://") && !text.contains('@') {
        return spans;
    }
    let mut at = 0;
    let mut before = None;
    while let Some(c) = text[at..].chars().next() {
        let found = if c.is_ascii_alphabetic() && may_precede_url(before) {
            url(text, at)
        } else if c == '@' && may_precede_mention(before) {
            mention(text, at)
        } else {
            None
        };
        let next = match found {
            Some(span) => {
                spans.push(span);
                span.end
            }
            None => at + c.len_utf8(),
        };
        before = text[at..next].chars().next_back();
        at = next;
    }
    spans
}

fn may_precede_url(before: Option<char>) -> bool {
    before.is_none_or(|c| {
        !(c.is_ascii_alphanumeric()
            || matches!(c, '@' | '＠' | '$' | '#' | '＃' | '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}'))
    })
}

fn may_precede_mention(before: Option<char>) -> bool {
    before.is_none_or(|c| !(is_word(c) || matches!(c, '=' | '/')))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn mention(text: &str, start: usize) -> Option<Span> {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let user = start + 1 + run(&text[start + 1..], name, |c| name(c) || matches!(c, '.' | '-'))?;
    let domain = text[user..].strip_prefix('@')?;
    let host = run(
        domain,
        |c| is_word(c) || matches!(c, '.' | '-'),
        |c| is_word(c) || matches!(c, '.' | '-'),
    )?;
    let host = domain[..host].trim_end_matches(['.', '-']);
    // The grammar wants two characters, the last of them a letter, digit or underscore.
    if host.chars().count() < 2 {
        return None;
    }
    let end = user + 1 + host.len();
    let after = &text[end..];
    if after.starts_with(['@', '＠']) || after.starts_with("://") {
        return None;
    }
    Some(Span {
        start,
        end,
        kind: Kind::Mention { local: user },
    })
}

/// Length of the run that starts with a character of `first` and goes on with `rest`, without trailing `.` and `-`.
fn run(text: &str, first: impl Fn(char) -> bool, rest: impl Fn(char) -> bool) -> Option<usize> {
    if !text.chars().next().is_some_and(first) {
        return None;
    }
    let end = text.find(|c| !rest(c)).unwrap_or(text.len());
    Some(text[..end].trim_end_matches(['.', '-']).len()).filter(|&length| length > 0)
}

fn url(text: &str, start: usize) -> Option<Span> {
    let rest = &text[start..];
    let scheme = SCHEMES.iter().find(|scheme| {
        rest.get(..scheme.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
            && rest[scheme.len()..].starts_with("://")
    })?;
    let host_start = start + scheme.len() + 3;
    let (host_end, kind) = host(&text[host_start..])?;
    let mut end = host_start + host_end;
    end += shared::port(&text[end..]);
    end += path(&text[end..]);
    end += query(&text[end..]);
    let kind = if end - start > MAX_URL { Kind::LiteralUrl } else { kind };
    Some(Span { start, end, kind })
}

/// Length of the host and what it makes of the URL.
fn host(text: &str) -> Option<(usize, Kind)> {
    let limit = text.find(|c: char| !is_host(c)).unwrap_or(text.len());
    let written = text[..limit].trim_end_matches(['.', '-', '_']);
    if written.is_empty() {
        return None;
    }
    // The longest host that ends in a known domain, or else the longest that ends in anything like one.
    let mut best: Option<(usize, Kind)> = None;
    let mut label_start = 0;
    for label in written.split('.') {
        if label.is_empty() {
            break;
        }
        if label_start > 0
            && let Some((length, kind)) = top_level(&text[label_start..], label)
        {
            best = Some((label_start + length, kind));
        }
        label_start += label.len() + 1;
    }
    let overlong = |host: &str| host.split('.').any(|label| label.chars().count() > 63);
    match best {
        Some((end, Kind::Url)) if overlong(&text[..end]) => Some((end, Kind::DoubtfulUrl)),
        Some(best) => Some(best),
        None => Some((written.len(), Kind::LiteralUrl)),
    }
}

/// Length of the top-level domain at the start of `label`, when it can be one where it stands in `text`.
fn top_level(text: &str, label: &str) -> Option<(usize, Kind)> {
    let ascii = label.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(label.len());
    let ends_here = !text[ascii..].starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '+' | '-'));
    if ascii >= 2 && ends_here {
        let known = tld::is_known(&label[..ascii]);
        return Some((ascii, if known { Kind::Url } else { Kind::DoubtfulUrl }));
    }
    if label.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((label.len(), Kind::DoubtfulUrl))
}

fn is_host(c: char) -> bool {
    matches!(c, '.' | '-' | '_')
        || c.is_ascii_alphanumeric()
        || (!c.is_ascii() && c.is_alphanumeric())
        || matches!(c, '\u{300}'..='\u{36F}')
}

/// A path ends after a character that can end one, a slash, or a balanced pair of parentheses.
fn path(text: &str) -> usize {
    if !text.starts_with('/') {
        return 0;
    }
    let mut good = 1;
    let mut at = 1;
    while let Some(c) = text[at..].chars().next() {
        if c == '(' {
            match shared::parentheses(&text[at..], 2, &is_path) {
                Some(length) => {
                    at += length;
                    good = at;
                    continue;
                }
                None => break,
            }
        }
        if c == ')' || !is_path(c) {
            break;
        }
        at += c.len_utf8();
        if !matches!(
            c,
            '!' | '*'
                | '"'
                | '\''
                | '「'
                | '」'
                | ';'
                | ':'
                | '='
                | ','
                | '.'
                | '$'
                | '%'
                | '['
                | ']'
                | '~'
                | '&'
                | '|'
                | '@'
        ) {
            good = at;
        }
    }
    good
}

/// The server's paths are wider than those of X.
fn is_path(c: char) -> bool {
    !(c.is_whitespace() || matches!(c, '<' | '>' | '?'))
}

fn query(text: &str) -> usize {
    if !text.starts_with('?') {
        return 0;
    }
    let mut good = 0;
    for (at, c) in text.char_indices().skip(1) {
        let wide = c >= '\u{A0}';
        if !(wide || c.is_ascii_alphanumeric() || "!?*'();:&=+$/%#[]-_.,~|@^".contains(c)) {
            break;
        }
        if wide || c.is_ascii_alphanumeric() || matches!(c, '_' | '&' | '=' | '#' | '/' | '-') {
            good = at + c.len_utf8();
        }
    }
    good
}

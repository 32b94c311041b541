//! Finds what X makes a link: the URL grammar of twitter-text 3.1.0, read from left to right without regular
//! expressions and without allocation.
//!
//! <https://docs.x.com/fundamentals/counting-characters>

use super::{path, tld};

/// Longest URL that becomes a link, its scheme counted twice, in UTF-16 units.
const MAX_URL: usize = 4_096;

/// Longest name behind `t.co/`.
const MAX_SHORT_NAME: usize = 40;

/// Longest label of a host, in its ASCII form.
const MAX_LABEL: usize = 63;

/// A link as X finds it, in byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it is written with `http://` or `https://`.
    pub(super) has_scheme: bool,
}

/// Longest scheme.
const SCHEME: usize = "https://".len();

/// Calls `found` with every link, first to last.
pub(super) fn each(text: &str, mut found: impl FnMut(Link)) {
    let mut at = 0;
    // Nothing is a link without a dot before a top-level domain, so only what lies around such dots is read.
    let mut from = 0;
    while let Some(dot) = text[from..].find('.').map(|distance| from + distance) {
        from = dot + 1;
        if !text
            .as_bytes()
            .get(from)
            .is_some_and(|b| b.is_ascii_alphabetic() || !b.is_ascii())
        {
            continue;
        }
        // What may come before a link is taken with it.
        let host = text[at..dot].char_indices().rev().find(|&(_, c)| !is_host_character(c));
        let host = host.map_or(at, |(before, c)| at + before + c.len_utf8());
        at = start_before(text, host.saturating_sub(SCHEME).max(at), at);
        at = read(text, at, dot, &mut found);
        from = from.max(at);
    }
}

/// The start of the character before `position`, not before `least`.
fn start_before(text: &str, position: usize, least: usize) -> usize {
    let mut start = position.saturating_sub(1).max(least);
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    start
}

/// Looks for links that begin at `at` or later and whose host holds the dot at `dot`. Returns where reading goes on.
fn read(text: &str, mut at: usize, dot: usize, found: &mut impl FnMut(Link)) -> usize {
    // Up to here there is no host: a run of characters without a dot, or none that ends in a known domain.
    let mut barren = 0;
    while at <= dot {
        let Some(c) = text[at..].chars().next() else { break };
        let after = at + c.len_utf8();
        // Half of a character beyond U+FFFF may come before a link whose host begins with the other half.
        let halved = (c > '\u{FFFF}').then_some((at, Some(c)));
        let plain = may_precede(c).then_some((after, Some(c)));
        let first = (at == 0).then_some((0, None));
        let starts = [halved, plain, first];
        let mut end = None;
        for (start, before) in starts.into_iter().flatten() {
            end = try_link(text, start, before, &mut barren, found);
            if end.is_some() {
                break;
            }
        }
        at = end.unwrap_or(after);
    }
    at
}

fn may_precede(c: char) -> bool {
    !(c.is_ascii_alphanumeric() || matches!(c, '@' | '＠' | '$' | '#' | '＃' | '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}'))
}

/// Reads a URL at `start`. Returns where reading goes on, whether or not it is a link.
fn try_link(
    text: &str,
    start: usize,
    before: Option<char>,
    barren: &mut usize,
    found: &mut impl FnMut(Link),
) -> Option<usize> {
    let scheme = scheme(&text[start..]);
    let host_start = start + scheme;
    if scheme == 0 && start < *barren {
        return None;
    }
    let Some(host_length) = host(&text[host_start..], host_start, barren) else {
        // The scheme's own letters may be a host, but none of them holds a dot.
        return None;
    };
    let host_end = host_start + host_length;
    let host = &text[host_start..host_end];
    let port = path::port(&text[host_end..]);
    let path_start = host_end + port;
    let path_end = path_start + path::of_x(&text[path_start..]);
    let end = path_end + path::query_of_x(&text[path_end..]);
    if !is_host(host) || utf16(&text[start..end]) + if scheme == 0 { 8 } else { scheme } > MAX_URL {
        return Some(end);
    }
    if scheme == 0 {
        if !before.is_some_and(|c| matches!(c, '-' | '_' | '.' | '/')) {
            ascii_hosts(
                text,
                host_start,
                host_end,
                (path_end > path_start).then_some(end),
                found,
            );
        }
        return Some(end);
    }
    if let Some(link_end) = short_link(&text[start..end], scheme) {
        found(Link {
            start,
            end: start + link_end?,
            has_scheme: true,
        });
    } else {
        found(Link {
            start,
            end,
            has_scheme: true,
        });
    }
    Some(end)
}

/// Length of `http://` or `https://` at the start of `text`, else 0.
fn scheme(text: &str) -> usize {
    let is = |scheme: &str| {
        text.get(..scheme.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    };
    match text.as_bytes().first() {
        Some(b'h' | b'H') if is("https://") => 8,
        Some(b'h' | b'H') if is("http://") => 7,
        _ => 0,
    }
}

/// `None` when this is no `t.co` link; else where it ends, or `None` when its name is too long to be one.
#[allow(clippy::option_option)]
fn short_link(url: &str, scheme: usize) -> Option<Option<usize>> {
    let rest = &url[scheme..];
    rest.get(..5).filter(|head| head.eq_ignore_ascii_case("t.co/"))?;
    let length = rest[5..].bytes().take_while(u8::is_ascii_alphanumeric).count();
    if length == 0 {
        return None;
    }
    if length > MAX_SHORT_NAME {
        return Some(None);
    }
    let end = scheme + 5 + length;
    Some(Some(end + path::query_of_x(&url[end..])))
}

/// Length of the host at the start of `text`: labels and a known top-level domain, as many labels as there are.
/// `offset` is where `text` stands; `barren` learns up to where no host begins.
fn host(text: &str, offset: usize, barren: &mut usize) -> Option<usize> {
    let mut last_dot = None;
    let mut previous = '.';
    let (mut run, mut ends) = (text.len(), true);
    for (at, c) in text.char_indices() {
        // A label begins and ends with something other than `-` and `_`.
        let misplaced = match c {
            '.' => matches!(previous, '.' | '-' | '_'),
            '-' | '_' => previous == '.',
            _ => false,
        };
        if misplaced {
            ends = false;
        }
        if misplaced || !is_host_character(c) {
            run = at;
            break;
        }
        if c == '.' {
            last_dot = Some(at);
        }
        previous = c;
    }
    let Some(mut dot) = last_dot else {
        if ends {
            *barren = (offset + run).max(*barren);
        }
        return None;
    };
    let mut none = true;
    loop {
        let name_start = text[..dot].rfind('.').map_or(0, |before| before + 1);
        if let Some(length) = top_level(&text[dot + 1..]) {
            if !text[name_start..dot].contains('_') {
                return Some(dot + 1 + length);
            }
            none = false;
        }
        match name_start.checked_sub(1) {
            Some(before) => dot = before,
            None => break,
        }
    }
    if none && ends {
        *barren = (offset + run).max(*barren);
    }
    None
}

fn is_host_character(c: char) -> bool {
    matches!(c, '.' | '-' | '_') || is_domain(c)
}

/// Length of the top-level domain at the start of `text`.
fn top_level(text: &str) -> Option<usize> {
    let follows = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '+' | '-'));
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    if letters > 0 && tld::is_known(&text[..letters]) && follows(&text[letters..]) {
        return Some(letters);
    }
    if letters == 0
        && text.starts_with(|c: char| !c.is_ascii())
        && let Some(length) = tld::other_prefix(text, follows)
    {
        return Some(length);
    }
    let encoded = text.get(..4).filter(|head| head.eq_ignore_ascii_case("xn--"))?;
    let length = text[4..]
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'-')
        .count();
    (length > 0).then_some(encoded.len() + length)
}

fn is_domain(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '"' | '`' | '\0'..='\x08' | '\x0E'..='\x1F' | '\x7F');
    }
    !matches!(c, '\u{85}' | '\u{A0}' | '\u{1680}' | '\u{180E}' | '\u{2000}'..='\u{200A}' | '\u{2028}' | '\u{2029}'
        | '\u{202F}' | '\u{205F}' | '\u{3000}' | '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}' | '\u{202A}'..='\u{202E}'
        | '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2066}'..='\u{2069}')
}

/// A host without a scheme is a link only where it is ASCII or accented Latin; there may be several in one run. The
/// path belongs to the last.
fn ascii_hosts(text: &str, start: usize, end: usize, path_end: Option<usize>, found: &mut impl FnMut(Link)) {
    let host = &text[start..end];
    let mut last: Option<Link> = None;
    let mut at = 0;
    while at < host.len() {
        let run = host[at..]
            .find(|c| !is_ascii_host(c) && c != '.')
            .map_or(host.len(), |length| at + length);
        match ascii_host(&host[at..], run - at) {
            Some(length) => {
                last.replace(Link {
                    start: start + at,
                    end: start + at + length,
                    has_scheme: false,
                })
                .map(&mut *found);
                at += length;
            }
            // The next that could begin one: after this label, or past the run.
            None => {
                at = match host[at..run].find('.') {
                    Some(dot) => at + dot + 1,
                    None => run + host[run..].chars().next().map_or(0, char::len_utf8),
                };
            }
        }
    }
    if let Some(mut link) = last {
        link.end = path_end.unwrap_or(link.end);
        found(link);
    }
}

/// Length of an ASCII host at the start of `text`, whose labels lie within `run` bytes.
fn ascii_host(text: &str, run: usize) -> Option<usize> {
    let mut end = None;
    let mut label_start = 0;
    for (at, _) in text[..run].match_indices('.') {
        if at == label_start {
            break;
        }
        label_start = at + 1;
        if let Some(length) = top_level(&text[label_start..]) {
            end = Some(label_start + length);
        }
    }
    end
}

fn is_ascii_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || path::is_latin_accent(c)
}

/// Whether every label is of a length that the domain name system takes.
fn is_host(host: &str) -> bool {
    if host.starts_with("xn--") {
        let mut any = false;
        ascii_hosts(host, 0, host.len(), None, &mut |_| any = true);
        if !any {
            return false;
        }
    }
    host.split('.').all(|label| {
        let length = if label.is_ascii() {
            label.len()
        } else {
            4 + punycode_length(label)
        };
        (1..=MAX_LABEL).contains(&length)
    })
}

/// Length of a label in [punycode](https://www.rfc-editor.org/rfc/rfc3492), without the `xn--`.
fn punycode_length(label: &str) -> usize {
    let basic = label.bytes().filter(u8::is_ascii).count();
    let mut length = basic + usize::from(basic > 0);
    let (mut handled, mut least, mut delta, mut bias) = (basic as u64, 128_u64, 0_u64, 72_u64);
    while let Some(next) = label.chars().map(u64::from_char).filter(|&c| c >= least).min() {
        delta += (next - least) * (handled + 1);
        for c in label.chars().map(u64::from_char) {
            if c < next {
                delta += 1;
            } else if c == next {
                let mut rest = delta;
                let mut k = 36_u64;
                loop {
                    let threshold = k.saturating_sub(bias).clamp(1, 26);
                    length += 1;
                    if rest < threshold {
                        break;
                    }
                    rest = (rest - threshold) / (36 - threshold);
                    k += 36;
                }
                delta = if handled == basic as u64 {
                    delta / 700
                } else {
                    delta / 2
                };
                handled += 1;
                delta += delta / handled;
                let mut steps = 0;
                while delta > 455 {
                    delta /= 35;
                    steps += 36;
                }
                bias = steps + 36 * delta / (delta + 38);
                delta = 0;
            }
        }
        delta += 1;
        least = next + 1;
    }
    length
}

trait FromChar {
    fn from_char(c: char) -> Self;
}

impl FromChar for u64 {
    fn from_char(c: char) -> Self {
        Self::from(u32::from(c))
    }
}

fn utf16(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.encode_utf16().count()
    }
}

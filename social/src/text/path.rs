//! Ports, paths and queries: what the URL grammars of X and Mastodon have in common.

/// Length of `:` and a number.
pub(super) fn port(text: &str) -> usize {
    match text.strip_prefix(':') {
        Some(rest) => match rest.bytes().take_while(u8::is_ascii_digit).count() {
            0 => 0,
            digits => digits + 1,
        },
        None => 0,
    }
}

/// Length of a path as X reads it: up to the last character that may end one, or a balanced pair of parentheses.
pub(super) fn of_x(text: &str) -> usize {
    if !text.starts_with('/') {
        return 0;
    }
    let (mut good, mut at) = (1, 1);
    while let Some(c) = text[at..].chars().next() {
        if c == '(' {
            let Some(length) = parentheses(&text[at..], 2, &is_path) else {
                break;
            };
            at += length;
            good = at;
            continue;
        }
        if !is_path(c) {
            break;
        }
        at += c.len_utf8();
        if ends_path(c) {
            good = at;
        }
    }
    good
}

/// Length of a query as X reads it.
pub(super) fn query_of_x(text: &str) -> usize {
    if !text.starts_with('?') {
        return 0;
    }
    let mut good = 0;
    for (at, b) in text.bytes().enumerate().skip(1) {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'&' | b'=' | b'#' | b'/') {
            good = at + 1;
        } else if !b"!?*'@();:+$%[].,~|".contains(&b) {
            break;
        }
    }
    good
}

/// Length of a balanced pair at the start of `text`: one or more characters of a path, or at most one further pair
/// among them.
pub(super) fn parentheses(text: &str, levels: usize, is_path: &impl Fn(char) -> bool) -> Option<usize> {
    let mut at = 1;
    let mut nested = false;
    while let Some(c) = text[at..].chars().next() {
        match c {
            ')' if at > 1 => return Some(at + 1),
            '(' if levels > 1 && !nested => {
                at += parentheses(&text[at..], levels - 1, is_path)?;
                nested = true;
            }
            c if c != '(' && c != ')' && is_path(c) => at += c.len_utf8(),
            _ => return None,
        }
    }
    None
}

fn is_path(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric()
            || matches!(
                c,
                '!' | '*' | '\'' | ';' | ':' | '=' | '+' | ',' | '.' | '$' | '/' | '%' | '#' | '[' | ']'
            )
            || matches!(c, '-' | '_' | '~' | '@' | '|' | '&');
    }
    c == '\u{2013}' || is_cyrillic(c) || is_latin_accent(c)
}

fn ends_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '=' | '_' | '#' | '/') || is_cyrillic(c) || is_latin_accent(c)
}

fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{4FF}')
}

/// Latin letters with accents, and the accents themselves.
pub(super) fn is_latin_accent(c: char) -> bool {
    matches!(c, '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{24F}' | '\u{253}' | '\u{254}' | '\u{256}'
        | '\u{257}' | '\u{259}' | '\u{25B}' | '\u{263}' | '\u{268}' | '\u{26F}' | '\u{272}' | '\u{289}' | '\u{28B}'
        | '\u{2BB}' | '\u{300}'..='\u{36F}' | '\u{1E00}'..='\u{1EFF}')
}

//! The sanitiser without a browser's parser: small enough for a Worker.
//!
//! It writes nothing but text in which `<` and `>` are escaped, and tags of a fixed list with attributes of a fixed list in
//! double quotes. No tag of the list makes a browser read what follows in another way (as script, style, textarea or foreign
//! content would), so what a browser sees is exactly what was written here, however the input was meant. The tests have
//! html5ever read the output again and find nothing else.

use super::{ATTRIBUTES, CONTENT_GOES_TOO, REL, SCHEMES, TAGS};

/// Elements without an end tag.
const VOID: &[&str] = &["br", "hr", "img"];

/// Elements that end an open paragraph.
const BLOCKS: &[&str] = &[
    "h2",
    "h3",
    "h4",
    "p",
    "ul",
    "ol",
    "dl",
    "table",
    "blockquote",
    "pre",
    "hr",
    "figure",
    "figcaption",
    "details",
];

/// Elements open at once; deeper ones lose their tags and keep their text.
const MAX_DEPTH: usize = 100;

/// Only the tags and attributes of the profile.
#[cfg(any(test, not(feature = "ammonia")))]
pub(super) fn clean(html: &str) -> String {
    read(html, true)
}

/// The text alone, as HTML text: `<`, `>` and `&` are escaped.
pub(super) fn text(html: &str) -> String {
    read(html, false)
}

fn read(html: &str, tags: bool) -> String {
    let mut page = Page {
        out: String::with_capacity(html.len()),
        open: Vec::new(),
        tags,
    };
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        escape(&mut page.out, &rest[..at], false);
        rest = page.markup(&rest[at..]);
    }
    escape(&mut page.out, rest, false);
    page.close_above(0);
    page.out
}

struct Page {
    out: String,
    open: Vec<&'static str>,
    tags: bool,
}

impl Page {
    /// Reads what begins with `<`; the answer is the rest behind it.
    fn markup<'h>(&mut self, html: &'h str) -> &'h str {
        if let Some(comment) = html.strip_prefix("<!--") {
            return after(comment, "-->");
        }
        if html.starts_with("<!") || html.starts_with("<?") {
            return after(html, ">");
        }
        let (end, inside) = match html.strip_prefix("</") {
            Some(inside) => (true, inside),
            None => (false, &html[1..]),
        };
        if !inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.out.push_str("&lt;");
            return &html[1..];
        }
        let length = inside.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>');
        let (name, rest) = inside.split_at(length.unwrap_or(inside.len()));
        let name = name.to_ascii_lowercase();
        let (attributes, rest) = attributes(rest);
        if end {
            self.end(&name);
        } else if CONTENT_GOES_TOO.contains(&name.as_str()) {
            return behind_end_tag(rest, &name);
        } else {
            self.start(&name, &attributes);
        }
        rest
    }

    fn start(&mut self, name: &str, attributes: &[(String, &str)]) {
        let Some(tag) = TAGS.iter().copied().find(|tag| *tag == name).filter(|_| self.tags) else {
            return;
        };
        while self.open.last().is_some_and(|open| is_ended_by(open, tag)) {
            self.close_above(self.open.len() - 1);
        }
        if self.open.len() >= MAX_DEPTH {
            return;
        }
        self.out.push('<');
        self.out.push_str(tag);
        let allowed = ATTRIBUTES
            .iter()
            .find(|(of, _)| *of == tag)
            .map_or(&[][..], |(_, names)| *names);
        for (at, (name, value)) in attributes.iter().enumerate() {
            let first = attributes[..at].iter().all(|(earlier, _)| earlier != name);
            let value = value.trim_matches(|c: char| c.is_ascii_whitespace());
            let link = matches!(name.as_str(), "href" | "src" | "cite");
            if first && allowed.contains(&name.as_str()) && (!link || is_link(value)) {
                self.out.push(' ');
                self.out.push_str(name);
                self.out.push_str("=\"");
                escape(&mut self.out, value, true);
                self.out.push('"');
            }
        }
        if tag == "a" {
            self.out.push_str(" rel=\"");
            self.out.push_str(REL);
            self.out.push('"');
        }
        self.out.push('>');
        if !VOID.contains(&tag) {
            self.open.push(tag);
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(at) = self.open.iter().rposition(|open| *open == name) {
            self.close_above(at);
        }
    }

    fn close_above(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(tag) = self.open.pop() {
                self.out.push_str("</");
                self.out.push_str(tag);
                self.out.push('>');
            }
        }
    }
}

/// Whether an open element ends of itself where `tag` begins.
fn is_ended_by(open: &str, tag: &str) -> bool {
    let section = matches!(tag, "thead" | "tbody" | "tfoot");
    match open {
        "p" => BLOCKS.contains(&tag),
        "li" => tag == "li",
        "dt" | "dd" => matches!(tag, "dt" | "dd"),
        "td" | "th" => matches!(tag, "td" | "th" | "tr") || section,
        "tr" => tag == "tr" || section,
        "thead" | "tbody" | "tfoot" => section,
        _ => false,
    }
}

/// The attributes of a tag, names in lower case, and the rest behind its `>`; nothing is left of a tag that never ends.
fn attributes(mut html: &str) -> (Vec<(String, &str)>, &str) {
    let mut found = Vec::new();
    loop {
        html = html.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if html.is_empty() {
            return (found, "");
        }
        if let Some(rest) = html.strip_prefix('>') {
            return (found, rest);
        }
        // A `=` in the first place belongs to the name, so that every round takes something.
        let first = html.chars().next().map_or(0, char::len_utf8);
        let length = html[first..].find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '='));
        let (name, rest) = html.split_at(length.map_or(html.len(), |length| first + length));
        html = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let mut value = "";
        if let Some(given) = html.strip_prefix('=') {
            (value, html) = attribute_value(given.trim_start_matches(|c: char| c.is_ascii_whitespace()));
        }
        found.push((name.to_ascii_lowercase(), value));
    }
}

fn attribute_value(html: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = html.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    html.split_at(
        html.find(|c: char| c.is_ascii_whitespace() || c == '>')
            .unwrap_or(html.len()),
    )
}

/// An address of an allowed scheme. The scheme is there letter by letter, so no character reference can hide another.
fn is_link(value: &str) -> bool {
    let scheme = SCHEMES.iter().find(|scheme| {
        let start = value.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '"' | '<' | '>');
    scheme.is_some_and(|scheme| {
        let rest = &value[scheme.len()..];
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains(bad)
    })
}

/// Text or a quoted value: nothing in it can begin or end a tag or a value. Character references stay what they are.
fn escape(out: &mut String, text: &str, quoted: bool) {
    // Quotes need no reference in text, and whoever counts words would count its name.
    let plain = if quoted {
        text.to_owned()
    } else {
        text.replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&apos;", "'")
    };
    let text = plain.as_str();
    for (at, c) in text.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if quoted => out.push_str("&quot;"),
            '\u{a0}' => out.push_str("&nbsp;"),
            '&' if !is_reference(&text[at + 1..]) => out.push_str("&amp;"),
            '\0' => {} // in text a browser drops it too, and an attribute needs none
            c => out.push(c),
        }
    }
}

fn is_reference(text: &str) -> bool {
    // No name is longer than 32 bytes.
    let end = text.bytes().take(33).position(|byte| byte == b';');
    let Some(name) = end.map(|end| &text[..end]) else {
        return false;
    };
    match name.strip_prefix('#') {
        Some(number) => {
            let hex = number.strip_prefix(['x', 'X']);
            let digits = hex.unwrap_or(number);
            let radix = if hex.is_some() { 16 } else { 10 };
            !digits.is_empty() && digits.len() < 8 && digits.chars().all(|c| c.is_digit(radix))
        }
        None => name.len() > 1 && name.chars().all(|c| c.is_ascii_alphanumeric()),
    }
}

fn after<'h>(html: &'h str, end: &str) -> &'h str {
    html.split_once(end).map_or("", |(_, rest)| rest)
}

/// What stands behind the end tag of `name`; nothing when there is none.
fn behind_end_tag<'h>(html: &'h str, name: &str) -> &'h str {
    let mut rest = html;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        let found = rest
            .get(..name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name));
        let ended = rest
            .get(name.len()..)
            .is_some_and(|behind| !behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'));
        if found && ended {
            return after(rest, ">");
        }
    }
    ""
}

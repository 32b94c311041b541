//! The text behind a status, so that it can be compared with the text that was posted.

use crate::text;

/// The text a reader sees in a status: tags gone, entities decoded, white space as single spaces.
pub(super) fn of_content(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('<') {
            let end = rest.find('>').map_or(rest.len(), |end| end + 1);
            let tag = &rest[..end];
            // Links are cut into several spans whose text belongs together; only these two break a line.
            if tag.starts_with("<br") || tag.starts_with("</p") {
                out.push('\n');
            }
            rest = &rest[end..];
        } else {
            let (decoded, length) = entity(rest);
            out.push(decoded);
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    // A mention of an account the server does not know stays as it was written.
    of_post(&out)
}

/// The text of a post as a status shows it: remote mentions without their domain, white space as single spaces.
pub(super) fn of_post(text: &str) -> String {
    collapse(&text::without_mention_domains(text))
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The character of an entity at the start of `text` and its length; a lone `&` is itself.
fn entity(text: &str) -> (char, usize) {
    let decoded = text[1..].find(';').filter(|&end| end <= 10).and_then(|end| {
        let name = &text[1..=end];
        let c = match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "nbsp" => ' ',
            _ => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        };
        Some((c, end + 2))
    });
    decoded.unwrap_or(('&', 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_becomes_the_text_that_was_posted() {
        let content = concat!(
            r#"<p>Hi <span class="h-card" translate="no"><a href="https://b.example/@bob" class="u-url mention">@"#,
            r#"<span>bob</span></a></span> &amp; all: 1 &lt; 2 &#39;q&#x27;<br />line two</p>"#,
            r#"<p><a href="https://example.com/a/very/long/path/that/goes/on?x=1&amp;y=2" rel="nofollow">"#,
            r#"<span class="invisible">https://</span><span class="ellipsis">example.com/a/very/long/path/t</span>"#,
            r#"<span class="invisible">hat/goes/on?x=1&amp;y=2</span></a> "#,
            r#"<a href="https://m.example/tags/rust" class="mention hashtag" rel="tag">#<span>rust</span></a></p>"#,
        );
        let posted = "Hi @bob@b.example & all: 1 < 2 'q'\r\nline two\n\nhttps://example.com/a/very/long/path/that/goes/on?x=1&y=2 #rust";
        assert_eq!(of_content(content), of_post(posted));
    }

    #[test]
    fn broken_html_is_read_without_panic() {
        for html in [
            "<",
            "&",
            "&;",
            "&#;",
            "&#x110000;",
            "a<b",
            "<p",
            "&日本語;",
            "x&amp",
            "é<br",
        ] {
            of_content(html);
        }
        assert_eq!(of_content("a & b &unknown; c"), "a & b &unknown; c");
    }
}

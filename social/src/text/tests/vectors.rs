//! One text, four networks: what each counts. The expected values were made by running twitter-text 3.1.0 for X and by
//! the documented rules for the others. Rows 5 to 7, 37, 38, 40, 41, 47 and 51 to 53 have the shape of cases that
//! twitter-text publishes in `conformance/validate.yml` (`WeightedTweetsWithDiscountedEmojiCounterTest`).

use super::MASTODON;
use crate::Counter;

const FAMILY: &str = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}";

struct Row {
    number: u32,
    text: String,
    x: usize,
    graphemes: usize,
    bytes: usize,
    /// `None` where Mastodon's value is not confirmed.
    mastodon: Option<usize>,
}

fn row(number: u32, text: impl Into<String>, x: usize, graphemes: usize, bytes: usize, mastodon: usize) -> Row {
    Row {
        number,
        text: text.into(),
        x,
        graphemes,
        bytes,
        mastodon: Some(mastodon),
    }
}

fn rows() -> Vec<Row> {
    let unconfirmed = |mut row: Row| {
        row.mastodon = None;
        row
    };
    vec![
        row(1, "", 0, 0, 0, 0),
        row(2, "Hello, world!", 13, 13, 13, 13),
        row(3, "Hello, world! 👋", 16, 15, 18, 15),
        row(4, "cafe\u{301}", 4, 4, 6, 4),
        row(5, "A\u{FB2C}", 4, 2, 4, 2),
        row(6, "Hi http://test.co", 26, 17, 17, 26),
        row(7, "http://test.co", 23, 14, 14, 23),
        row(8, format!("https://example.com/{}", "a".repeat(200)), 23, 220, 220, 23),
        row(9, "see example.com now", 31, 19, 19, 19),
        row(10, "see foo.invalidtldx now", 23, 23, 23, 23),
        row(11, "Go to https://example.com.", 30, 26, 26, 30),
        row(12, "(https://example.com/a_(b))", 25, 27, 27, 25),
        row(13, "日本http://example.com日本", 31, 22, 30, 27),
        row(14, "日本example.com日本", 31, 15, 23, 15),
        row(15, "https://a.com https://b.com/x", 47, 29, 29, 47),
        row(16, "mail me at joe@example.com ok", 29, 29, 29, 29),
        row(17, "README.md is", 26, 12, 12, 12),
        row(18, "file.rs", 23, 7, 7, 7),
        row(18, "node.js", 7, 7, 7, 7),
        row(19, "sub_domain.foo.com", 27, 18, 18, 18),
        row(20, "日本語.jp", 9, 6, 12, 6),
        unconfirmed(row(21, "https://example.com/日本", 27, 22, 26, 0)),
        unconfirmed(row(22, "http://192.168.0.1/a", 20, 20, 20, 0)),
        row(23, "@alice@mastodon.social hello", 28, 28, 28, 12),
        row(24, "日本語", 6, 3, 9, 3),
        row(25, "の".repeat(140), 280, 140, 420, 140),
        row(26, "の".repeat(141), 282, 141, 423, 141),
        row(27, "안녕", 4, 2, 6, 2),
        row(27, "\u{1112}\u{1161}\u{11AB}", 2, 1, 9, 1),
        row(28, "สวัสดี", 6, 4, 18, 4),
        unconfirmed(row(29, "नमस्ते", 6, 3, 18, 0)),
        row(30, "ሰላም", 6, 3, 9, 3),
        row(31, "“quoted” — ok…", 15, 14, 22, 14),
        row(32, "€5", 3, 2, 4, 2),
        row(33, "• item", 7, 6, 8, 6),
        row(34, "a → b", 6, 5, 7, 5),
        row(35, "Foo™", 5, 4, 6, 4),
        row(36, "a\u{200D}b", 3, 2, 5, 2),
        row(37, "😷👾😡🔥💩", 10, 5, 20, 5),
        row(38, "🙋🏽👨\u{200D}🎤", 4, 2, 19, 2),
        row(39, FAMILY, 2, 1, 25, 1),
        row(40, format!("H🐱☺{FAMILY}"), 7, 4, 33, 4),
        row(41, "1\u{20E3}", 2, 1, 4, 1),
        row(41, "1\u{FE0F}\u{20E3}", 2, 1, 7, 1),
        row(42, "🇺🇸", 2, 1, 8, 1),
        row(
            42,
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
            2,
            1,
            28,
            1,
        ),
        // Newer than the library's emoji; the higher count is the safe one.
        row(43, "❤\u{FE0F}\u{200D}🩹", 5, 1, 13, 1),
        row(43, "🐦\u{200D}🔥", 5, 1, 11, 1),
        row(44, "🫠", 2, 1, 4, 1),
        row(45, "a\r\nb", 4, 3, 4, 3),
        row(46, "ABC\u{FFFE}", 5, 4, 6, 4),
        unconfirmed(row(47, "ABC\u{202A}\u{FFFF}ABC\u{FFFE}", 12, 9, 15, 0)),
        row(48, "\u{202A}abc\u{202C}", 7, 5, 9, 5),
        row(49, "a".repeat(280), 280, 280, 280, 280),
        row(49, "a".repeat(281), 281, 281, 281, 281),
        row(
            50,
            format!("{} https://example.com/{}", "a".repeat(256), "b".repeat(50)),
            280,
            327,
            327,
            280,
        ),
        row(51, FAMILY.repeat(140), 280, 140, 3_500, 140),
        row(52, "https://www.twitter.com/aloha ".repeat(10), 240, 300, 300, 240),
        row(53, format!("{}.com", "a".repeat(64)), 68, 68, 68, 68),
    ]
}

#[test]
fn every_network_counts_every_row() {
    for row in rows() {
        let (number, text) = (row.number, &row.text);
        assert_eq!(Counter::X.count(text), row.x, "X, row {number}: {text:?}");
        assert_eq!(
            Counter::Graphemes.count(text),
            row.graphemes,
            "graphemes, row {number}: {text:?}"
        );
        assert_eq!(text.len(), row.bytes, "bytes, row {number}: {text:?}");
        if let Some(expected) = row.mastodon {
            assert_eq!(MASTODON.count(text), expected, "Mastodon, row {number}: {text:?}");
        }
    }
}

#[test]
fn rows_are_valid_where_the_network_says_so() {
    let limits = |network: &str, counter: Counter, max: usize| crate::Limits::text(network, counter, max);
    let x = limits("x", Counter::X, 280);
    let mut bluesky = limits("bluesky", Counter::Graphemes, 300);
    bluesky.max_bytes = Some(3_000);
    for row in rows() {
        let post = crate::Post::new(&row.text);
        let valid = !matches!(row.number, 1 | 26 | 46 | 47) && row.x <= 280;
        assert_eq!(x.check(&post).is_ok(), valid, "X, row {}", row.number);
        let valid = row.number != 1 && row.graphemes <= 300 && row.bytes <= 3_000;
        assert_eq!(bluesky.check(&post).is_ok(), valid, "Bluesky, row {}", row.number);
    }
}

/// Cases of the same kind as those twitter-text publishes for URL extraction: the length tells what was a link.
#[test]
fn links_begin_and_end_where_x_says() {
    for (text, links) in [
        ("text http://example.com", 1),
        ("text https://example.com/path?a=b&c=d#e text", 1),
        ("http://example.com/foo_(bar) http://x.com/(a(b)c)", 2),
        ("example.com/foo, www.foo.co.jp/bar?q=1!", 2),
        ("#example.com @example.com $example.com a@example.com", 0),
        ("-example.com _example.com .example.com /example.com", 0),
        ("http://example.com:8080/a http://user:pw@example.com", 1),
        ("http://twitter.com/#!/search http://t.co/abcde", 2),
        ("ftp://example.com", 0),
        ("http://localhost http://127.0.0.1", 0),
        ("http://みんな.みんな", 1),
        ("みんな.みんな", 0),
        ("foo.みんな", 1),
        ("http://xn--e1afmkfd.xn--80akhbyknj4f", 1),
        ("http://exa_mple.com http://exa-mple.com", 1),
        ("http://a_b.example.com", 1),
        ("http://-example.com http://example-.com", 0),
        ("example.com.", 1),
        ("example.comx example.co2", 0),
        ("http://example.com/Москва http://example.com/é", 2),
    ] {
        assert_eq!(
            super::links_of_x(text).len(),
            links,
            "{text}: {:?}",
            super::links_of_x(text)
        );
    }
    let long = format!("http://t.co/{}", "a".repeat(41));
    assert_eq!(super::links_of_x(&long), []);
    assert_eq!(super::links_of_x("https://t.co/abc/def"), [(0..16, true)]);
    let long = format!("http://example.com/{}", "a".repeat(4_100));
    assert_eq!(super::links_of_x(&long), []);
    assert_eq!(super::links_of_x(&format!("http://{}.com", "é".repeat(60))), []);
    assert_eq!(super::links_of_x(&format!("http://{}.com", "é".repeat(40))).len(), 1);
}

#[test]
fn threads_counts_emoji_in_bytes_and_linkedin_what_it_escapes() {
    for (text, count) in [
        ("abc", 3),
        ("日本", 2),
        ("👋", 4),
        (FAMILY, 25),
        ("é", 1),
        ("cafe\u{301}", 5),
        ("❤\u{FE0F}", 6),
    ] {
        assert_eq!(Counter::Threads.count(text), count, "{text}");
    }
    for (text, count) in [("abc", 3), ("a_b (c)", 10), ("👋", 2), ("#tag", 5)] {
        assert_eq!(Counter::LinkedIn.count(text), count, "{text}");
    }
}

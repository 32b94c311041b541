use proptest::prelude::*;

use super::*;

mod parts;
mod vectors;

const MASTODON: Counter = Counter::Mastodon { per_url: 23 };

#[test]
fn urls_end_where_the_server_ends_them() {
    for (text, url) in [
        (
            "see https://example.com/a?b=c&d=e#f, then",
            "https://example.com/a?b=c&d=e#f",
        ),
        ("https://example.com/a.html.", "https://example.com/a.html"),
        ("https://example.com:8080/x!", "https://example.com:8080/x"),
        (
            "https://en.wikipedia.org/wiki/Rust_(language)?x=(1) z",
            "https://en.wikipedia.org/wiki/Rust_(language)?x=(1",
        ),
        ("<https://example.com/>", "https://example.com/"),
        ("https://example.com/日本 x", "https://example.com/日本"),
        ("HTTPS://EXAMPLE.COM/A", "HTTPS://EXAMPLE.COM/A"),
        ("(https://example.com)", "https://example.com"),
        ("https://example.com…", "https://example.com"),
        ("https://example.com?q=1!", "https://example.com?q=1"),
        ("https://xn--nxasmq6b.example/a", "https://xn--nxasmq6b.example/a"),
    ] {
        let found = spans(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(&text[found[0].start..found[0].end], url, "{text}");
    }
    for text in [
        "xhttps://example.com",
        "@https://example.com",
        "#https://example.com",
        "https://",
        "https:// x",
        "://a.com",
    ] {
        assert_eq!(spans(text), [], "{text}");
    }
}

#[test]
fn the_count_is_never_below_the_servers() {
    // A server shortens a URL of a domain it knows and counts any other as it is written.
    let known = format!("https://example.com/{}", "a".repeat(100));
    assert_eq!(MASTODON.count(&known), 23);
    let unknown = format!("https://example.invalidtldx/{}", "a".repeat(100));
    assert_eq!(MASTODON.count(&unknown), unknown.len());
    assert_eq!(MASTODON.count("https://a.invalidtldx"), 23);
    for literal in [
        "http://localhost:8080/page",
        "http://192.168.0.1/a/long/path/that/goes/on",
    ] {
        assert_eq!(MASTODON.count(literal), literal.len());
    }
    assert_eq!(Counter::Mastodon { per_url: 30 }.count("http://test.co"), 30);
    let strictest = Counter::Strictest { per_url: 23 };
    assert_eq!(strictest.count(&known), known.len());
    assert_eq!(strictest.count("http://test.co"), 23);
    assert_eq!(strictest.count("e\u{301}"), 2);
}

#[test]
fn mentions_count_their_local_half() {
    for (text, count) in [
        ("@a@b.example", 2),
        ("hi @alice@b.example!", 10),
        ("(@a.b-c@x.example)", 8),
        ("mail a@b.example", 16),
        ("@a@b.example@c", 14),
        ("https://m.example/@a@b.example", 30),
        ("@a@b", 4),
        ("@日本@b.example", 13),
        ("@a@日本.example", 2),
    ] {
        assert_eq!(MASTODON.count(text), count, "{text}");
    }
}

#[test]
fn a_warning_counts_as_it_is_written() {
    assert_eq!(MASTODON.count_warned("see http://test.co", "ok"), 20);
    assert_eq!(Counter::Graphemes.count_warned("cw", "日本"), 4);
}

#[test]
fn fit_cuts_at_words_and_keeps_urls_whole() {
    let fit = |text: &str, max: usize| fit(&|text| MASTODON.count(text) <= max, text);
    assert_eq!(fit("Hello, world!", 13), "Hello, world!");
    assert_eq!(fit("Hello, world!", 12), "Hello…");
    assert_eq!(fit("one two  three", 9), "one two…");
    assert_eq!(fit("one two three", 8), "one two…");
    assert_eq!(fit("one two three", 7), "one…");
    assert_eq!(fit("unbreakable", 5), "unbr…");
    assert_eq!(
        fit("see https://example.com/some/long/path for all of it", 30),
        "see https://example.com/some/long/path …"
    );
    assert_eq!(fit("see https://example.com/some/long/path for all of it", 26), "see…");
    assert_eq!(fit("https://example.com/a and more", 10), "");
    assert_eq!(fit("a", 0), "");
    assert_eq!(fit("", 0), "");
    let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}";
    assert_eq!(fit(&family.repeat(5), 3), format!("{}…", family.repeat(2)));
    assert_eq!(fit("日本語の文章です", 5), "日本語の…");
    assert_eq!(
        fit("by @alice@mastodon.example and friends of hers", 12),
        "by @alice@mastodon.example …"
    );
}

pub(super) fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<String>(),
        "[a-z]{1,12}",
        Just(" ".to_owned()),
        Just("https://example.com/a_(b)?c=d".to_owned()),
        Just("https://日本.example/路?".to_owned()),
        Just("@alice@mastodon.example".to_owned()),
        Just("\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}".to_owned()),
        Just("日本語、です。".to_owned()),
        Just("\r\n".to_owned()),
        Just("://@.".to_owned()),
        Just("README.md".to_owned()),
        Just(". ".to_owned()),
        Just("\n\n".to_owned()),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

/// Characters that join across what looks like a boundary: prepended signs, marks, joiners, flags, line ends.
fn joiners() -> impl Strategy<Value = String> {
    let one = proptest::sample::select(vec![
        "a",
        "1",
        " ",
        "\r",
        "\n",
        "\u{300}",
        "\u{200D}",
        "\u{600}",
        "\u{1F1FA}",
        "\u{1F469}",
        "\u{1F3FD}",
        "\u{FE0F}",
        "\u{20E3}",
        "\u{915}",
        "\u{94D}",
        "\u{E01EF}",
        "\u{1112}",
        "\u{1161}",
        "é",
    ]);
    proptest::collection::vec(one, 0..20).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn graphemes_are_those_of_the_segmenter(text in joiners()) {
        prop_assert_eq!(graphemes(&text), text.graphemes(true).count());
    }

    #[test]
    fn counters_take_any_text(text in texts()) {
        let graphemes = Counter::Graphemes.count(&text);
        prop_assert_eq!(graphemes, text.graphemes(true).count());
        MASTODON.count(&text);
        let strictest = Counter::Strictest { per_url: 23 };
        prop_assert!(strictest.count(&text) >= text.chars().count());
        // Without a dot there is no link, and every code point weighs at most two.
        if !text.contains('.') {
            prop_assert!(Counter::X.count(&text) <= 3 * 2 * text.chars().count());
        }
        prop_assert!(Counter::LinkedIn.count(&text) >= text.chars().count());
        prop_assert!(Counter::Threads.count(&text) <= text.len());
        Counter::X.takes(&text);
    }

    #[test]
    fn fit_is_within_the_limit_and_a_prefix(text in texts(), max in 0_usize..60) {
        for counter in [Counter::Graphemes, MASTODON, Counter::X, Counter::LinkedIn, Counter::Threads] {
            let short = fit(&|text| counter.count(text) <= max, &text);
            prop_assert!(counter.count(&short) <= max, "{:?} counts {} of {}", short, counter.count(&short), max);
            let kept = short.strip_suffix('…').filter(|_| short != text.trim_end());
            let kept = kept.map_or(short.as_str(), |kept| kept.strip_suffix(' ').filter(|k| text.starts_with(k)).unwrap_or(kept));
            prop_assert!(text.starts_with(kept), "{:?} is no prefix", kept);
            let end = kept.len();
            prop_assert!(text.grapheme_indices(true).any(|(at, _)| at == end) || end == text.len() || text[..end].ends_with('\r') || text[end..].starts_with('\n'));
            prop_assert!(!spans(&text).iter().any(|span| span.start < end && end < span.end), "{:?} cuts a URL", kept);
        }
    }
}

use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use proptest::prelude::*;

use super::*;

type Clean = fn(&str) -> String;

/// Both sanitisers, where both are compiled.
fn both() -> Vec<Clean> {
    vec![
        strict::clean,
        #[cfg(feature = "ammonia")]
        profile::clean,
    ]
}

#[test]
fn scripts_styles_and_handlers_are_gone() {
    let html = r#"<h2 onclick="x()" style="color:red">A</h2><script>alert(1)</script><p>ok <a href="javascript:alert(1)">b</a></p><svg><script>x</script></svg><iframe src="https://x.example"></iframe>"#;
    for clean in both() {
        let clean = clean(html);
        for bad in ["script", "onclick", "style", "iframe", "svg"] {
            assert!(!clean.contains(bad), "{bad} in {clean}");
        }
        assert!(clean.contains("<h2>A</h2>"), "{clean}");
    }
}

#[test]
fn links_are_https_and_not_followed() {
    let html = r#"<a href="https://iana.org/">x</a><a href="/guess">y</a><a href="http://plain.example">z</a>"#;
    let clean = r#"<a href="https://iana.org/" rel="noopener nofollow">x</a><a rel="noopener nofollow">y</a><a rel="noopener nofollow">z</a>"#;
    for cleaner in both() {
        assert_eq!(cleaner(html), clean);
    }
}

/// What a careful model writes, and what a careless one does: the same from both.
#[test]
fn both_sanitisers_agree_on_ordinary_html() {
    for (html, clean) in [
        (
            "<h2>A &amp; B</h2><p>5 &lt; 6 &quot;q&quot;<br>x</p>",
            "<h2>A &amp; B</h2><p>5 &lt; 6 \"q\"<br>x</p>",
        ),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<p>a<p>b<ul><li>c</ul>", "<p>a</p><p>b</p><ul><li>c</li></ul>"),
        ("<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>"),
        (
            "<table><thead><tr><th scope=col>a<th>b</thead><tbody><tr><td colspan='2'>c</table>",
            "<table><thead><tr><th scope=\"col\">a</th><th>b</th></tr></thead><tbody><tr><td colspan=\"2\">c</td></tr></tbody></table>",
        ),
        ("<P CLASS=x>a<!-- b --> c</P>", "<p>a c</p>"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<div><section><p>kept</p></section></div>", "<p>kept</p>"),
        (
            "<img src=https://x.example/a.png alt='a \"b\"' onerror=x>",
            "<img src=\"https://x.example/a.png\" alt=\"a &quot;b&quot;\">",
        ),
        (
            "<a href='https://x.example/?a=1&b=2' title=t>x</a>",
            "<a href=\"https://x.example/?a=1&amp;b=2\" title=\"t\" rel=\"noopener nofollow\">x</a>",
        ),
        ("<strong>a <em>b</strong>", "<strong>a <em>b</em></strong>"),
        ("<style>p{}</style><p>a</p><script>1</script>b", "<p>a</p>b"),
        ("<p>a", "<p>a</p>"),
        (
            "<time datetime=2026-01-01>today</time>",
            "<time datetime=\"2026-01-01\">today</time>",
        ),
    ] {
        for cleaner in both() {
            assert_eq!(cleaner(html), clean, "{html}");
        }
    }
}

#[test]
fn attacks_come_out_as_nothing_that_runs() {
    for attack in [
        "<script>alert(1)//",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<img/src='x'/onerror=alert(1)>",
        "<img src=\"x` `<script>alert(1)</script>\"` `>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<a href=' javascript:alert(1)'>x</a>",
        "<a href=java&#115;cript:alert(1)>x</a>",
        "<a href=https&colon;//x>x</a>",
        "<a href='data:text/html,<script>1</script>'>x</a>",
        "<a href=//evil.example>x</a>",
        "<a href='https:\\\\evil.example'>x</a>",
        "<a href='https://x\" onclick=alert(1) y=\"'>x</a>",
        "<a title='\"><script>alert(1)</script>' href=https://x>x</a>",
        "<p title=\"--><script>alert(1)</script>\">",
        "<!--><script>alert(1)</script>-->",
        "<!--a--!><script>alert(1)</script>",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<svg><p><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mi><mglyph><style><img src=x onerror=alert(1)>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<textarea></textarea><img src=x onerror=alert(1)>",
        "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">",
        "<plaintext><img src=x onerror=alert(1)>",
        "<table><td><form><svg><a xlink:href=javascript:alert(1)>x",
        "<details ontoggle=alert(1) open>x",
        "<p style=\"x:expression(alert(1))\">x",
        "</p onclick=alert(1)>",
        "<?php <script>alert(1)</script> ?>",
        "<p/onclick=alert(1)>x",
        "<p =x onclick=alert(1)>x",
        "<p\0onclick=x>",
        "<template><script>alert(1)</script></template>",
        "<iframe srcdoc=\"<script>alert(1)</script>\">",
        "<select><option><style></select><img src=x onerror=alert(1)>",
        "\u{0}<\u{0}script>alert(1)</script>",
        "<ſcript>alert(1)</script>",
        "<İmg src=x onerror=alert(1)>",
        "<a href=\"https://x\"onclick=alert(1)>x",
    ] {
        for cleaner in both() {
            judge(attack, &cleaner(attack));
        }
    }
}

#[test]
fn depth_is_bounded() {
    let clean = strict::clean(&"<blockquote>".repeat(10_000));
    assert_eq!(clean.matches("<blockquote>").count(), 100);
    judge("deep", &clean);
}

/// html5ever's tokeniser reads `clean` as a browser does and must find nothing but text and what the profile allows.
fn judge(html: &str, clean: &str) {
    struct Judge<'a>(&'a str, &'a str);
    impl TokenSink for Judge<'_> {
        type Handle = ();
        fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
            let Self(html, clean) = self;
            match token {
                Token::TagToken(tag) => {
                    let name = &*tag.name;
                    assert!(TAGS.contains(&name), "<{name}> of {html:?} in {clean:?}");
                    let allowed = ATTRIBUTES
                        .iter()
                        .find(|(tag, _)| *tag == name)
                        .map_or(&[][..], |(_, names)| *names);
                    for attribute in &tag.attrs {
                        let (of, value) = (&*attribute.name.local, &*attribute.value);
                        assert!(
                            allowed.contains(&of) || (name == "a" && of == "rel"),
                            "{of} of {html:?} in {clean:?}"
                        );
                        if matches!(of, "href" | "src" | "cite") {
                            let lower = value.to_ascii_lowercase();
                            assert!(
                                SCHEMES
                                    .iter()
                                    .any(|scheme| lower.starts_with(scheme.trim_end_matches('/'))),
                                "{value} of {html:?} in {clean:?}"
                            );
                        }
                    }
                }
                Token::CommentToken(_) | Token::DoctypeToken(_) => panic!("a comment of {html:?} in {clean:?}"),
                Token::CharacterTokens(_) | Token::NullCharacterToken | Token::EOFToken | Token::ParseError(_) => {}
            }
            TokenSinkResult::Continue
        }
    }
    let input = BufferQueue::default();
    input.push_back(clean.into());
    let tokenizer = Tokenizer::new(Judge(html, clean), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
}

/// Pieces that attacks are made of.
fn piece() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "<",
        ">",
        "\t",
        "\n",
        "\0",
        "\u{a0}",
        " ",
        "<a href=",
        "<img src=",
        "ſ",
        "é",
    ];
    // Separated by blanks, which none of them holds.
    const WORDS: &str = "/ = \" ' ` & ; # ! -- <!-- --> </ /> p a img ul li table tr td h2 blockquote script style svg math \
        textarea title noscript template iframe xmp plaintext select href src cite onclick rel javascript: https://x.example \
        data: mailto:a@b &lt; &#60; &#x3c; &amp; &colon; <p> </p> <script> </script> alert(1) <![CDATA[ ]]> <? <table> <td> \
        </table> <svg> </svg>";
    let known: Vec<&str> = KNOWN.iter().copied().chain(WORDS.split_whitespace()).collect();
    prop_oneof![9 => prop::sample::select(known).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn no_input_brings_anything_else_out(pieces in prop::collection::vec(piece(), 0..40)) {
        let html = pieces.concat();
        let clean = strict::clean(&html);
        judge(&html, &clean);
        prop_assert_eq!(&strict::clean(&clean), &clean, "clean stays as it is");
        #[cfg(feature = "ammonia")]
        {
            // A whole browser's parser, with its tree and its repairs, finds nothing to take away either.
            let again = profile::clean(&clean);
            let words = |html: &str| decode(&strict::text(html)).replace("&#60;", "<").replace("&#x3c;", "<").replace("&colon;", ":").replace('\u{feff}', "").split_whitespace().collect::<String>();
            let (ours, theirs) = (words(&clean), words(&again));
            let sorted = |text: &str| { let mut text: Vec<char> = text.chars().collect(); text.sort_unstable(); text };
            prop_assert_eq!(sorted(&ours), sorted(&theirs), "{:?} became {:?}", clean, again);
            judge(&html, &again);
        }
        // The text alone holds no markup at all.
        prop_assert!(!strict::text(&html).contains(['<', '>']));
    }
}

#[test]
fn a_fence_around_the_body_is_taken_off() {
    assert_eq!(body("```html\n<p>x</p>\n```"), "<p>x</p>");
    assert_eq!(body("```\n<p>x</p>"), "<p>x</p>");
}

#[test]
fn plain_fields_are_one_line_without_markup() {
    assert_eq!(plain(" A <b>bold</b>\n title &amp; more\u{0} "), "A bold title & more");
    assert_eq!(plain("5 < 6 & 7"), "5 < 6 & 7");
    assert_eq!(plain("Q&A"), "Q&A");
    assert_eq!(plain("a\u{fffe}b\u{202e}c"), "a b c");
}

#[test]
fn words_counts_text_only() {
    assert_eq!(words("<p>One two</p><p title=\"three four\">five</p>"), 3);
}

#[test]
fn repeated_keywords_are_kept_once() {
    let draft = PageDraft {
        title: "t".into(),
        description: "d".into(),
        keywords: vec!["A".into(), "a".into(), " ".into()],
        body_html: String::new(),
        image_prompt: String::new(),
        hooks: vec![],
    };
    assert_eq!(sanitise(draft).keywords, ["A"]);
}

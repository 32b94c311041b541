use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::{MASTODON, texts};
use crate::{Counter, Error, Limits, Splitter, text::whole};

fn limits(max: usize) -> [Limits; 3] {
    let mut bluesky = Limits::text("bluesky", Counter::Graphemes, max + 5);
    bluesky.max_bytes = Some(max * 10);
    [
        Limits::text("x", Counter::X, max),
        bluesky,
        Limits::text("mastodon", MASTODON, max + 10),
    ]
}

fn split(text: &str, max: usize) -> Vec<String> {
    Splitter::new(&limits(max)).split(text).unwrap()
}

#[test]
fn parts_end_at_sentences_and_words() {
    assert_eq!(split("", 30), [] as [&str; 0]);
    assert_eq!(split(" Short. ", 30), ["Short."]);
    assert_eq!(
        split("One sentence here. Another one, a bit longer, follows it.", 30),
        ["One sentence here.", "Another one, a bit longer,", "follows it."]
    );
    assert_eq!(
        split("A first paragraph.\n\nA second. And more.", 30),
        ["A first paragraph.", "A second. And more."]
    );
    assert_eq!(
        split("日本語の文章です。続きの文章もあります。", 30),
        ["日本語の文章です。", "続きの文章もあります。"]
    );
    let numbered = Splitter::new(&limits(34))
        .numbered()
        .split("One sentence here. Another one, a bit longer.")
        .unwrap();
    assert_eq!(
        numbered,
        ["One sentence here. (1/2)", "Another one, a bit longer. (2/2)"].map(str::to_owned)
    );
}

#[test]
fn numbers_may_need_two_digits() {
    let text = "word ".repeat(60);
    let parts = Splitter::new(&limits(30)).numbered().split(&text).unwrap();
    assert!(
        parts.len() > 9 && parts[0].ends_with(&format!("(1/{})", parts.len())),
        "{parts:?}"
    );
    assert!(
        parts
            .iter()
            .all(|part| limits(30).iter().all(|limits| limits.fits(part, 0)))
    );
}

#[test]
fn the_first_part_leaves_room() {
    let text = "one two three four five six seven eight nine ten";
    let parts = Splitter::new(&limits(30)).reserve_in_first(20).split(text).unwrap();
    assert_eq!(parts[0], "one two");
}

#[test]
fn what_cannot_be_cut_is_too_long() {
    for text in [
        "a".repeat(31),
        format!("see https://example.com/{} now", "a".repeat(60)),
    ] {
        let error = Splitter::new(&limits(30)).split(&text).unwrap_err();
        assert!(matches!(error, Error::TooLong { .. }), "{error:?}");
    }
}

proptest! {
    #[test]
    fn parts_join_again_and_each_is_within_every_limit(text in texts(), max in 30_usize..60, numbered: bool) {
        let limits = limits(max);
        let splitter = Splitter::new(&limits);
        let splitter = if numbered { splitter.numbered() } else { splitter };
        let Ok(parts) = splitter.split(&text) else { return Ok(()) };
        let count = parts.len();
        let mut at = 0;
        for (index, part) in parts.iter().enumerate() {
            prop_assert!(limits.iter().all(|limits| limits.fits(part, 0)), "{part:?}");
            let number = format!(" ({}/{count})", index + 1);
            let bare = if numbered && count > 1 { part.strip_suffix(&number).unwrap() } else { part };
            prop_assert!(!bare.trim().is_empty());
            // Only white space may be missing between two parts.
            at += text[at..].len() - text[at..].trim_start().len();
            prop_assert!(text[at..].starts_with(bare), "{bare:?} at {at}");
            at += bare.len();
            let rest = text[at..].trim_start();
            if rest.is_empty() { continue; }
            prop_assert!(text.grapheme_indices(true).any(|(edge, _)| edge == at), "{at} is inside of a grapheme");
            let trimmed = text.trim();
            let offset = text.len() - text.trim_start().len();
            prop_assert!(!whole(trimmed).iter().any(|part| part.start + offset < at && at < part.end + offset));
            // Never between two letters of a script with spaces.
            let sides = (bare.chars().next_back().unwrap(), text[at..].chars().next().unwrap());
            prop_assert!(!(sides.0.is_ascii_alphanumeric() && sides.1.is_ascii_alphanumeric()), "inside of a word");
        }
        prop_assert!(text[at..].trim().is_empty());
    }
}

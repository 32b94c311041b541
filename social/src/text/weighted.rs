//! The weighted length of X: the rules of twitter-text configuration 3.
//!
//! <https://docs.x.com/fundamentals/counting-characters>

use super::{emoji, links};

/// What any link counts.
pub(super) const LINK: usize = 23;

/// The weighted length of a text, and whether X takes it at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weighed {
    pub(super) length: usize,
    pub(super) valid_characters: bool,
    /// Whether composing (NFC) would surely leave every character as it is.
    composed: bool,
}

/// Weighs `text` after composing it (NFC). Nearly every text is composed already: then it is read once and nothing is
/// allocated.
pub(super) fn weigh(text: &str) -> Weighed {
    let weighed = weigh_as_written(text);
    if weighed.composed {
        return weighed;
    }
    weigh_as_written(&crate::platform::composed(text))
}

/// Characters that no other composes with and that stand for themselves, so that only texts with others need the
/// tables: letters below the combining marks, punctuation, kana, Han, Hangul syllables, wide forms, flags, emoji.
fn never_composes(c: char) -> bool {
    is_wide_letter(c)
        || matches!(c, '\0'..='\u{2FF}' | '\u{200B}'..='\u{2027}' | '\u{2030}'..='\u{205E}' | '\u{20A0}'..='\u{20BF}'
            | '\u{2122}' | '\u{2600}'..='\u{27BF}' | '\u{3001}'..='\u{3029}' | '\u{FE0F}' | '\u{FF01}'..='\u{FFEE}'
            | '\u{1F1E6}'..='\u{1F1FF}' | '\u{1F300}'..='\u{1FAFF}')
}

/// Kana, Han, Hangul: most of such a text, and no emoji begins with them.
fn is_wide_letter(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
}

fn weigh_as_written(text: &str) -> Weighed {
    let mut weighed = Weighed {
        length: 0,
        valid_characters: true,
        composed: true,
    };
    let mut at = 0;
    links::each(text, |link| {
        weigh_plain(&text[at..link.start], &mut weighed);
        weighed.length += LINK;
        weighed.composed &= text[link.start..link.end].chars().all(never_composes);
        at = link.end;
    });
    weigh_plain(&text[at..], &mut weighed);
    weighed
}

/// Length of the ASCII at the start of `bytes`, read by eights.
fn ascii_run(bytes: &[u8]) -> usize {
    let (eights, _) = bytes.as_chunks::<8>();
    let whole = eights
        .iter()
        .take_while(|eight| u64::from_ne_bytes(**eight) & 0x8080_8080_8080_8080 == 0)
        .count();
    let rest = &bytes[whole * 8..];
    whole * 8 + rest.iter().take_while(|byte| byte.is_ascii()).count()
}

fn weigh_plain(text: &str, weighed: &mut Weighed) {
    let mut at = 0;
    while at < text.len() {
        let run = ascii_run(&text.as_bytes()[at..]);
        weighed.length += run;
        at += run;
        // The last of a run may be the base of a keycap.
        if let Some(base @ (b'#' | b'*' | b'0'..=b'9')) = text.as_bytes()[..at].last().filter(|_| run > 0)
            && let Some(length) = emoji::sequence(&text[at - 1..], char::from(*base))
        {
            weighed.length += 1;
            at += length - 1;
            continue;
        }
        let mut others = text[at..].chars();
        loop {
            let left = others.as_str();
            let Some(c) = others.next().filter(|c| !c.is_ascii()) else {
                at = text.len() - left.len();
                break;
            };
            if is_wide_letter(c) {
                weighed.length += 2;
                continue;
            }
            weighed.composed &= never_composes(c);
            let is_lead = matches!(c, '\u{A9}' | '\u{AE}' | '\u{203C}'..);
            if is_lead && let Some(length) = emoji::sequence(left, c) {
                weighed.length += 2;
                weighed.composed &= left[..length].chars().all(never_composes);
                others = left[length..].chars();
                continue;
            }
            weighed.valid_characters &= !matches!(c, '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}');
            weighed.length += weight(c);
        }
    }
}

fn weight(c: char) -> usize {
    match c {
        '\0'..='\u{10FF}' | '\u{2000}'..='\u{200D}' | '\u{2010}'..='\u{201F}' | '\u{2032}'..='\u{2037}' => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use unicode_normalization::{IsNormalized, UnicodeNormalization, char::canonical_combining_class, is_nfc_quick};

    use super::*;

    #[test]
    fn what_never_composes_does_not() {
        for c in ('\0'..=char::MAX).filter(|&c| never_composes(c)) {
            assert_eq!(is_nfc_quick(std::iter::once(c)), IsNormalized::Yes, "{c:?}");
            assert_eq!(canonical_combining_class(c), 0, "{c:?}");
        }
        // A mark that composes is met wherever it stands: in a text, a link, an emoji.
        for text in [
            "cafe\u{301} 日本",
            "https://example.com/cafe\u{301}",
            "1\u{338}",
            "日\u{3099}",
        ] {
            let whole: String = text.nfc().collect();
            assert!(!weigh_as_written(text).composed, "{text}");
            assert_eq!(weigh(text).length, weigh_as_written(&whole).length, "{text}");
        }
    }
}

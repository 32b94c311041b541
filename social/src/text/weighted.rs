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
}

/// Weighs `text` after composing it (NFC). Nothing is allocated unless composing changes the text.
pub(super) fn weigh(text: &str) -> Weighed {
    weigh_composed(&composed(text))
}

/// The text in composed form (NFC). Nearly every text is composed already and is not copied.
fn composed(text: &str) -> std::borrow::Cow<'_, str> {
    if text.is_ascii() || text.chars().all(never_composes) {
        return text.into();
    }
    crate::platform::composed(text)
}

/// Characters that no other composes with and that stand for themselves, so that only texts with others need the
/// tables: letters below the combining marks, punctuation, kana, Han, Hangul syllables, wide forms, emoji.
fn never_composes(c: char) -> bool {
    matches!(c, '\0'..='\u{2FF}' | '\u{200B}'..='\u{2027}' | '\u{2030}'..='\u{205E}' | '\u{20A0}'..='\u{20BF}'
        | '\u{2122}' | '\u{2600}'..='\u{27BF}' | '\u{3001}'..='\u{3029}' | '\u{3041}'..='\u{3096}'
        | '\u{30A1}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{FE0F}'
        | '\u{FF01}'..='\u{FFEE}' | '\u{1F300}'..='\u{1FAFF}')
}

fn weigh_composed(text: &str) -> Weighed {
    let mut weighed = Weighed {
        length: 0,
        valid_characters: true,
    };
    let mut at = 0;
    links::each(text, |link| {
        let rest = weigh_plain(&text[at..link.start]);
        weighed.length += rest.length + LINK;
        weighed.valid_characters &= rest.valid_characters;
        at = link.end;
    });
    let rest = weigh_plain(&text[at..]);
    weighed.length += rest.length;
    weighed.valid_characters &= rest.valid_characters;
    weighed
}

fn weigh_plain(text: &str) -> Weighed {
    let mut weighed = Weighed {
        length: 0,
        valid_characters: true,
    };
    if text.is_ascii() {
        weighed.length = text.len();
        return weighed;
    }
    let mut rest = text.chars();
    loop {
        let left = rest.as_str();
        let Some(c) = rest.next() else { return weighed };
        // Between ASCII and ASCII nothing can join; the base of a keycap is followed by something else.
        if c.is_ascii() && left.as_bytes().get(1).is_none_or(u8::is_ascii) {
            weighed.length += 1;
            continue;
        }
        // Kana, Han, Hangul: most of such a text, and no emoji begins with them.
        if matches!(c, '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FF}' | '\u{3400}'..='\u{D7A3}') {
            weighed.length += 2;
            continue;
        }
        let is_lead = matches!(c, '#' | '*' | '0'..='9' | '\u{A9}' | '\u{AE}' | '\u{203C}'..);
        if is_lead && let Some(length) = emoji::sequence(left, c) {
            weighed.length += 2;
            rest = left[length..].chars();
            continue;
        }
        weighed.valid_characters &= !matches!(c, '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}');
        weighed.length += weight(c);
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
        assert_eq!(
            composed("cafe\u{301} 日本"),
            "cafe\u{301} 日本".nfc().collect::<String>()
        );
    }
}

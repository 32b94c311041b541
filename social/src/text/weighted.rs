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
    weigh_composed(&crate::platform::composed(text))
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
    let mut at = 0;
    loop {
        // Between ASCII and ASCII nothing can join; the last before something else may be the base of a keycap.
        let plain = text.as_bytes()[at..].iter().position(|b| !b.is_ascii());
        let Some(plain) = plain else {
            weighed.length += text.len() - at;
            return weighed;
        };
        let kept = plain.saturating_sub(1);
        weighed.length += kept;
        at += kept;
        let Some(c) = text[at..].chars().next() else {
            return weighed;
        };
        let is_lead = matches!(c, '#' | '*' | '0'..='9' | '\u{A9}' | '\u{AE}' | '\u{203C}'..);
        if is_lead && let Some(length) = emoji::sequence(&text[at..], c) {
            weighed.length += 2;
            at += length;
            continue;
        }
        weighed.valid_characters &= !matches!(c, '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}');
        weighed.length += weight(c);
        at += c.len_utf8();
    }
}

fn weight(c: char) -> usize {
    match c {
        '\0'..='\u{10FF}' | '\u{2000}'..='\u{200D}' | '\u{2010}'..='\u{201F}' | '\u{2032}'..='\u{2037}' => 1,
        _ => 2,
    }
}

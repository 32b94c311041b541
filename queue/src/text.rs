//! Short text without an allocation: ids and tokens are copied with every delivery.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// What every id and token of this crate's backends fits into.
const INLINE: usize = 30;

#[derive(Clone)]
pub(crate) enum Text {
    /// The text is at the end, where a number's digits are written from.
    Inline {
        start: u8,
        bytes: [u8; INLINE],
    },
    Shared(Arc<str>),
}

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        let Some(start) = INLINE.checked_sub(text.len()) else {
            return Self::Shared(text.into());
        };
        let mut bytes = [0; INLINE];
        bytes[start..].copy_from_slice(text.as_bytes());
        Self::Inline {
            start: start as u8,
            bytes,
        }
    }

    /// `number` in decimal.
    pub(crate) fn of_number(mut number: u64) -> Self {
        let mut digits = [0; INLINE];
        let mut at = INLINE;
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        Self::Inline {
            start: at as u8,
            bytes: digits,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            // Always text: it was made from some.
            Self::Inline { start, bytes } => std::str::from_utf8(&bytes[usize::from(*start)..]).unwrap_or_default(),
            Self::Shared(text) => text,
        }
    }

    /// The number that [`of_number`](Self::of_number) wrote, or none.
    pub(crate) fn as_number(&self) -> Option<u64> {
        match self {
            Self::Inline { start, bytes } => number(&bytes[usize::from(*start)..]),
            Self::Shared(text) => number(text.as_bytes()),
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut number = 0;
    for digit in digits {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        number = number * 10 + u64::from(value);
    }
    Some(number)
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_text_behave_alike() {
        let at_the_edge = "é".repeat(15);
        for text in ["", "1", "🦀", &at_the_edge, &"x".repeat(31), &"y".repeat(400)] {
            let made = Text::new(text);
            assert_eq!(made.as_str(), text);
            assert_eq!(made, made.clone());
            assert!(matches!(made, Text::Inline { .. }) == (text.len() <= INLINE));
        }
        assert!(Text::new("b") > Text::new(&"a".repeat(99)));
    }

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for number in [0, 7, 10, 1_764_000_000_000, 9_999_999_999_999_999_999] {
            let made = Text::of_number(number);
            assert_eq!(
                (made.as_str(), made.as_number()),
                (number.to_string().as_str(), Some(number))
            );
        }
        for text in ["", "-1", "+1", "1x", "99999999999999999999"] {
            assert_eq!(Text::new(text).as_number(), None, "{text}");
        }
    }
}

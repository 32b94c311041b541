//! The top-level domains that make a host a link without a scheme on X and a short link on Mastodon: the list of
//! twitter-text 3.1.0 (`tlds.yml`, 1,259 generic and 315 country domains). Newer domains are not on it; whether the
//! live services know them is not documented.

/// Sorted ASCII names, one a line.
const ASCII: &str = include_str!("tlds.txt");

/// All others, longest first, so that the first that matches is the one the networks take.
const OTHERS: &str = include_str!("tlds_unicode.txt");

/// Length of the longest name of the list.
const LONGEST: usize = 18;

/// Where the names of each first letter begin, and where the last ones end.
const FIRST: [u16; 27] = {
    let list = ASCII.as_bytes();
    let mut first = [list.len() as u16; 27];
    let mut at = list.len();
    // Backwards, so that the first name of a letter is the last that is written down.
    while at > 0 {
        at -= 1;
        if at == 0 || list[at - 1] == b'\n' {
            let mut letter = (list[at] - b'a') as usize;
            first[letter] = at as u16;
            // A letter without names begins where the next one does.
            while letter > 0 && first[letter - 1] > at as u16 {
                letter -= 1;
                first[letter] = at as u16;
            }
        }
    }
    first
};

/// Whether the ASCII name, in any case, is on the list. Binary search over the text itself, among the names that begin
/// with the same letter.
pub(super) fn is_known(name: &str) -> bool {
    if name.len() < 2 || name.len() > LONGEST {
        return false;
    }
    // More than half of all links.
    if name.eq_ignore_ascii_case("com") {
        return true;
    }
    let list = ASCII.as_bytes();
    let letter = usize::from(name.as_bytes()[0].to_ascii_lowercase().wrapping_sub(b'a'));
    let Some(&[low, high]) = FIRST.get(letter..letter + 2).and_then(|pair| pair.first_chunk::<2>()) else {
        return false;
    };
    let (mut low, mut high) = (usize::from(low), usize::from(high));
    while low < high {
        let middle = low + (high - low) / 2;
        let start = list[..middle].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let end = middle + list[middle..].iter().position(|&b| b == b'\n').unwrap_or(0);
        let lowered = name.bytes().map(|b| b.to_ascii_lowercase());
        match lowered.cmp(list[start..end].iter().copied()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => high = start,
            std::cmp::Ordering::Greater => low = end + 1,
        }
    }
    false
}

/// Length in bytes of the longest listed name with other than ASCII letters at the start of `text`.
pub(super) fn other_prefix(text: &str, follows: impl Fn(&str) -> bool) -> Option<usize> {
    OTHERS.lines().find_map(|name| {
        let mut rest = text.chars();
        let mut length = 0;
        for wanted in name.chars() {
            let c = rest.next()?;
            if c != wanted && lower(c) != wanted {
                return None;
            }
            length += c.len_utf8();
        }
        follows(&text[length..]).then_some(length)
    })
}

/// The small letter of a capital that listed names are written with; the standard library's table of all scripts weighs
/// 8 kB in a Worker.
fn lower(c: char) -> char {
    let code = u32::from(c);
    let small = match code {
        // Latin, Greek and Cyrillic.
        0x41..=0x5A | 0xC0..=0xDE | 0x391..=0x3A9 | 0x410..=0x42F => code + 32,
        // The Cyrillic letter of Kazakh, Armenian, Georgian.
        0x49A => 0x49B,
        0x531..=0x556 => code + 48,
        0x1C90..=0x1CBA => code - 0xBC0,
        _ => code,
    };
    char::from_u32(small).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_of_listed_names_are_read_as_the_standard_library_reads_them() {
        let listed: std::collections::BTreeSet<char> = OTHERS.chars().collect();
        for c in ('\0'..=char::MAX).filter(|c| !listed.contains(c)) {
            let mut small = c.to_lowercase();
            let small = small
                .next()
                .filter(|small| listed.contains(small))
                .zip(Some(small.next()));
            let small = small.filter(|(_, more)| more.is_none()).map(|(small, _)| small);
            assert_eq!(Some(lower(c)).filter(|small| listed.contains(small)), small, "{c}");
        }
    }

    #[test]
    fn every_name_of_the_list_is_found_and_no_other() {
        assert!(ASCII.is_ascii() && ASCII.lines().is_sorted());
        for name in ASCII.lines() {
            assert!(is_known(name) && is_known(&name.to_uppercase()), "{name}");
            assert!(name.len() <= LONGEST);
        }
        for name in [
            "",
            "c",
            "js",
            "comm",
            "invalidtldx",
            "zzzz",
            "aa",
            "\n",
            "com\n",
            "aaa\naarp",
        ] {
            assert!(!is_known(name), "{name:?}");
        }
        assert_eq!(ASCII.lines().count() + OTHERS.lines().count(), 1_574);
        assert_eq!(other_prefix("РФ!", |_| true), Some(4));
        assert_eq!(other_prefix("中", |_| true), None);
    }
}

//! Emoji sequences that X weighs as one: those of Emoji 11, the version behind twitter-text 3.1.0. The live service may
//! know newer ones; until it says so, the parts of a newer sequence are counted apart, which is never too little.

const JOINER: char = '\u{200D}';
const COLOURED: char = '\u{FE0F}';
const MAN: char = '\u{1F468}';
const WOMAN: char = '\u{1F469}';
const BOY: char = '\u{1F466}';
const GIRL: char = '\u{1F467}';
const HEART: char = '\u{2764}';
const KISS: char = '\u{1F48B}';
const BLACK_FLAG: char = '\u{1F3F4}';

/// First code point and how many more follow it.
type Ranges = [(u32, u8)];

/// Take the variation selector for colour.
#[rustfmt::skip]
const COLOURABLE: &Ranges = &[
    (0xA9, 0), (0xAE, 0), (0x203C, 0), (0x2049, 0), (0x2122, 0), (0x2139, 0), (0x2194, 5), (0x21A9, 1), (0x231A, 1),
    (0x2328, 0), (0x23CF, 0), (0x23ED, 2), (0x23F1, 1), (0x23F8, 2), (0x24C2, 0), (0x25AA, 1), (0x25B6, 0),
    (0x25C0, 0), (0x25FB, 3), (0x2600, 4), (0x260E, 0), (0x2611, 0), (0x2614, 1), (0x2618, 0), (0x261D, 0),
    (0x2620, 0), (0x2622, 1), (0x2626, 0), (0x262A, 0), (0x262E, 1), (0x2638, 2), (0x2640, 0), (0x2642, 0),
    (0x2648, 11), (0x265F, 1), (0x2663, 0), (0x2665, 1), (0x2668, 0), (0x267B, 0), (0x267F, 0), (0x2692, 5),
    (0x2699, 0), (0x269B, 1), (0x26A0, 1), (0x26AA, 1), (0x26B0, 1), (0x26BD, 1), (0x26C4, 1), (0x26C8, 0),
    (0x26CF, 0), (0x26D1, 0), (0x26D3, 1), (0x26E9, 1), (0x26F0, 5), (0x26F7, 3), (0x26FD, 0), (0x2702, 0),
    (0x2708, 1), (0x270C, 1), (0x270F, 0), (0x2712, 0), (0x2714, 0), (0x2716, 0), (0x271D, 0), (0x2721, 0),
    (0x2733, 1), (0x2744, 0), (0x2747, 0), (0x2757, 0), (0x2763, 1), (0x27A1, 0), (0x2934, 1), (0x2B05, 2),
    (0x2B1B, 1), (0x2B50, 0), (0x2B55, 0), (0x3030, 0), (0x303D, 0), (0x3297, 0), (0x3299, 0), (0x1F004, 0),
    (0x1F170, 1), (0x1F17E, 1), (0x1F202, 0), (0x1F21A, 0), (0x1F22F, 0), (0x1F237, 0), (0x1F321, 0), (0x1F324, 8),
    (0x1F336, 0), (0x1F37D, 0), (0x1F396, 1), (0x1F399, 2), (0x1F39E, 1), (0x1F3CB, 3), (0x1F3D4, 11), (0x1F3F3, 0),
    (0x1F3F5, 0), (0x1F3F7, 0), (0x1F43F, 0), (0x1F441, 0), (0x1F4FD, 0), (0x1F549, 1), (0x1F56F, 1), (0x1F573, 6),
    (0x1F587, 0), (0x1F58A, 3), (0x1F590, 0), (0x1F5A5, 0), (0x1F5A8, 0), (0x1F5B1, 1), (0x1F5BC, 0), (0x1F5C2, 2),
    (0x1F5D1, 2), (0x1F5DC, 2), (0x1F5E1, 0), (0x1F5E3, 0), (0x1F5E8, 0), (0x1F5EF, 0), (0x1F5F3, 0), (0x1F5FA, 0),
    (0x1F6CB, 0), (0x1F6CD, 2), (0x1F6E0, 5), (0x1F6E9, 0), (0x1F6F0, 0), (0x1F6F3, 0),
];

/// Take a skin tone.
#[rustfmt::skip]
const SKINNED: &Ranges = &[
    (0x261D, 0), (0x26F7, 0), (0x26F9, 0), (0x270A, 3), (0x1F385, 0), (0x1F3C2, 2), (0x1F3C7, 0), (0x1F3CA, 2),
    (0x1F442, 1), (0x1F446, 10), (0x1F466, 3), (0x1F46E, 0), (0x1F470, 8), (0x1F47C, 0), (0x1F481, 2), (0x1F485, 2),
    (0x1F4AA, 0), (0x1F574, 1), (0x1F57A, 0), (0x1F590, 0), (0x1F595, 1), (0x1F645, 2), (0x1F64B, 4), (0x1F6A3, 0),
    (0x1F6B4, 2), (0x1F6C0, 0), (0x1F6CC, 0), (0x1F918, 4), (0x1F91E, 1), (0x1F926, 0), (0x1F930, 9), (0x1F93D, 1),
    (0x1F9B5, 1), (0x1F9B8, 1), (0x1F9D1, 12),
];

/// Are joined with a gender sign, after a skin tone if they have one.
#[rustfmt::skip]
const GENDERED: &Ranges = &[
    (0x1F3C3, 1), (0x1F3CA, 0), (0x1F46E, 0), (0x1F471, 0), (0x1F473, 0), (0x1F477, 0), (0x1F481, 1), (0x1F486, 1),
    (0x1F645, 2), (0x1F64B, 0), (0x1F64D, 1), (0x1F6A3, 0), (0x1F6B4, 2), (0x1F926, 0), (0x1F935, 0), (0x1F937, 2),
    (0x1F93D, 1), (0x1F9B8, 1), (0x1F9D6, 7),
];

/// Are joined with a gender sign, and have no skin tone.
#[rustfmt::skip]
const GENDERED_PLAIN: &Ranges = &[
    (0x1F46F, 0), (0x1F93C, 0), (0x1F9DE, 1),
];

/// Are joined with a gender sign only after a skin tone or the variation selector.
#[rustfmt::skip]
const GENDERED_MARKED: &Ranges = &[
    (0x26F9, 0), (0x1F3CB, 1), (0x1F574, 1),
];

/// What a man or a woman is joined with to name a trade or hair; those below U+10000 need the variation selector.
#[rustfmt::skip]
const TRADES: &Ranges = &[
    (0x2695, 1), (0x2708, 0), (0x1F33E, 0), (0x1F373, 0), (0x1F393, 0), (0x1F3A4, 0), (0x1F3A8, 0), (0x1F3EB, 0),
    (0x1F3ED, 0), (0x1F4BB, 1), (0x1F527, 0), (0x1F52C, 0), (0x1F680, 0), (0x1F692, 0), (0x1F9B0, 3),
];

/// For each first letter of a flag the second letters, as bits from `A`.
#[rustfmt::skip]
const FLAGS: [u32; 26] = [
    0x2df_597c, 0x36f_7bfb, 0x3f2_fded, 0x200_5650, 0x1e_00d5, 0x2_5700, 0x15f_b9fb, 0x1a_3400, 0xf_781c, 0xd010,
    0x342_b1d0, 0x13e_0507, 0x3ff_fcfd, 0x212_c975, 0x1000, 0x14e_3cf1, 0x1, 0x54_4010, 0x3ae_7fdf, 0x26a_7eed,
    0x304_3041, 0x10_2155, 0x4_0020, 0x400, 0x8_0010, 0x40_1001,
];

/// The tags of the flags of England, Scotland and Wales.
const TAG_FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

fn holds(ranges: &Ranges, c: char) -> bool {
    let code = u32::from(c);
    let after = ranges.partition_point(|&(start, _)| start <= code);
    after > 0 && code - ranges[after - 1].0 <= u32::from(ranges[after - 1].1)
}

fn is_skin(c: char) -> bool {
    matches!(c, '\u{1F3FB}'..='\u{1F3FF}')
}

/// What follows, read without being taken until it is.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        let c = self.0.chars().next().filter(|&c| wanted(c))?;
        self.0 = &self.0[c.len_utf8()..];
        Some(c)
    }

    fn all(&mut self, wanted: &[char]) -> Option<()> {
        wanted.iter().try_for_each(|&w| self.take(|c| c == w).map(drop))
    }
}

/// Length in bytes of the emoji of several code points at the start of `text`, which begins with `first`. A single one
/// needs no telling: it weighs two in any case.
pub(super) fn sequence(text: &str, first: char) -> Option<usize> {
    let rest = Rest(&text[first.len_utf8()..]);
    let next = rest.0.chars().next()?;
    // What goes on: a joiner, a selector, a keycap, a skin tone, a tag, or the second letter of a flag.
    let goes_on = matches!(next, JOINER | COLOURED | '\u{20E3}' | '\u{1F1E6}'..='\u{1F1FF}' | '\u{1F3FB}'..='\u{1F3FF}'
        | '\u{E0061}'..='\u{E007A}');
    if !goes_on {
        return None;
    }
    let end = joined(first, rest)
        .or_else(|| keycap(first, rest))
        .or_else(|| coloured(first, rest))
        .or_else(|| flag(first, rest))?;
    Some(text.len() - end.0.len())
}

fn joined(first: char, start: Rest<'_>) -> Option<Rest<'_>> {
    let gender = |mut rest: Rest<'_>| -> Option<usize> {
        rest.all(&[JOINER])?;
        rest.take(|c| matches!(c, '\u{2640}' | '\u{2642}'))?;
        rest.all(&[COLOURED])?;
        Some(rest.0.len())
    };
    let at = |left: usize| Rest(&start.0[start.0.len() - left..]);
    let mut toned = start;
    let has_tone = toned.take(is_skin).is_some();
    if matches!(first, MAN | WOMAN) {
        return trade(toned).or_else(|| family(first, start));
    }
    if holds(GENDERED_MARKED, first) {
        let mut marked = start;
        marked.take(|c| is_skin(c) || c == COLOURED)?;
        return gender(marked).map(at);
    }
    if holds(GENDERED, first) {
        return gender(toned).map(at);
    }
    if holds(GENDERED_PLAIN, first) && !has_tone {
        return gender(start).map(at);
    }
    let mut rest = start;
    match first {
        '\u{1F3F3}' => rest.all(&[COLOURED, JOINER, '\u{1F308}'])?,
        BLACK_FLAG => rest.all(&[JOINER, '\u{2620}', COLOURED])?,
        '\u{1F441}' => rest.all(&[JOINER, '\u{1F5E8}'])?,
        _ => return None,
    }
    Some(rest)
}

fn trade(mut rest: Rest<'_>) -> Option<Rest<'_>> {
    rest.all(&[JOINER])?;
    let trade = rest.take(|c| holds(TRADES, c))?;
    if trade < '\u{10000}' {
        rest.all(&[COLOURED])?;
    }
    Some(rest)
}

/// Couples and families: one or two adults, a heart and a kiss between them, or up to two children.
fn family(first: char, start: Rest<'_>) -> Option<Rest<'_>> {
    let adult = |c: char| c == MAN || (c == WOMAN && first == WOMAN);
    let mut rest = start;
    rest.all(&[JOINER])?;
    if rest.all(&[HEART, COLOURED, JOINER]).is_some() {
        let mut kissing = rest;
        if kissing.all(&[KISS, JOINER]).is_some() && kissing.take(adult).is_some() {
            return Some(kissing);
        }
        return rest.take(adult).map(|_| rest);
    }
    // A woman comes after a man here, and the other way round in couples with a heart.
    let partner = |c: char| c == WOMAN || (c == MAN && first == MAN);
    if rest.take(partner).is_some() {
        rest.all(&[JOINER])?;
    }
    let child = rest.take(|c| matches!(c, BOY | GIRL))?;
    let mut second = rest;
    if second.all(&[JOINER]).is_some() && second.take(|c| c == BOY || (c == GIRL && child == GIRL)).is_some() {
        return Some(second);
    }
    Some(rest)
}

fn keycap(first: char, mut rest: Rest<'_>) -> Option<Rest<'_>> {
    if !matches!(first, '#' | '*' | '0'..='9') {
        return None;
    }
    rest.take(|c| c == COLOURED);
    rest.all(&['\u{20E3}'])?;
    Some(rest)
}

/// One character with its variation selector or skin tone.
fn coloured(first: char, mut rest: Rest<'_>) -> Option<Rest<'_>> {
    let taken = rest.take(|c| (c == COLOURED && holds(COLOURABLE, first)) || (is_skin(c) && holds(SKINNED, first)))?;
    // A raised finger in colour may have a skin tone as well.
    if taken == COLOURED && holds(SKINNED, first) {
        rest.take(is_skin);
    }
    Some(rest)
}

fn flag(first: char, mut rest: Rest<'_>) -> Option<Rest<'_>> {
    let letter = |c: char| u32::from(c).checked_sub(0x1F1E6).filter(|&at| at < 26);
    if let Some(one) = letter(first) {
        let seconds = FLAGS[one as usize];
        rest.take(|c| letter(c).is_some_and(|two| seconds & (1 << two) != 0))?;
        return Some(rest);
    }
    if first != BLACK_FLAG {
        return None;
    }
    TAG_FLAGS.iter().find_map(|name| {
        let mut tagged = rest;
        for letter in name.chars() {
            tagged.take(|c| u32::from(c) == 0xE0000 + u32::from(letter))?;
        }
        tagged.all(&['\u{E007F}'])?;
        Some(tagged)
    })
}

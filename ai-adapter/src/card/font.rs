//! Letters as strokes of a pen, so that a card needs no font file.
//!
//! A letter stands in a box whose capitals are 18 units high: 0 is their top, 6 that of small letters, 18 the base line, 24 the
//! deepest tail. A stroke is a list of points, two digits to the base 25 each (`0` to `9`, `a` to `o`). `~` makes it a
//! smooth curve with the inner points as its control points, `@` a smooth closed one.

/// The height of a capital letter.
pub(super) const UNITS: f32 = 18.0;

/// Free space behind each letter.
const GAP: f32 = 4.6;
const SPACE: f32 = 7.0;

/// Letter, width, strokes; in the order of their code points.
const LETTERS: &[(char, u8, &str)] = &[
    ('!', 0, "000c 0h0h"),
    ('"', 4, "0005 4045"),
    ('#', 12, "402i a08i 16c6 0cbc"),
    ('$', 11, "~a3900008b9bi1i0e 5k50"),
    ('%', 14, "@00606606 @8cecei8i d01i"),
    ('&', 13, "~di350090940a0i8idb"),
    ('\'', 0, "0005"),
    ('(', 4, "~40050f4k"),
    (')', 4, "~00454f0k"),
    ('*', 8, "4048 0286 8206"),
    ('+', 10, "0bab 565g"),
    (',', 1, "1h0l"),
    ('-', 7, "0b7b"),
    ('.', 0, "0h0h"),
    ('/', 10, "a00k"),
    ('0', 11, "@00b0bi0i"),
    ('1', 5, "04505i"),
    ('2', 11, "~0510b0b70i 0ibi"),
    ('3', 11, "~0310a0a848 ~48b8bi1i0e"),
    ('4', 11, "8i800cbc"),
    ('5', 11, "a01008 ~0826b6bi1i0e"),
    ('6', 11, "@07b7bi0i ~80150c"),
    ('7', 11, "00b04i"),
    ('8', 11, "@10a0a818 @08b8bi0i"),
    ('9', 11, "@00b0bb0b ~b6ad3i"),
    (':', 0, "0808 0h0h"),
    (';', 1, "1818 1h0l"),
    ('<', 10, "a50bah"),
    ('=', 9, "0999 0d9d"),
    ('>', 10, "05ab0h"),
    ('?', 10, "~0410a0a8595c 5h5h"),
    ('@', 16, "@00g0gi0i @55b5bd5d b5bd"),
    ('A', 14, "0i70ei 2ccc"),
    ('B', 11, "0i00 ~0060a0a86808 ~0878b8bi7i0i"),
    ('C', 13, "~d4b0000ibide"),
    ('D', 12, "0i00 ~0060c0ci6i0i"),
    ('E', 10, "a0000iai 0898"),
    ('F', 10, "a0000i 0999"),
    ('G', 13, "~d4b0000idida da8a"),
    ('H', 12, "000i c0ci 09c9"),
    ('I', 0, "000i"),
    ('J', 8, "~808c8i0i0d"),
    ('K', 11, "000i b00b 47bi"),
    ('L', 10, "000iai"),
    ('M', 14, "0i007ce0ei"),
    ('N', 12, "0i00cic0"),
    ('O', 14, "@00e0ei0i"),
    ('P', 11, "0i00 ~0060b0ba6a0a"),
    ('Q', 14, "@00e0ei0i 9dej"),
    ('R', 11, "0i00 ~0060b0ba6a0a 6abi"),
    ('S', 11, "~a3900008b9bi1i0e"),
    ('T', 12, "00c0 606i"),
    ('U', 12, "~000b0icicbc0"),
    ('V', 14, "007ie0"),
    ('W', 18, "005i94dii0"),
    ('X', 12, "00ci c00i"),
    ('Y', 12, "0068c0 686i"),
    ('Z', 11, "00b00ibi"),
    ('[', 4, "40000k4k"),
    ('\\', 10, "00ak"),
    (']', 4, "00404k0k"),
    ('_', 10, "0lal"),
    ('a', 9, "@06969i0i 969i"),
    ('b', 9, "000i @06969i0i"),
    ('c', 9, "~9987060i8i9f"),
    ('d', 9, "@06969i0i 909i"),
    ('e', 9, "0c9c ~9c96060i8i9g"),
    ('f', 7, "~7030363i 0666"),
    ('g', 9, "@06969i0i ~969j9o1o0l"),
    ('h', 9, "000i ~0c06969c9i"),
    ('i', 0, "060i 0101"),
    ('j', 3, "~363j3o0o 3131"),
    ('k', 9, "000i 860d 3a9i"),
    ('l', 0, "000i"),
    ('m', 14, "060i ~0c06767c7i ~7c76e6ecei"),
    ('n', 9, "060i ~0c06969c9i"),
    ('o', 10, "@06a6ai0i"),
    ('p', 9, "060o @06969i0i"),
    ('q', 9, "@06969i0i 969o"),
    ('r', 6, "060i ~0c064666"),
    ('s', 8, "~8876060b8d8i1i0g"),
    ('t', 7, "~313e3i7i 0676"),
    ('u', 9, "~060c0i9i9c 969i"),
    ('v', 10, "065ia6"),
    ('w', 14, "064i79aie6"),
    ('x', 9, "069i 960i"),
    ('y', 10, "065i a63o"),
    ('z', 9, "06960i9i"),
    ('|', 0, "000l"),
    ('~', 10, "~0c288eaa"),
    ('°', 4, "@00404404"),
    ('·', 0, "0b0b"),
    ('Æ', 17, "0i80h0 808ihi 89f9 3c8c"),
    ('×', 8, "068g 860g"),
    ('Ø', 14, "@00e0ei0i 1jd0"),
    ('ß', 9, "~0i0400808748 ~48999i3i"),
    ('æ', 16, "@06868i0i 868i 8cgc ~gcg6868ifigg"),
    ('ø', 10, "@06a6ai0i 0ja5"),
    ('đ', 10, "@06969i0i 909i 53c3"),
    ('ı', 0, "060i"),
    ('Ł', 12, "202ici 0b67"),
    ('ł', 4, "202i 0b47"),
    ('Œ', 20, "@00c0ci0i k0c0ciki c9i9"),
    ('œ', 18, "@06a6ai0i acic ~ici6a6aihiig"),
    ('–', 10, "0bab"),
    ('—', 16, "0bgb"),
    ('‘', 1, "1005"),
    ('’', 1, "1005"),
    ('“', 5, "1005 5045"),
    ('”', 5, "1005 5045"),
    ('„', 5, "1h0l 5h4l"),
    ('•', 0, "0b0b"),
    ('…', 10, "0h0h 5h5h ahah"),
    ('€', 15, "~f4d0202i2idife 0797 0b9b"),
    ('→', 12, "0bcb 76cb7g"),
];

/// What marks look like above a letter 8 units wide, or below it.
const MARKS: &[(char, &str)] = &[
    ('´', "3460"),
    ('`', "5420"),
    ('^', "144074"),
    ('ˇ', "104470"),
    ('¨', "1313 7373"),
    ('~', "~04206481"),
    ('˚', "@20606424"),
    ('˙', "4343"),
    ('˝', "2440 6480"),
    ('¯', "1373"),
    ('˘', "~10246470"),
    ('¸', "~4i4k7m2o"),
    ('˛', "~6i4k4o7n"),
];

/// Letters with a mark: the mark, and pairs of the whole and its letter.
const MARKED: &[(char, &str)] = &[
    ('´', "ÁAÉEÍIÓOÚUÝYáaéeíıóoúuýyĆCćcŃNńnŚSśsŹZźzĹLĺlŔRŕr"),
    ('`', "ÀAÈEÌIÒOÙUàaèeìıòoùu"),
    ('^', "ÂAÊEÎIÔOÛUâaêeîıôoûuĈCĉcĜGĝgŜSŝsŴWŵwŶYŷy"),
    ('ˇ', "ČCčcĎDďdĚEěeŇNňnŘRřrŠSšsŤTťtŽZžzĽLľl"),
    ('¨', "ÄAËEÏIÖOÜUäaëeïıöoüuÿyŸY"),
    ('~', "ÃAÑNÕOãañnõo"),
    ('˚', "ÅAåaŮUůu"),
    ('˙', "ĖEėeĠGġgİIŻZżz"),
    ('˝', "ŐOőoŰUűu"),
    ('¯', "ĀAāaĒEēeĪIīıŌOōoŪUūu"),
    ('˘', "ĂAăaĞGğgŬUŭu"),
    ('¸', "ÇCçcŞSşsŢTţtȘSșsȚTțt"),
    ('˛', "ĄAąaĘEęeĮIįiŲUųu"),
];

fn letter(c: char) -> Option<&'static (char, u8, &'static str)> {
    LETTERS
        .binary_search_by_key(&c, |(letter, ..)| *letter)
        .ok()
        .map(|at| &LETTERS[at])
}

/// The letter below a mark, and the mark.
fn parts(c: char) -> Option<(char, char)> {
    MARKED.iter().find_map(|(mark, pairs)| {
        let mut letters = pairs.chars();
        while let (Some(whole), Some(base)) = (letters.next(), letters.next()) {
            if whole == c {
                return Some((base, *mark));
            }
        }
        None
    })
}

pub(super) fn has(c: char) -> bool {
    c.is_whitespace() || letter(c).is_some() || parts(c).is_some()
}

/// How far the next letter stands, in units.
pub(super) fn advance(c: char) -> f32 {
    if c.is_whitespace() {
        return SPACE;
    }
    let base = parts(c).map_or(c, |(base, _)| base);
    match letter(base) {
        Some((_, width, _)) => f32::from(*width) + GAP,
        // A letter of another script, in another font: ideographs are as wide as high, the rest is narrower.
        None if u32::from(c) >= 0x1100 => 25.0,
        None => 15.0,
    }
}

/// The width of a text, in heights of a capital letter.
pub(super) fn width(text: &str) -> f32 {
    text.chars().map(advance).sum::<f32>() / UNITS
}

/// Every stroke of a letter, as points in units.
pub(super) fn strokes(c: char, mut each: impl FnMut(&[(f32, f32)])) {
    let Some((base, mark)) = letter(c).map(|_| (c, None)).or_else(|| {
        let (base, mark) = parts(c)?;
        Some((base, Some(mark)))
    }) else {
        return;
    };
    let Some((_, width, shape)) = letter(base) else {
        return;
    };
    draw(shape, (0.0, 0.0), &mut each);
    let shape = mark.and_then(|mark| MARKS.iter().find(|(name, _)| *name == mark));
    if let Some((mark, shape)) = shape {
        // Marks are drawn for small letters, in the middle of a width of 8.
        let above = !matches!(mark, '¸' | '˛');
        let is_tall = base.is_uppercase() || matches!(base, 'd' | 't' | 'l');
        let up = if above && is_tall { -6.0 } else { 0.0 };
        draw(shape, (f32::from(*width) / 2.0 - 4.0, up), &mut each);
    }
}

fn draw(shape: &str, (dx, dy): (f32, f32), each: &mut impl FnMut(&[(f32, f32)])) {
    for stroke in shape.split(' ') {
        let (kind, digits) = match stroke.as_bytes() {
            [kind @ (b'~' | b'@'), digits @ ..] => (*kind, digits),
            digits => (0, digits),
        };
        let value = |digit: u8| f32::from(if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 });
        let points: Vec<(f32, f32)> = digits
            .chunks_exact(2)
            .map(|pair| (value(pair[0]) + dx, value(pair[1]) + dy))
            .collect();
        match kind {
            b'~' => each(&curve(&points)),
            b'@' => {
                // From the middle of one side around to it.
                let mut around = Vec::with_capacity(points.len() + 2);
                let start = middle(points[0], points[points.len() - 1]);
                around.push(start);
                around.extend(&points);
                around.push(start);
                each(&curve(&around));
            }
            _ => each(&points),
        }
    }
}

fn middle(a: (f32, f32), b: (f32, f32)) -> (f32, f32) {
    ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0)
}

/// Quadratic curves through the middles between inner points.
fn curve(points: &[(f32, f32)]) -> Vec<(f32, f32)> {
    const STEPS: u8 = 8;
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Vec::new();
    };
    let mut out = vec![*first];
    let inner = &points[1..points.len().max(2) - 1];
    let mut from = *first;
    for (at, control) in inner.iter().enumerate() {
        let to = inner.get(at + 1).map_or(*last, |next| middle(*control, *next));
        for step in 1..=STEPS {
            let t = f32::from(step) / f32::from(STEPS);
            let u = 1.0 - t;
            let mix = |a: f32, b: f32, c: f32| u * u * a + 2.0 * u * t * b + t * t * c;
            out.push((mix(from.0, control.0, to.0), mix(from.1, control.1, to.1)));
        }
        from = to;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_in_order_and_inside_their_box() {
        assert!(LETTERS.is_sorted_by_key(|(letter, ..)| *letter));
        let marked = MARKED.iter().flat_map(|(_, pairs)| pairs.chars().step_by(2));
        for c in LETTERS.iter().map(|(letter, ..)| *letter).chain(marked) {
            let mut count = 0;
            strokes(c, |points| {
                count += 1;
                for (x, y) in points {
                    let fits = (-4.0..=advance(c)).contains(x) && (-6.0..=24.0).contains(y);
                    assert!(fits, "{c}: {x} {y}");
                }
            });
            assert!(count > 0 && has(c), "{c}");
        }
        for c in (' '..='~').filter(|c| !"`^{}".contains(*c)) {
            assert!(has(c), "{c}");
        }
        assert!(!has('漢') && !has('Ж'));
    }
}

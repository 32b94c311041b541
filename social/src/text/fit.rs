use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::whole;

const ELLIPSIS: char = '…';

/// See [`Limits::fit`](crate::Limits::fit).
pub(crate) fn fit(within: &dyn Fn(&str) -> bool, text: &str) -> String {
    let text = text.trim_end();
    if within(text) {
        return text.to_owned();
    }
    let spans = whole(text);
    let fits = |end: usize| within(&cut(text, &spans, end));
    if let Some(end) = last_that_fits(&word_ends(text, &spans), fits) {
        return cut(text, &spans, end);
    }
    // Not even the first word fits. A URL or a mention cut short would lead elsewhere; a word may be cut.
    let start = text.len() - text.trim_start().len();
    let end = spans.first().map_or(text.len(), |span| span.start);
    let clusters: Vec<usize> = text[start..end.max(start)]
        .grapheme_indices(true)
        .map(|(at, cluster)| start + at + cluster.len())
        .collect();
    last_that_fits(&clusters, fits).map_or_else(String::new, |end| cut(text, &spans, end))
}

/// The text up to `end`, with the mark that something was left out.
fn cut(text: &str, spans: &[Range<usize>], end: usize) -> String {
    let dangling = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-' | '–' | '—' | '(');
    let kept = text[..end].trim_end_matches(dangling);
    match spans.iter().rev().find(|span| span.start < end) {
        // A mark written against a URL would become part of it; mentions are treated alike.
        Some(span) if span.end >= kept.len() && span.end <= end => {
            format!("{} {ELLIPSIS}", &text[..span.end])
        }
        _ => format!("{kept}{ELLIPSIS}"),
    }
}

/// Where words end: before white space, and between the words of scripts that write none. There words end as
/// [UAX 29](https://www.unicode.org/reports/tr29/#Word_Boundaries) says: with every letter but those of Katakana. Its
/// whole table weighs 7 kB in a Worker, gzipped.
fn word_ends(text: &str, spans: &[Range<usize>]) -> Vec<usize> {
    let inside = |at: usize| spans.iter().any(|span| span.start < at && at < span.end);
    let mut ends = Vec::new();
    let mut last: Option<(char, char)> = None;
    for (at, cluster) in text.grapheme_indices(true) {
        let (first, end) = (cluster.chars().next(), cluster.chars().next_back());
        if let (Some((base, before)), Some(after)) = (last, first) {
            // The narrow no-break space keeps a number and its unit together.
            let spaced = after.is_whitespace() && after != '\u{202F}' && !before.is_whitespace();
            let letters = unspaced(base) && unspaced(after) && !(katakana(base) && katakana(after));
            if (spaced || letters) && !inside(at) {
                ends.push(at);
            }
        }
        last = first.zip(end);
    }
    ends
}

fn katakana(c: char) -> bool {
    matches!(c, '\u{309B}'..='\u{309C}' | '\u{30A0}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}')
}

/// Letters of scripts that put no space between words: Han, Hiragana, Katakana and their extensions.
fn unspaced(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// The last end whose cut fits. Counts hardly ever shrink as text grows, so a binary search finds the neighbourhood;
/// walking down from there makes the answer certain.
fn last_that_fits(ends: &[usize], fits: impl Fn(usize) -> bool) -> Option<usize> {
    let mut low = ends.partition_point(|&end| fits(end));
    while low > 0 && !fits(ends[low - 1]) {
        low -= 1;
    }
    low.checked_sub(1).map(|index| ends[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn katakana_words_are_whole() {
        assert_eq!(word_ends("漢字カタカナーひら ab", &[]), [3, 6, 21, 24, 27]);
    }

    proptest::proptest! {
        /// As the whole table of UAX 29 has it, but for a word that ends inside of a grapheme.
        #[test]
        fn words_end_where_the_standard_says(
            letters in proptest::collection::vec(
                proptest::prop_oneof![
                    "[ァ-ヺー-ヿㇰ-ㇿ]\u{3099}?", "[ぁ-ゖ]\u{3099}?", "[一-三]", "[ a1]", "[・\u{309B}\u{309C}\u{301}\u{200D}\u{A0}\u{3000}\r\n]",
                    "[가각]", "[ -~à-ÿа-я😀-😏]",
                ],
                0..30,
            )
        ) {
            let text = letters.concat();
            let clusters: Vec<(usize, &str)> = text.grapheme_indices(true).collect();
            let is_end = |pair: &&[(usize, &str)]| {
                let (before, (at, after)) = (pair[0].1, pair[1]);
                let spaced = after.starts_with(char::is_whitespace) && !before.ends_with(char::is_whitespace);
                let bound = text.split_word_bound_indices().any(|(bound, _)| bound == at);
                bound && (spaced || before.starts_with(unspaced) && after.starts_with(unspaced))
            };
            let expected: Vec<usize> = clusters.windows(2).filter(is_end).map(|pair| pair[1].0).collect();
            proptest::prop_assert_eq!(word_ends(&text, &[]), expected);
        }
    }
}

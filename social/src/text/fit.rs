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

/// Where words end: before white space, and between the words of scripts that write none.
fn word_ends(text: &str, spans: &[Range<usize>]) -> Vec<usize> {
    let inside = |at: usize| spans.iter().any(|span| span.start < at && at < span.end);
    let mut ends = Vec::new();
    let mut before = None;
    for (at, word) in text.split_word_bound_indices() {
        let after = word.chars().next();
        if let (Some(before), Some(after)) = (before, after) {
            let spaced = after.is_whitespace() && !char::is_whitespace(before);
            if (spaced || (unspaced(before) && unspaced(after))) && !inside(at) {
                ends.push(at);
            }
        }
        before = word.chars().next_back();
    }
    ends
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

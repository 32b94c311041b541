//! One thread for several networks.

use unicode_segmentation::UnicodeSegmentation;

use super::whole;
use crate::{Error, Limits, Result};

/// Cuts a text into the parts of one thread, each within the limits of every target.
///
/// A part ends at the end of a paragraph or a sentence where that wastes less than half of it, else between words, and
/// never inside a word, a URL, a mention, an emoji or a grapheme cluster. Scripts that write no space between words are
/// cut between characters. Nothing but white space at the cuts is left out.
///
/// ```
/// use presswork_social::{Counter, Limits, Splitter};
///
/// let x = Limits::text("x", Counter::X, 280);
/// let bluesky = Limits::text("bluesky", Counter::Graphemes, 300);
/// let text = "A sentence that is long enough to be told in several parts. ".repeat(9);
/// let parts = Splitter::new([&x, &bluesky]).numbered().split(&text)?;
/// assert_eq!(parts.len(), 3);
/// assert!(parts[2].ends_with("(3/3)"));
/// # Ok::<(), presswork_social::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Splitter<'a> {
    limits: Vec<&'a Limits>,
    numbered: bool,
    first: usize,
}

impl<'a> Splitter<'a> {
    /// Splits for all of these targets at once.
    pub fn new(limits: impl IntoIterator<Item = &'a Limits>) -> Self {
        Self {
            limits: limits.into_iter().collect(),
            numbered: false,
            first: 0,
        }
    }

    /// Ends each part with its number and their count, as in `(2/5)`. A text that fits in one part gets none.
    pub fn numbered(mut self) -> Self {
        self.numbered = true;
        self
    }

    /// Keeps this much of the first part free, for a link that is added to it: the largest
    /// [`link_cost`](Limits::link_cost) of the targets.
    pub fn reserve_in_first(mut self, units: usize) -> Self {
        self.first = units;
        self
    }

    /// The parts, in order; none of a text without content.
    ///
    /// # Errors
    /// [`Error::TooLong`] when a single word, URL or mention is longer than a part.
    pub fn split(&self, text: &str) -> Result<Vec<String>> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        if self.fits(text, 0) {
            return Ok(vec![text.to_owned()]);
        }
        if !self.numbered {
            return Ok(self.parts(text, 0)?.into_iter().map(str::to_owned).collect());
        }
        // The numbers take room, and how much depends on how many parts there are.
        let mut digits = 1;
        loop {
            let parts = self.parts(text, digits)?;
            let count = parts.len();
            if count.to_string().len() <= digits {
                let number = |(index, part): (usize, &str)| format!("{part} ({}/{count})", index + 1);
                return Ok(parts.into_iter().enumerate().map(number).collect());
            }
            digits += 1;
        }
    }

    /// Whether `part` is within every limit, as part `index`.
    fn fits(&self, part: &str, index: usize) -> bool {
        let reserve = if index == 0 { self.first } else { 0 };
        self.limits.iter().all(|limits| limits.fits(part, reserve))
    }

    fn parts<'t>(&self, text: &'t str, digits: usize) -> Result<Vec<&'t str>> {
        let cuts = cuts(text);
        let (number, mut tried) = ("9".repeat(digits), String::new());
        let mut parts = Vec::new();
        let mut start = 0;
        let mut from = 0;
        while start < text.len() {
            let mut fits = |end: usize| {
                let part = text[start..end].trim_end();
                if digits == 0 {
                    return self.fits(part, parts.len());
                }
                tried.clear();
                tried.extend([part, " (", &number, "/", &number, ")"]);
                self.fits(&tried, parts.len())
            };
            let ahead = &cuts[from..];
            // Counts hardly ever shrink as text grows: search, then walk down to be certain.
            let mut reach = ahead.partition_point(|cut| fits(cut.at));
            while reach > 0 && !fits(ahead[reach - 1].at) {
                reach -= 1;
            }
            let Some(last) = reach.checked_sub(1) else {
                return Err(self.too_long(&text[start..ahead.first().map_or(text.len(), |cut| cut.at)]));
            };
            let chosen = best(&ahead[..=last], start, text.len());
            let end = ahead[chosen].at;
            parts.push(text[start..end].trim_end());
            start = end + (text[end..].len() - text[end..].trim_start().len());
            from += chosen + 1;
            while cuts.get(from).is_some_and(|cut| cut.at <= start) {
                from += 1;
            }
        }
        Ok(parts)
    }

    fn too_long(&self, part: &str) -> Error {
        let part = part.trim_end();
        let limits = self
            .limits
            .iter()
            .find(|limits| !limits.fits(part, 0))
            .or(self.limits.first());
        Error::TooLong {
            network: limits.map_or_else(String::new, |limits| limits.network.clone()),
            count: limits.map_or(0, |limits| limits.count(part)),
            max: limits.map_or(0, |limits| limits.max_text),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Between characters of a script without spaces.
    Character,
    Word,
    Sentence,
    Paragraph,
}

#[derive(Clone, Copy, Debug)]
struct Cut {
    at: usize,
    rank: Rank,
}

/// The cut of the highest rank that does not waste half of what would fit, else the last between words.
fn best(cuts: &[Cut], start: usize, end: usize) -> usize {
    let last = cuts.len() - 1;
    if cuts[last].at == end {
        return last;
    }
    let enough = start + (cuts[last].at - start) / 2;
    let of_rank = |rank: Rank| cuts.iter().rposition(|cut| cut.rank >= rank && cut.at >= enough);
    of_rank(Rank::Paragraph)
        .or_else(|| of_rank(Rank::Sentence))
        .or_else(|| of_rank(Rank::Word))
        .unwrap_or(last)
}

/// Every place where the text may be cut, first to last; the last is its end.
fn cuts(text: &str) -> Vec<Cut> {
    let protected = whole(text);
    let mut protected = protected.iter().peekable();
    let mut found = Vec::new();
    let mut before: Option<&str> = None;
    for (at, cluster) in text.grapheme_indices(true) {
        while protected.next_if(|part| part.end <= at).is_some() {}
        let inside = protected.peek().is_some_and(|part| part.start < at);
        if let Some(last) = before
            && !inside
            && let Some(rank) = rank(last, cluster, &text[at..])
        {
            found.push(Cut { at, rank });
        }
        before = Some(cluster);
    }
    found.push(Cut {
        at: text.len(),
        rank: Rank::Paragraph,
    });
    found
}

fn rank(last: &str, next: &str, rest: &str) -> Option<Rank> {
    let (Some(last), Some(first)) = (last.chars().next_back(), next.chars().next()) else {
        return None;
    };
    if first.is_whitespace() {
        if last.is_whitespace() {
            return None;
        }
        let space = &rest[..rest.len() - rest.trim_start().len()];
        return Some(match (space.matches('\n').count() > 1, ends_sentence(last)) {
            (true, _) => Rank::Paragraph,
            (false, true) => Rank::Sentence,
            (false, false) => Rank::Word,
        });
    }
    // What closes stays with what it closes.
    let closes = |c: char| {
        matches!(
            c,
            '。' | '、' | '，' | '．' | '！' | '？' | '」' | '』' | '）' | 'ー' | 'ゝ' | '々'
        )
    };
    if closes(first) {
        return None;
    }
    if matches!(last, '。' | '！' | '？') && !first.is_ascii() {
        return Some(Rank::Sentence);
    }
    (unspaced(last) && unspaced(first)).then_some(Rank::Character)
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？' | '։' | '।' | '؟')
}

/// Letters of scripts that put no space between words: Han, Hiragana, Katakana, Thai, Lao, Myanmar, Khmer.
fn unspaced(c: char) -> bool {
    matches!(c, '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3001}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FF00}'..='\u{FF65}' | '\u{20000}'..='\u{323AF}')
}

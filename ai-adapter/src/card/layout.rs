//! Where everything stands.

use super::font;

/// More lines than this are no title.
const MAX_LINES: usize = 4;

/// A card, measured. A size is the height of a capital letter, in pixels.
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) margin: f32,
    pub(super) title: Vec<String>,
    pub(super) title_size: f32,
    pub(super) site: String,
    pub(super) site_size: f32,
}

impl Layout {
    pub(super) fn new(title: &str, site: &str, width: u32, height: u32) -> Self {
        let (w, h) = (width as f32, height as f32);
        let margin = w.min(h * 1.9) / 15.0;
        let room = w - 2.0 * margin;
        let words: Vec<String> = clean(title).split_whitespace().map(str::to_owned).collect();
        let largest = h / 10.0;
        let mut title_size = largest;
        let mut lines = wrap(&words, room / title_size);
        // Smaller letters until it fits: the sizes are the card's, so that titles of one length look alike.
        for tenths in [9, 8, 7, 6, 5_u8] {
            if lines.len() <= 3 {
                break;
            }
            title_size = largest * f32::from(tenths) / 10.0;
            lines = wrap(&words, room / title_size);
        }
        if lines.len() > MAX_LINES {
            lines.truncate(MAX_LINES);
            if let Some(last) = lines.last_mut() {
                cut(last, room / title_size);
            }
        }
        let site_size = largest * 0.4;
        let mut site = clean(site).split_whitespace().collect::<Vec<_>>().join(" ");
        if font::width(&site) > room / site_size {
            cut(&mut site, room / site_size);
        }
        Self {
            width,
            height,
            margin,
            title: lines,
            title_size,
            site,
            site_size,
        }
    }

    /// The base lines of the title, from the top.
    pub(super) fn baselines(&self) -> impl Iterator<Item = (f32, &str)> {
        let step = self.title_size * 1.75;
        let block = step * (self.title.len().saturating_sub(1)) as f32;
        // A little above the middle, where the eye takes it for the middle.
        let first = self.height as f32 * 0.46 - block / 2.0 + self.title_size / 2.0;
        self.title
            .iter()
            .enumerate()
            .map(move |(at, line)| (first + step * at as f32, line.as_str()))
    }

    /// The base line of the site's name.
    pub(super) fn site_baseline(&self) -> f32 {
        self.height as f32 - self.margin
    }

    /// The bar along the upper edge.
    pub(super) fn bar(&self) -> f32 {
        (self.height as f32 / 52.0).round()
    }

    /// A letter the font does not have.
    pub(super) fn missing(&self) -> Option<char> {
        let all = self.title.iter().flat_map(|line| line.chars()).chain(self.site.chars());
        all.into_iter().find(|letter| !font::has(*letter))
    }
}

/// XML knows no control characters.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') {
                ' '
            } else {
                c
            }
        })
        .collect()
}

/// Breaks words into lines no wider than `room`, in heights of a capital letter.
fn wrap(words: &[String], room: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        if let Some(line) = lines.last_mut()
            && font::width(line) + font::width(" ") + font::width(word) <= room
        {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        // A word wider than the card, or a script without spaces, is broken anywhere.
        let mut rest = String::new();
        for letter in word.chars() {
            rest.push(letter);
            if font::width(&rest) > room && rest.chars().count() > 1 {
                rest.pop();
                lines.push(std::mem::replace(&mut rest, letter.to_string()));
            }
        }
        lines.push(rest);
    }
    lines
}

fn cut(line: &mut String, room: f32) {
    while font::width(line) + font::width("…") > room && line.pop().is_some() {}
    let kept = line.trim_end().len();
    line.truncate(kept);
    line.push('…');
}

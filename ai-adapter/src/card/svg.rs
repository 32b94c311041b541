//! The card as SVG: real text, in the reader's own font.

use std::fmt::Write;

use super::font;
use super::layout::Layout;

/// A capital letter is about 0.72 of a font's size in the fonts systems come with.
const CAPITAL: f32 = 0.72;

pub(super) fn draw(layout: &Layout, accent: [u8; 3]) -> String {
    let [red, green, blue] = accent;
    let accent = format!("#{red:02x}{green:02x}{blue:02x}");
    let (width, height, margin) = (layout.width, layout.height, layout.margin);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif\">\n"
    );
    // Writing to a string cannot fail.
    let _ = writeln!(out, "<title>{}</title>", escape(&layout.title.join(" ")));
    let _ = writeln!(out, "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
    let _ = writeln!(
        out,
        "<rect width=\"{width}\" height=\"{}\" fill=\"{accent}\"/>",
        layout.bar()
    );
    let size = layout.title_size / CAPITAL;
    for (baseline, line) in layout.baselines() {
        let _ = writeln!(
            out,
            "<text x=\"{margin:.1}\" y=\"{baseline:.1}\" font-size=\"{size:.1}\" font-weight=\"600\" fill=\"#16191d\"{}>{}</text>",
            length(line, layout.title_size),
            escape(line)
        );
    }
    let size = layout.site_size / CAPITAL;
    let _ = writeln!(
        out,
        "<text x=\"{margin:.1}\" y=\"{:.1}\" font-size=\"{size:.1}\" fill=\"#5b6470\"{}>{}</text>\n</svg>",
        layout.site_baseline(),
        length(&layout.site, layout.site_size),
        escape(&layout.site)
    );
    out
}

/// The width the lines were broken for: in a wider font a line would run out of the card.
fn length(line: &str, size: f32) -> String {
    let width = font::width(line) * size;
    format!(" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\"")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

//! The card as pixels.

use super::font::{self, UNITS};
use super::layout::Layout;
use super::png;

/// Shades from the background to a colour, which smooth the edges.
const SHADES: u8 = 15;
const BACKGROUND: [u8; 3] = [0xff, 0xff, 0xff];
const INK: [u8; 3] = [0x16, 0x19, 0x1d];
const GREY: [u8; 3] = [0x5b, 0x64, 0x70];

pub(super) fn draw(layout: &Layout, accent: [u8; 3]) -> Vec<u8> {
    let mut canvas = Canvas::new(layout.width, layout.height);
    let bar = layout.bar() as usize * canvas.width;
    canvas.pixels[..bar].fill(3 * SHADES);
    for (baseline, line) in layout.baselines() {
        canvas.text(line, layout.margin, baseline, layout.title_size, 0.074, 0);
    }
    canvas.text(
        &layout.site,
        layout.margin,
        layout.site_baseline(),
        layout.site_size,
        0.062,
        1,
    );
    let mut palette = vec![BACKGROUND];
    for colour in [INK, GREY, accent] {
        palette.extend((1..=SHADES).map(|shade| mix(colour, shade)));
    }
    png::encode(layout.width, layout.height, &palette, &canvas.pixels)
}

fn mix(colour: [u8; 3], shade: u8) -> [u8; 3] {
    let (shade, all) = (u32::from(shade), u32::from(SHADES));
    let one = |at: usize| {
        let sum = u32::from(colour[at]) * shade + u32::from(BACKGROUND[at]) * (all - shade);
        u8::try_from(sum / all).unwrap_or(u8::MAX)
    };
    [one(0), one(1), one(2)]
}

struct Canvas {
    width: usize,
    height: usize,
    /// Indices of the palette: the background, then the shades of each colour.
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as usize, height as usize);
        Self {
            width,
            height,
            pixels: vec![0; width * height],
        }
    }

    /// Writes a line of text. `size` is the height of a capital letter, `weight` half a stroke's width as a part of it.
    fn text(&mut self, text: &str, left: f32, baseline: f32, size: f32, weight: f32, colour: u8) {
        let scale = size / UNITS;
        let mut x = left;
        for letter in text.chars() {
            font::strokes(letter, |points| {
                for pair in points.windows(2) {
                    let at = |(px, py): (f32, f32)| (x + px * scale, baseline + (py - UNITS) * scale);
                    self.line(at(pair[0]), at(pair[1]), size * weight, colour);
                }
            });
            x += font::advance(letter) * scale;
        }
    }

    /// A line with round ends.
    fn line(&mut self, from: (f32, f32), to: (f32, f32), radius: f32, colour: u8) {
        let reach = radius + 1.0;
        let range = |a: f32, b: f32, end: usize| {
            let (low, high) = ((a.min(b) - reach).floor().max(0.0), (a.max(b) + reach).ceil().max(0.0));
            (low as usize).min(end)..(high as usize + 1).min(end)
        };
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = (dx * dx + dy * dy).max(f32::EPSILON);
        for y in range(from.1, to.1, self.height) {
            for x in range(from.0, to.0, self.width) {
                let (px, py) = (x as f32 + 0.5 - from.0, y as f32 + 0.5 - from.1);
                let along = ((px * dx + py * dy) / length).clamp(0.0, 1.0);
                let distance = (px - along * dx).hypot(py - along * dy);
                let shade = ((radius + 0.5 - distance).clamp(0.0, 1.0) * f32::from(SHADES)).round() as u8;
                if shade > 0 {
                    let pixel = &mut self.pixels[y * self.width + x];
                    *pixel = (*pixel).max(colour * SHADES + shade);
                }
            }
        }
    }
}

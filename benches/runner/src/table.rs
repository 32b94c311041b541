//! One table per figure: values, their ratios, and what they say about the reach.

use anyhow::{Context, Result};

use crate::program;

#[derive(Clone, Copy, PartialEq)]
pub enum Role {
    /// Hand-written on the same driver.
    Base,
    Own,
    Peer,
}

pub struct Row {
    pub name: String,
    pub role: Role,
    pub values: Vec<f64>,
}

impl Row {
    pub fn new(name: &str, role: Role, values: Vec<f64>) -> Self {
        Self {
            name: name.to_owned(),
            role,
            values,
        }
    }
}

/// What is promised.
#[derive(Clone, Copy)]
pub enum Reach {
    /// At most this many times the base.
    Times(f64),
    /// At least this many times the base.
    AtLeast(f64),
    /// At most this much more than the base.
    Plus(f64),
    /// At most this.
    Most(f64),
    Nothing,
}

pub struct Metric {
    pub name: &'static str,
    pub reach: Reach,
}

pub struct Table {
    pub title: String,
    pub metrics: Vec<Metric>,
    pub rows: Vec<Row>,
    pub notes: Vec<String>,
}

impl Table {
    /// The table in Markdown that is aligned as plain text too, then one line per promise.
    pub fn text(&self) -> String {
        let base = self.rows.iter().find(|row| row.role == Role::Base);
        let mut lines = vec![vec![String::new()]];
        for metric in &self.metrics {
            lines[0].push(metric.name.to_owned());
            if base.is_some() {
                lines[0].push("to base".to_owned());
            }
        }
        for row in &self.rows {
            let mut cells = vec![row.name.clone()];
            for (at, value) in row.values.iter().enumerate() {
                cells.push(number(*value));
                if let Some(base) = base {
                    cells.push(format!("{:.2}x", value / base.values[at]));
                }
            }
            lines.push(cells);
        }
        let width = |column: usize| lines.iter().map(|cells| cells[column].len()).max().unwrap_or(0);
        let widths: Vec<_> = (0..lines[0].len()).map(width).collect();
        let mut text = format!("**{}**\n\n", self.title);
        for (at, cells) in lines.iter().enumerate() {
            let padded = cells
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| match column {
                    0 => format!(" {cell:<width$} "),
                    _ => format!(" {cell:>width$} "),
                });
            text += &format!("|{}|\n", padded.collect::<Vec<_>>().join("|"));
            if at == 0 {
                let rule = widths.iter().enumerate().map(|(column, width)| match column {
                    0 => "-".repeat(width + 2),
                    _ => "-".repeat(width + 1) + ":",
                });
                text += &format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
            }
        }
        text.push('\n');
        for (at, metric) in self.metrics.iter().enumerate() {
            if let Some(verdict) = self.verdict(at, metric) {
                text += &format!("- {verdict}\n");
            }
        }
        for note in &self.notes {
            text += &format!("- {note}\n");
        }
        text
    }

    fn verdict(&self, at: usize, metric: &Metric) -> Option<String> {
        let own = self.rows.iter().find(|row| row.role == Role::Own)?.values[at];
        let base = || {
            self.rows
                .iter()
                .find(|row| row.role == Role::Base)
                .map(|row| row.values[at])
        };
        let (holds, reach) = match metric.reach {
            // Half a unit of the last digit that is shown: a tie is met.
            Reach::Times(most) => (own / base()? < most + 0.005, format!("at most {most:.2}x the base")),
            Reach::AtLeast(least) => (own / base()? > least - 0.005, format!("at least {least:.2}x the base")),
            Reach::Plus(more) => (own - base()? <= more, format!("at most {} over the base", number(more))),
            Reach::Most(most) => (own <= most, format!("at most {}", number(most))),
            Reach::Nothing => return None,
        };
        let measured = match (metric.reach, base()) {
            (Reach::Plus(_), Some(base)) => {
                format!("{} more ({} against {})", number(own - base), number(own), number(base))
            }
            (_, Some(base)) => format!("{:.2}x ({} against {})", own / base, number(own), number(base)),
            (_, None) => number(own),
        };
        let more = matches!(metric.reach, Reach::AtLeast(_));
        let peers = self
            .rows
            .iter()
            .filter(|row| row.role == Role::Peer && row.values[at].is_finite());
        let best = peers.reduce(|a, b| if (a.values[at] < b.values[at]) == more { b } else { a });
        let best = best.map_or_else(String::new, |peer| {
            format!("; {:.2}x the best peer, {}", own / peer.values[at], peer.name)
        });
        let verdict = if holds { "met" } else { "MISSED" };
        Some(format!("{}: {measured}{best}. Reach: {reach}: {verdict}.", metric.name))
    }
}

fn number(value: f64) -> String {
    match value {
        v if !v.is_finite() => "-".to_owned(),
        v if v.abs() >= 10_000.0 && v.abs() < 1_000_000.0 => format!("{:.1} k", v / 1e3),
        v if v.abs() >= 1_000_000.0 => format!("{:.2} M", v / 1e6),
        v if v.abs() >= 100.0 || v.fract() == 0.0 => format!("{v:.0}"),
        v if v.abs() >= 1.0 => format!("{v:.1}"),
        v => format!("{v:.3}"),
    }
}

/// Puts the text of a figure into README.md, between its markers.
pub fn write(figure: &str, text: &str) -> Result<()> {
    let path = program::root().join("README.md");
    let readme = std::fs::read_to_string(&path)?;
    let (begin, end) = (format!("<!-- figure: {figure} -->"), "<!-- end -->");
    let from = readme
        .find(&begin)
        .with_context(|| format!("README.md has no `{begin}`"))?
        + begin.len();
    let to = from
        + readme[from..]
            .find(end)
            .with_context(|| format!("README.md has no `{end}` after it"))?;
    std::fs::write(
        &path,
        format!("{}\n\n{}\n{}", &readme[..from], text.trim_end(), &readme[to..]),
    )?;
    Ok(())
}

//! Tables for people, JSON for machines.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table, TableStyle};
use serde::Serialize;

/// Prints one JSON document.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn json(document: &impl Serialize) -> anyhow::Result<()> {
    text(&serde_json::to_string_pretty(document)?)
}

/// Prints text.
///
/// # Errors
/// When standard output cannot be written. A reader like `head` that has enough is none: how the command went stays true.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Text from the network or a model, which cannot steer the terminal then.
#[must_use]
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A table with a header; columns past the first are right-aligned when `numbers` is true.
#[must_use]
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>, numbers: bool) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_header(header.iter().map(|name| cell(name)));
    for row in rows {
        table.add_row(row.iter().map(|text| cell(text)));
    }
    if numbers {
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Two columns: what, and how it stands.
#[must_use]
pub(crate) fn facts(rows: Vec<(&str, String)>) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    for (name, value) in rows {
        table.add_row([cell(name), cell(&value)]);
    }
    table
}

fn cell(text: &str) -> Cell {
    Cell::new(plain(text))
}

/// Dollars of integer micro-dollars; tokens without a known price are named.
#[must_use]
pub(crate) fn cost(micros: u64, unpriced_calls: u64) -> String {
    let dollars = format!("${}.{:06}", micros / 1_000_000, micros % 1_000_000);
    match unpriced_calls {
        0 => dollars,
        calls => format!("{dollars} + {calls} calls without a price"),
    }
}

/// A date and time in UTC, to the minute.
#[must_use]
pub(crate) fn time(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms)
        .map_or_else(|_| at_ms.to_string(), |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

/// When the day (UTC) began.
///
/// # Errors
/// When the clock is out of every calendar.
pub(crate) fn midnight_ms() -> anyhow::Result<i64> {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .start_of_day()?;
    Ok(today.timestamp().as_millisecond())
}

/// A span of time in its two largest units.
#[must_use]
pub(crate) fn age(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

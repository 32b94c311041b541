//! The sample site's topics: one row per time zone, every fact computed from the public-domain tz database.

mod clock;
mod geo;
mod history;
mod names;
mod row;
mod tables;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::{Context, Result};
use jiff::{Timestamp, tz::TimeZoneDatabase};

use clock::Clock;
use row::Row;
use tables::{Tables, Zone};

/// Facts hold at this instant and in its year, whatever the clock of the machine that computes them says.
const REFERENCE: &str = "2027-01-01T00:00:00Z";
const REFERENCE_YEAR: i16 = 2027;

/// Where the sample lives in the checkout.
pub(crate) const FOLDER: &str = "examples/standalone/sample";

struct Almanac<'t> {
    tables: &'t Tables,
    reference: Timestamp,
    entries: Vec<Entry<'t>>,
}

struct Entry<'t> {
    zone: &'t Zone,
    city: String,
    place: String,
    clock: Clock,
    year: Year,
}

/// The offset at the reference and every change of its year: clocks for which these are equal agree all year.
type Year = (i32, Vec<(Timestamp, i32)>);

/// Every topic, in the order of the tz database's table.
fn topics() -> Result<Vec<Row>> {
    let (tables, db) = (Tables::load()?, TimeZoneDatabase::bundled());
    let reference: Timestamp = REFERENCE.parse()?;
    // Past the end of the year on every clock of the world.
    let until = jiff::tz::Offset::UTC.to_timestamp(jiff::civil::date(REFERENCE_YEAR + 1, 1, 2).at(0, 0, 0, 0))?;
    let entries = tables
        .zones
        .iter()
        .map(|zone| {
            let city = names::city(&zone.id);
            let code = zone.codes.first().context("a zone without a country")?;
            let place = names::place(&zone.id, &city, tables.country(code)?);
            let clock = Clock::new(&db, &zone.id, until)?;
            let changes = clock.in_year(REFERENCE_YEAR).map(|c| (c.at, c.after));
            let year = (clock.offset(reference).seconds, changes.collect());
            Ok(Entry {
                zone,
                city,
                place,
                clock,
                year,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let almanac = Almanac {
        tables: &tables,
        reference,
        entries,
    };
    almanac.entries.iter().map(|entry| row::row(&almanac, entry)).collect()
}

/// `topics.csv` as bytes.
fn csv(topics: &[Row]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if let Some(first) = topics.first() {
        writer.write_record(first.iter().map(|(name, _)| name))?;
    }
    for row in topics {
        writer.write_record(row.iter().map(|(_, value)| value))?;
    }
    writer.into_inner().context("writing the sample to memory")
}

/// Writes `topics.csv` below `root` and says how many topics it holds.
pub(crate) fn write(root: &Path) -> Result<usize> {
    let topics = topics()?;
    let folder = root.join(FOLDER);
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let file = folder.join("topics.csv");
    std::fs::write(&file, csv(&topics)?).with_context(|| format!("writing {}", file.display()))?;
    Ok(topics.len())
}

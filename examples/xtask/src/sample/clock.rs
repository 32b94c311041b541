//! One zone's clock: its offsets, its changes, and the words for them. All facts come from jiff's bundled tz database.

use anyhow::{Context, Result};
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{TimeZone, TimeZoneDatabase},
};

/// One change of a clock.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) at: Timestamp,
    /// Seconds east of UTC, before and after.
    pub(super) before: i32,
    pub(super) after: i32,
    pub(super) dst_before: bool,
    pub(super) dst_after: bool,
    pub(super) abbreviation: String,
    /// What the clock showed, or would have shown, at the instant of the change.
    pub(super) old: DateTime,
    pub(super) new: DateTime,
}

/// The offset in force at an instant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offset {
    pub(super) seconds: i32,
    pub(super) dst: bool,
    pub(super) abbreviation: String,
}

pub(super) struct Clock {
    zone: TimeZone,
    /// Every change from 1970 to the end of the reference year, oldest first.
    pub(super) changes: Vec<Change>,
}

impl Clock {
    pub(super) fn new(db: &TimeZoneDatabase, id: &str, until: Timestamp) -> Result<Self> {
        let zone = db
            .get(id)
            .with_context(|| format!("the bundled tz database has no zone {id}"))?;
        let mut clock = Self {
            zone,
            changes: Vec::new(),
        };
        let mut before = clock.offset(Timestamp::UNIX_EPOCH);
        for t in clock
            .zone
            .following(Timestamp::UNIX_EPOCH)
            .take_while(|t| t.timestamp() < until)
        {
            let after = clock.offset(t.timestamp());
            // A new abbreviation alone moves no clock.
            if (before.seconds, before.dst) != (after.seconds, after.dst) {
                clock.changes.push(Change {
                    at: t.timestamp(),
                    before: before.seconds,
                    after: after.seconds,
                    dst_before: before.dst,
                    dst_after: after.dst,
                    abbreviation: after.abbreviation.clone(),
                    old: wall(t.timestamp(), before.seconds)?,
                    new: wall(t.timestamp(), after.seconds)?,
                });
            }
            before = after;
        }
        Ok(clock)
    }

    pub(super) fn offset(&self, at: Timestamp) -> Offset {
        let info = self.zone.to_offset_info(at);
        Offset {
            seconds: info.offset().seconds(),
            dst: info.dst().is_dst(),
            abbreviation: info.abbreviation().to_owned(),
        }
    }

    /// What the clock shows at an instant.
    pub(super) fn show(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at)
    }

    /// The instant at which the clock shows `local`.
    pub(super) fn instant(&self, local: DateTime) -> Result<Timestamp> {
        Ok(self.zone.to_timestamp(local)?)
    }

    /// The changes of one calendar year of this clock.
    pub(super) fn in_year(&self, year: i16) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |c| c.old.year() == year)
    }
}

fn wall(at: Timestamp, seconds: i32) -> Result<DateTime> {
    Ok(jiff::tz::Offset::from_seconds(seconds)?.to_datetime(at))
}

/// `UTC+05:45`; offsets since 1970 with seconds keep them.
pub(super) fn utc(seconds: i32) -> String {
    let (sign, s) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let tail = if s.is_multiple_of(60) {
        String::new()
    } else {
        format!(":{:02}", s % 60)
    };
    format!("UTC{sign}{:02}:{:02}{tail}", s / 3600, s / 60 % 60)
}

/// `5 hours 45 minutes`, without a sign.
pub(super) fn span(seconds: i32) -> String {
    let s = seconds.unsigned_abs();
    let unit = |n: u32, name: &str| match n {
        0 => None,
        1 => Some(format!("1 {name}")),
        n => Some(format!("{n} {name}s")),
    };
    let parts = [
        unit(s / 3600, "hour"),
        unit(s / 60 % 60, "minute"),
        unit(s % 60, "second"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// `5 hours 45 minutes ahead of X`, `the same as X`.
pub(super) fn versus(seconds: i32, other: &str) -> String {
    match seconds {
        0 => format!("the same as {other}"),
        s => format!("{} {} {other}", span(s), if s > 0 { "ahead of" } else { "behind" }),
    }
}

/// `Sunday, 28 March 2027`.
pub(super) fn day(at: DateTime) -> String {
    at.strftime("%A, %-d %B %Y").to_string()
}

/// `02:00`.
pub(super) fn time(at: DateTime) -> String {
    at.strftime(if at.second() == 0 { "%H:%M" } else { "%H:%M:%S" })
        .to_string()
}

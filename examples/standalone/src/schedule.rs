//! When the generator runs.

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::{Timestamp, Zoned};

use crate::exit::BadSettings;
use crate::settings::ServeConfig;

/// A cron expression in a time zone.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    cron: Cron,
    zone: jiff::tz::TimeZone,
}

impl Schedule {
    /// Reads the expression and the zone.
    ///
    /// # Errors
    /// [`BadSettings`] for an unknown zone, and for an expression that has not five fields or whose time never comes.
    pub(crate) fn new(serve: &ServeConfig) -> anyhow::Result<Self> {
        let bad = |error: &dyn std::fmt::Display| {
            BadSettings(format!(
                "serve.schedule is {:?}: {error}; expected five cron fields, e.g. 0 6 * * *",
                serve.schedule
            ))
        };
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser.parse(&serve.schedule).map_err(|error| bad(&error))?;
        let zone = jiff::tz::TimeZone::get(&serve.time_zone).map_err(|_| {
            BadSettings(format!(
                "serve.time_zone is {:?}, expected an IANA name, e.g. Europe/Berlin",
                serve.time_zone
            ))
        })?;
        let schedule = Self { cron, zone };
        schedule
            .next(Timestamp::now(), None)
            .map_err(|_| bad(&"that time never comes"))?;
        Ok(schedule)
    }

    /// The next time after `now`, and how long until then. It is after `last`, too: a clock that was put back does not
    /// bring the same time again.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn next(&self, now: Timestamp, last: Option<Timestamp>) -> anyhow::Result<(Duration, Zoned)> {
        let from = last.map_or(now, |last| last.max(now));
        let next = self
            .cron
            .find_next_occurrence(&from.to_zoned(self.zone.clone()), false)?;
        let wait = Duration::try_from(next.timestamp().duration_since(now)).unwrap_or_default();
        Ok((wait, next))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn schedule(text: &str) -> anyhow::Result<Schedule> {
        Schedule::new(&ServeConfig {
            schedule: text.into(),
            ..ServeConfig::default()
        })
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn only_five_fields_are_a_schedule() {
        assert!(schedule("*/5 * * * *").is_ok());
        for text in ["* * * * * *", "0 0 6 * * * 2030", "6 * *", ""] {
            let error = schedule(text).unwrap_err().to_string();
            assert!(error.contains("expected five cron fields"), "{text}: {error}");
        }
    }

    #[test]
    fn a_time_that_never_comes_is_refused() {
        let error = schedule("0 6 30 2 *").unwrap_err();
        assert!(
            error.is::<BadSettings>() && error.to_string().contains("never comes"),
            "{error}"
        );
    }

    #[test]
    fn a_clock_put_back_does_not_bring_the_same_time_again() {
        let schedule = schedule("0 6 * * *").unwrap();
        let (wait, first) = schedule.next(at("2026-03-01T05:59:00Z"), None).unwrap();
        assert_eq!((wait.as_secs(), first.timestamp()), (60, at("2026-03-01T06:00:00Z")));
        let (wait, second) = schedule
            .next(at("2026-03-01T05:59:30Z"), Some(first.timestamp()))
            .unwrap();
        assert_eq!(second.timestamp(), at("2026-03-02T06:00:00Z"));
        assert_eq!(wait.as_secs(), 24 * 3_600 + 30);
    }
}

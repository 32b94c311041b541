//! When a zone's rules last changed: the latest past change of its clock that today's yearly rules do not explain.

use jiff::civil::{Date, Weekday};

use super::clock::{Change, Clock, span, utc};

/// One yearly rule, as the changes of the reference year show it.
struct Rule {
    pair: Pair,
    weekday: Weekday,
    time: jiff::civil::Time,
    /// The span of days of the year it has fallen on so far. "Last Sunday of March" and "first Sunday from the 8th" both
    /// stay within seven days; a date outside belongs to another rule.
    days: (i16, i16),
}

/// The offsets and kinds of time a change leads between.
type Pair = (i32, i32, bool, bool);

fn pair(c: &Change) -> Pair {
    (c.before, c.after, c.dst_before, c.dst_after)
}

impl Rule {
    fn of(c: &Change) -> Self {
        let day = day_of_year(c.old.date());
        Self {
            pair: pair(c),
            weekday: c.old.weekday(),
            time: c.old.time(),
            days: (day, day),
        }
    }

    fn explains(&mut self, c: &Change, dates_vary: bool) -> bool {
        if self.pair != pair(c) {
            return false;
        }
        let day = day_of_year(c.old.date());
        let days = (self.days.0.min(day), self.days.1.max(day));
        let regular = self.weekday == c.old.weekday() && self.time == c.old.time() && days.1 - days.0 <= 6;
        if regular {
            self.days = days;
        }
        regular || dates_vary
    }
}

/// The day of the year without 29 February, so that a rule falls on the same days every year.
fn day_of_year(date: Date) -> i16 {
    let day = date.day_of_year();
    if date.in_leap_year() && day > 59 { day - 1 } else { day }
}

/// Splits the changes of one year into "the rules explain all of it" or the latest one they do not explain.
fn unexplained<'c>(rules: &mut [Rule], changes: &[&'c Change], dates_vary: bool) -> Option<&'c Change> {
    let mut used = vec![false; rules.len()];
    let mut latest = None;
    for change in changes {
        let rule = (0..rules.len()).find(|&i| !used[i] && rules[i].explains(change, dates_vary));
        match rule {
            Some(i) => used[i] = true,
            None => latest = Some(*change),
        }
    }
    latest
}

/// The date and content of the last change outside the yearly rules of `year`, or `none since 1970`.
pub(super) fn last_change(clock: &Clock, year: i16) -> String {
    let of_year = |y: i16| clock.in_year(y).collect::<Vec<_>>();
    let now = of_year(year);
    // Without a pair of changes there are no yearly rules to speak of.
    if now.len() < 2 {
        let last = clock.changes.iter().rfind(|c| c.old.year() < year);
        return last.map_or("none since 1970".to_owned(), |c| {
            format!("{}: {}", c.old.date(), describe(c))
        });
    }

    let fresh = || now.iter().map(|c| Rule::of(c)).collect::<Vec<_>>();
    let same_pairs = |y: i16| of_year(y).iter().map(|c| pair(c)).eq(now.iter().map(|c| pair(c)));
    // Some clocks change every year between the same offsets on dates that follow a lunar calendar or a yearly decree.
    let mut probe = fresh();
    let steady = [1, 2]
        .iter()
        .all(|back| unexplained(&mut probe, &of_year(year - back), false).is_none());
    let dates_vary = !steady && same_pairs(year - 1) && same_pairs(year - 2);

    let mut rules = fresh();
    for y in (1970..year).rev() {
        let changes = of_year(y);
        let odd = unexplained(&mut rules, &changes, dates_vary);
        if odd.is_none() && changes.len() == now.len() {
            continue;
        }
        // A year that lacks a change broke the pattern before its first change.
        let first = changes.first().map(|c| c.at);
        let odd = odd.or_else(|| {
            clock
                .changes
                .iter()
                .rfind(|c| first.map_or(c.old.year() <= y, |first| c.at < first))
        });
        let Some(odd) = odd else {
            // No change at all before the rules began.
            return clock.changes.first().map_or("none since 1970".to_owned(), |c| {
                let what = describe(c);
                format!(
                    "{}: {what}, for the first time since 1970; every change follows the rules of {year}",
                    c.old.date()
                )
            });
        };
        let next = clock
            .changes
            .iter()
            .find(|c| c.at > odd.at)
            .map_or(odd.old, |c| c.old)
            .date();
        let since = if dates_vary {
            format!("since {next} the clock moves between the same two offsets every year, on dates set year by year")
        } else {
            format!("every change since {next} follows the rules of {year}")
        };
        return format!("{}: {}; {since}", odd.old.date(), describe(odd));
    }
    "none since 1970".to_owned()
}

/// What a change did, in words.
pub(super) fn describe(c: &Change) -> String {
    match (c.after - c.before, c.dst_after) {
        (0, false) => format!(
            "{}, until then daylight saving time, became standard time",
            utc(c.after)
        ),
        (0, true) => format!(
            "{}, until then standard time, became daylight saving time",
            utc(c.after)
        ),
        (by, _) => {
            let way = if by > 0 { "forward" } else { "back" };
            format!(
                "clocks went {way} {}, from {} to {}",
                span(by),
                utc(c.before),
                utc(c.after)
            )
        }
    }
}

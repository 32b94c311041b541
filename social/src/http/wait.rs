//! When to come back: every network's way to say it, in one place.

use std::time::Duration;

use super::Answer;

/// No server is believed when it asks for more than a day.
const MAX_WAIT: Duration = Duration::from_secs(DAY_S as u64);

const DAY_S: i64 = 24 * 60 * 60;

impl Answer {
    /// How long a limited caller has to wait, at most a day.
    ///
    /// `Retry-After` wins: it is said of this answer, whereas the others describe windows. Then comes the latest reset
    /// among the exhausted windows, by
    /// [X](https://docs.x.com/x-api/fundamentals/rate-limits) (`x-rate-limit-reset`, and of 24 hours per application
    /// and user, in seconds since 1970),
    /// [Mastodon](https://docs.joinmastodon.org/api/rate-limits/) (`X-RateLimit-Reset`, an ISO 8601 time),
    /// [Bluesky](https://docs.bsky.app/docs/advanced-guides/rate-limits) (`RateLimit-Reset`, seconds since 1970) and
    /// [Buffer](https://developers.buffer.com/guides/api-limits.html) (`RateLimit`, structured, in seconds from now).
    pub(crate) fn not_before(&self, now_ms: i64) -> Option<Duration> {
        if let Some(wait) = self.retry_after(now_ms) {
            return Some(wait);
        }
        // Of a window that says how much is left, only an exhausted one counts.
        const WINDOWS: [&str; 5] = [
            "x-rate-limit",
            "x-app-limit-24hour",
            "x-user-limit-24hour",
            "x-ratelimit",
            "ratelimit",
        ];
        let resets = WINDOWS.iter().filter_map(|window| {
            let left = self.header(&format!("{window}-remaining"));
            let open = left.is_some_and(|left| left.trim().parse::<u64>().is_ok_and(|left| left > 0));
            let reset = self.header(&format!("{window}-reset")).filter(|_| !open)?;
            wait_until(parse_time(reset.trim())?, now_ms)
        });
        let structured = self.headers_of("ratelimit").filter_map(longest_exhausted);
        resets.chain(structured).max()
    }

    /// `Retry-After`, in seconds or as an HTTP date; at most a day.
    pub(crate) fn retry_after(&self, now_ms: i64) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds).min(MAX_WAIT));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        let date = date.duration_since(std::time::UNIX_EPOCH).ok()?;
        wait_until(i64::try_from(date.as_millis()).ok()?, now_ms)
    }
}

/// Seconds since 1970 or an RFC 3339 time, in milliseconds since 1970.
fn parse_time(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(seconds) => seconds.checked_mul(1_000),
        Err(_) => parse_rfc3339(text),
    }
}

/// The longest wait among the windows of `"a";r=0;t=897, "b";r=20;t=5` that have nothing left.
fn longest_exhausted(header: &str) -> Option<Duration> {
    let windows = header.split(',').filter_map(|window| {
        let parameter = |name: &str| -> Option<u64> {
            let found = window.split(';').find_map(|part| part.trim().strip_prefix(name))?;
            found.strip_prefix('=')?.trim().parse().ok()
        };
        (parameter("r")? == 0).then(|| parameter("t"))?
    });
    windows.max().map(|seconds| Duration::from_secs(seconds).min(MAX_WAIT))
}

/// The time from `now_ms` until `at_ms`, none when it is past, at most a day.
fn wait_until(at_ms: i64, now_ms: i64) -> Option<Duration> {
    let wait = u64::try_from(at_ms.saturating_sub(now_ms)).unwrap_or_default();
    Some(Duration::from_millis(wait).min(MAX_WAIT))
}

/// The time until the next day of UTC begins.
pub(crate) fn until_next_day(now_ms: i64) -> Duration {
    let left = DAY_S * 1_000 - now_ms.rem_euclid(DAY_S * 1_000);
    Duration::from_millis(u64::try_from(left).unwrap_or_default())
}

/// `2026-11-23T12:00:00.000Z` of milliseconds since 1970.
pub(crate) fn format_rfc3339(ms: i64) -> String {
    let (seconds, millis) = (ms.div_euclid(1_000), ms.rem_euclid(1_000));
    let (days, of_day) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
    // The inverse of `days_since_1970`, with years that begin in March.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Milliseconds since 1970 of an RFC 3339 time such as `2026-11-23T22:47:00.123456Z`.
pub(crate) fn parse_rfc3339(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let mark = |at: usize, set: &[u8]| text.as_bytes().get(at).filter(|b| set.contains(b)).map(|_| ());
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    mark(4, b"-")?;
    mark(7, b"-")?;
    mark(10, b"Tt ")?;
    mark(13, b":")?;
    mark(16, b":")?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = text.get(19..)?;
    let digits = rest.strip_prefix('.').map_or("", |fraction| {
        &fraction[..fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len())]
    });
    let millis: i64 = format!("{digits:0<3}").get(..3)?.parse().ok()?;
    let zone = if digits.is_empty() {
        rest
    } else {
        &rest[digits.len() + 1..]
    };
    let offset = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let two = |a: &u8, b: &u8| -> Option<i64> {
                (a.is_ascii_digit() && b.is_ascii_digit()).then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'))
            };
            let minutes = two(h1, h2)? * 60 + two(m1, m2)?;
            if *sign == b'+' { minutes } else { -minutes }
        }
        _ => return None,
    };
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset;
    Some((minutes * 60 + second) * 1_000 + millis)
}

/// Days of the proleptic Gregorian calendar, counted in years that begin in March so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_times_are_read() {
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse_rfc3339("2000-02-29T12:00:00.5Z"), Some(951_825_600_500));
        assert_eq!(parse_rfc3339("2026-11-23T22:47:00.123456Z"), Some(1_795_474_020_123));
        assert_eq!(parse_rfc3339("2026-11-23T23:47:00+01:00"), Some(1_795_474_020_000));
        for bad in [
            "",
            "2026-11-23",
            "2026-11-23T22:47:00",
            "2026-13-23T22:47:00Z",
            "2026-11-23T22:47:00.Z",
            "2026-11-23T22:47:00+1",
            "日本語日本語日本語日",
            "2026-11-23T22:47:0éZ",
        ] {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn rfc3339_times_are_written_as_they_are_read() {
        for ms in [
            0,
            951_825_600_500,
            1_795_474_020_123,
            4_107_542_399_999,
            1_709_164_800_000,
        ] {
            assert_eq!(parse_rfc3339(&format_rfc3339(ms)), Some(ms), "{}", format_rfc3339(ms));
        }
        assert_eq!(format_rfc3339(1_709_164_800_000), "2024-02-29T00:00:00.000Z");
    }

    #[test]
    fn every_network_says_when_to_come_back() {
        let wait = |headers: &[(&'static str, &str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let answer = Answer {
                status: 429,
                headers: headers.collect(),
                body: Ok(Vec::new()),
                redirected: false,
            };
            answer.not_before(1_000_000).map(|wait| wait.as_secs())
        };
        assert_eq!(
            wait(&[("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", "1090")]),
            Some(90)
        );
        // The window of a day is exhausted, that of a quarter of an hour is not.
        let day = ("x-user-limit-24hour-reset", "4600");
        let open = [("x-rate-limit-remaining", "99"), ("x-rate-limit-reset", "1090")];
        assert_eq!(
            wait(&[open[0], open[1], ("x-user-limit-24hour-remaining", "0"), day]),
            Some(3_600)
        );
        assert_eq!(wait(&[("x-ratelimit-reset", "1970-01-01T00:18:10.5Z")]), Some(90));
        assert_eq!(
            wait(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "1090")]),
            Some(90)
        );
        let buffer = r#""100-in-15min";r=0;t=12, "250-in-24h";r=0;t=3600, "3000-in-30d";r=7;t=90000"#;
        assert_eq!(wait(&[("ratelimit", buffer)]), Some(3_600));
        assert_eq!(wait(&[("ratelimit", buffer), ("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("x-rate-limit-reset", "99999999")]), Some(86_400));
        assert_eq!(wait(&[("ratelimit", "odd;r=;t"), ("x-rate-limit-reset", "soon")]), None);
        assert_eq!(until_next_day(1_795_435_200_000), Duration::from_secs(12 * 3_600));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_capped() {
        let answer = |value: &str| Answer {
            status: 429,
            headers: vec![("Retry-After".to_owned(), value.to_owned())],
            body: Ok(Vec::new()),
            redirected: false,
        };
        assert_eq!(answer("7").retry_after(0), Some(Duration::from_secs(7)));
        assert_eq!(answer("99999999999").retry_after(0), Some(MAX_WAIT));
        let date = answer("Thu, 01 Jan 1970 00:01:00 GMT");
        assert_eq!(date.retry_after(0), Some(Duration::from_secs(60)));
        assert_eq!(date.retry_after(90_000), Some(Duration::ZERO));
        assert_eq!(answer("soon").retry_after(0), None);
    }

    proptest::proptest! {
        #[test]
        fn any_time_is_read_as_it_was_written(ms in 0_i64..253_402_300_799_999) {
            proptest::prop_assert_eq!(parse_rfc3339(&format_rfc3339(ms)), Some(ms));
        }

        /// Whatever a server sends: an answer within a day, or none.
        #[test]
        fn any_header_is_a_wait_of_a_day_at_most(value in "\\PC{0,40}", number: i64, name in 0_usize..4) {
            let name = ["retry-after", "x-rate-limit-reset", "ratelimit", "x-ratelimit-reset"][name];
            for text in [value, number.to_string(), format!("\"a\";r=0;t={number}")] {
                let headers = vec![(name.to_owned(), text)];
                let answer = Answer { status: 429, headers, body: Ok(Vec::new()), redirected: false };
                proptest::prop_assert!(answer.not_before(1_795_435_200_000).is_none_or(|wait| wait <= MAX_WAIT));
            }
        }
    }
}

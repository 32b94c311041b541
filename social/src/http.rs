//! One HTTP exchange: how far it got, and what came back.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Client, Request, header::HeaderMap};

use crate::platform;

/// Largest answer that is read, in bytes; a page of 40 statuses is a tenth of it.
const MAX_BODY: usize = 1024 * 1024;

/// No server is believed when it asks for more than a day.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A status arrived. The body may have been cut off nevertheless.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Vec<u8>, String>,
    /// Another URL than the requested one answered.
    pub(crate) redirected: bool,
}

/// No status arrived.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request cannot have reached the server.
    NeverSent(reqwest::Error),
    /// The request may have reached the server.
    Lost(reqwest::Error),
}

/// Makes one exchange and never follows a redirect where the platform leaves the choice.
pub(crate) async fn exchange(client: &Client, request: Request) -> Result<Answer, Failure> {
    let client = client.clone();
    platform::local(async move {
        let asked = request.url().clone();
        let response = client.execute(request).await.map_err(|error| {
            let error = error.without_url();
            if platform::never_sent(&error) {
                Failure::NeverSent(error)
            } else {
                Failure::Lost(error)
            }
        })?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let redirected = *response.url() != asked;
        let body = read(response).await;
        Ok(Answer {
            status,
            headers,
            body,
            redirected,
        })
    })
    .await
}

// Not `async`: on wasm32 the response must not be held outside of the wrapper.
fn read(response: reqwest::Response) -> impl Future<Output = Result<Vec<u8>, String>> + Send {
    platform::local(async move {
        let mut stream = response.bytes_stream();
        let mut body = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| describe(&error.without_url()))?;
            if body.len() + chunk.len() > MAX_BODY {
                return Err(format!("the answer is longer than {MAX_BODY} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    })
}

/// The error and everything underneath it on one line; the outermost message alone says next to nothing.
pub(crate) fn describe(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
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

/// The time from `now_ms` until `at_ms`, none when it is past, at most a day.
pub(crate) fn wait_until(at_ms: i64, now_ms: i64) -> Option<Duration> {
    let wait = u64::try_from(at_ms.saturating_sub(now_ms)).unwrap_or_default();
    Some(Duration::from_millis(wait).min(MAX_WAIT))
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
    fn retry_after_is_seconds_or_a_date_and_capped() {
        let answer = |value: &str| Answer {
            status: 429,
            headers: [(reqwest::header::RETRY_AFTER, value.parse().unwrap())]
                .into_iter()
                .collect(),
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
}

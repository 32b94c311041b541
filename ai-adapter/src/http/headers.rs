//! What the headers of an answer say: request id, waits, and rate limits.

use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::{Limits, Window};

const IDS: [&str; 5] = [
    "x-request-id",
    "request-id",
    "x-generation-id",
    "mistral-correlation-id",
    "cf-aig-log-id",
];

pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = IDS.iter().find_map(|name| headers.get(*name))?;
    let id = value.to_str().ok()?;
    Some(id[..id.floor_char_boundary(200)].to_owned())
}

/// The rate limits, in OpenAI's or Anthropic's spelling; most answers carry none.
pub(super) fn limits(headers: &HeaderMap, now_ms: i64) -> Limits {
    let is_anthropic = headers.contains_key("anthropic-ratelimit-requests-limit")
        || headers.contains_key("anthropic-ratelimit-tokens-limit")
        || headers.contains_key("anthropic-ratelimit-input-tokens-limit");
    if is_anthropic {
        return anthropic(headers, now_ms);
    }
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
    let reset = |name: &str| duration(headers.get(name)?.to_str().ok()?);
    let mut found = Limits {
        requests: Window {
            limit: number("x-ratelimit-limit-requests"),
            remaining: number("x-ratelimit-remaining-requests"),
            reset: reset("x-ratelimit-reset-requests"),
        },
        tokens: Window {
            limit: number("x-ratelimit-limit-tokens"),
            remaining: number("x-ratelimit-remaining-tokens"),
            reset: reset("x-ratelimit-reset-tokens"),
        },
    };
    // Mistral, per minute.
    found.tokens.limit = found.tokens.limit.or_else(|| number("x-ratelimitbysize-limit-minute"));
    found.tokens.remaining = (found.tokens.remaining).or_else(|| number("x-ratelimitbysize-remaining-minute"));
    found
}

fn anthropic(headers: &HeaderMap, now_ms: i64) -> Limits {
    let window = |kind: &str| {
        let value = |what: &str| headers.get(format!("anthropic-ratelimit-{kind}-{what}"))?.to_str().ok();
        let at = value("reset").and_then(rfc3339_ms);
        Window {
            limit: value("limit").and_then(|text| text.parse().ok()),
            remaining: value("remaining").and_then(|text| text.parse().ok()),
            reset: at.map(|at| Duration::from_millis(u64::try_from(at - now_ms).unwrap_or(0))),
        }
    };
    let tokens = window("tokens");
    // Some tiers report input and output apart; input is what a request can be held back by.
    let tokens = if tokens == Window::default() {
        window("input-tokens")
    } else {
        tokens
    };
    Limits {
        requests: window("requests"),
        tokens,
    }
}

/// `1s`, `6m0s`, `20ms`, `2m59.56s`, `1h0m0s`, or plain seconds.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        total += number
            * match &rest[..letters] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[letters..];
    }
    Duration::try_from_secs_f64(total).ok()
}

/// Milliseconds since the epoch of `2026-11-25T04:04:08Z`, also with a fraction or an offset.
fn rfc3339_ms(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> { text.get(from..to)?.parse().ok() };
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, byte)| bytes.get(*at) != Some(byte)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let mut zone = text.get(19..)?;
    if let Some(fraction) = zone.strip_prefix('.') {
        zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let offset = match zone.as_bytes().first() {
        Some(b'Z' | b'z') => 0,
        Some(sign @ (b'+' | b'-')) => {
            let (hours, minutes): (i64, i64) = (zone.get(1..3)?.parse().ok()?, zone.get(4..6)?.parse().ok()?);
            let offset = hours * 3600 + minutes * 60;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from a civil date, Howard Hinnant's algorithm: the year begins in March.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some((days * 86_400 + seconds - offset) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn limits_in_every_spelling() {
        let openai = headers(&[
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-limit-tokens", "30000"),
            ("x-ratelimit-remaining-tokens", "29000"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]);
        let want = Limits::new(
            Window::new(500, 499, Duration::from_millis(120)),
            Window::new(30_000, 29_000, Duration::from_secs(360)),
        );
        assert_eq!(limits(&openai, 0), want);
        let now = 1_795_579_448_000; // 2026-11-25T04:04:08Z
        let anthropic = headers(&[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-11-25T04:04:10Z"),
            ("anthropic-ratelimit-input-tokens-limit", "1000"),
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            ("anthropic-ratelimit-input-tokens-reset", "2026-11-25T05:05:08.5+01:00"),
        ]);
        let want = Limits::new(
            Window::new(50, 49, Duration::from_secs(2)),
            Window::new(1000, 0, Duration::from_secs(60)),
        );
        assert_eq!(limits(&anthropic, now), want);
        let mistral = headers(&[("x-ratelimitbysize-remaining-minute", "7")]);
        assert_eq!(limits(&mistral, now).tokens.remaining, Some(7));
        assert_eq!(
            limits(&headers(&[("x-ratelimit-limit-tokens", "many")]), now),
            Limits::default()
        );
    }

    #[test]
    fn durations_and_moments() {
        for (text, millis) in [
            ("1s", Some(1000)),
            ("2m59.56s", Some(179_560)),
            ("1h0m0s", Some(3_600_000)),
            ("20ms", Some(20)),
            ("46s", Some(46_000)),
            ("1.5", Some(1500)),
            ("soon", None),
            ("5", Some(5000)),
            ("5 apples", None),
            ("1e400", None),
        ] {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        }
        assert_eq!(rfc3339_ms("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(rfc3339_ms("2024-02-29T12:00:00Z"), Some(1_709_208_000_000));
        for text in [
            "",
            "2024-02-29",
            "2024-13-01T00:00:00Z",
            "2024-01-01T00:00:00",
            "ü024-01-01T00:00:00Z",
        ] {
            assert_eq!(rfc3339_ms(text), None, "{text}");
        }
    }
}

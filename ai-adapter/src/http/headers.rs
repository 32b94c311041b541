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

/// What headers say, as text. Found in one pass: a lookup by name hashes the name.
#[derive(Default)]
pub(super) struct Said<'a> {
    ids: [Option<&'a str>; IDS.len()],
    requests: Spelled<'a>,
    tokens: Spelled<'a>,
    /// Mistral's, per minute.
    by_size: Spelled<'a>,
    anthropic: Anthropic<'a>,
}

/// A window, as it is spelled.
#[derive(Default)]
struct Spelled<'a> {
    limit: Option<&'a str>,
    remaining: Option<&'a str>,
    reset: Option<&'a str>,
}

#[derive(Default)]
struct Anthropic<'a> {
    requests: Spelled<'a>,
    tokens: Spelled<'a>,
    input_tokens: Spelled<'a>,
}

impl<'a> Said<'a> {
    pub(super) fn by(headers: &'a HeaderMap) -> Self {
        let mut said = Self::default();
        for (name, value) in headers {
            if let Some(place) = said.place(name.as_str())
                && place.is_none()
            {
                *place = value.to_str().ok();
            }
        }
        said
    }

    /// Where the value of this header goes.
    fn place(&mut self, name: &str) -> Option<&mut Option<&'a str>> {
        // Most headers are none of them.
        if !matches!(name.as_bytes().first(), Some(b'a' | b'c' | b'm' | b'r' | b'x')) {
            return None;
        }
        let anthropic = &mut self.anthropic;
        Some(match name {
            "x-ratelimit-limit-requests" => &mut self.requests.limit,
            "x-ratelimit-remaining-requests" => &mut self.requests.remaining,
            "x-ratelimit-reset-requests" => &mut self.requests.reset,
            "x-ratelimit-limit-tokens" => &mut self.tokens.limit,
            "x-ratelimit-remaining-tokens" => &mut self.tokens.remaining,
            "x-ratelimit-reset-tokens" => &mut self.tokens.reset,
            "x-ratelimitbysize-limit-minute" => &mut self.by_size.limit,
            "x-ratelimitbysize-remaining-minute" => &mut self.by_size.remaining,
            "anthropic-ratelimit-requests-limit" => &mut anthropic.requests.limit,
            "anthropic-ratelimit-requests-remaining" => &mut anthropic.requests.remaining,
            "anthropic-ratelimit-requests-reset" => &mut anthropic.requests.reset,
            "anthropic-ratelimit-tokens-limit" => &mut anthropic.tokens.limit,
            "anthropic-ratelimit-tokens-remaining" => &mut anthropic.tokens.remaining,
            "anthropic-ratelimit-tokens-reset" => &mut anthropic.tokens.reset,
            // Some tiers report input and output apart.
            "anthropic-ratelimit-input-tokens-limit" => &mut anthropic.input_tokens.limit,
            "anthropic-ratelimit-input-tokens-remaining" => &mut anthropic.input_tokens.remaining,
            "anthropic-ratelimit-input-tokens-reset" => &mut anthropic.input_tokens.reset,
            _ => {
                let at = IDS.iter().position(|id| *id == name)?;
                return self.ids.get_mut(at);
            }
        })
    }

    /// The provider's id of the request.
    pub(super) fn request_id(&self) -> Option<String> {
        let id = self.ids.iter().find_map(|id| *id)?;
        Some(id[..id.floor_char_boundary(200)].to_owned())
    }

    /// The rate limits, in OpenAI's or Anthropic's spelling; most answers carry none.
    pub(super) fn limits(&self, now_ms: impl FnOnce() -> i64) -> Limits {
        let Anthropic {
            requests,
            tokens,
            input_tokens,
        } = &self.anthropic;
        if [requests, tokens, input_tokens]
            .iter()
            .any(|spelled| spelled.limit.is_some())
        {
            let now_ms = now_ms();
            let until = |text: &str| {
                let at = rfc3339_ms(text)?;
                Some(Duration::from_millis(u64::try_from(at - now_ms).unwrap_or(0)))
            };
            let tokens = tokens.window(until);
            // Input is what a request can be held back by.
            let tokens = if tokens == Window::default() {
                input_tokens.window(until)
            } else {
                tokens
            };
            return Limits {
                requests: requests.window(until),
                tokens,
            };
        }
        let (mut tokens, by_size) = (self.tokens.window(duration), self.by_size.window(duration));
        tokens.limit = tokens.limit.or(by_size.limit);
        tokens.remaining = tokens.remaining.or(by_size.remaining);
        Limits {
            requests: self.requests.window(duration),
            tokens,
        }
    }
}

impl Spelled<'_> {
    fn window(&self, until: impl Fn(&str) -> Option<Duration>) -> Window {
        Window {
            limit: self.limit.and_then(|text| text.parse().ok()),
            remaining: self.remaining.and_then(|text| text.parse().ok()),
            reset: self.reset.and_then(until),
        }
    }
}

/// `1s`, `6m0s`, `20ms`, `2m59.56s`, `1h0m0s`, or plain seconds.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if !text.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return Duration::try_from_secs_f64(text.parse().ok()?).ok();
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number = match rest[..digits].parse::<u32>() {
            Ok(whole) => f64::from(whole),
            Err(_) => rest[..digits].parse().ok()?,
        };
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

    fn limits(headers: &HeaderMap, now_ms: i64) -> Limits {
        Said::by(headers).limits(|| now_ms)
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

//! How long a server asks to wait, in every spelling.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::HeaderMap;

use crate::http::duration;

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// The longest wait that is believed. A server that asks for more has a fault, or means never.
const MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// At most a day: `retry-after-ms`, then `retry-after` in seconds (also fractions) or as an HTTP date.
pub(crate) fn retry_after(headers: &HeaderMap, now_ms: i64) -> Option<Duration> {
    let number = |name, unit: f64| {
        let number: f64 = text(headers, name)?.parse().ok()?;
        Duration::try_from_secs_f64(number * unit).ok()
    };
    number("retry-after-ms", 0.001)
        .or_else(|| number("retry-after", 1.0))
        .or_else(|| {
            let date = httpdate::parse_http_date(text(headers, "retry-after")?).ok()?;
            let at = date.duration_since(UNIX_EPOCH).ok()?;
            let now = Duration::from_millis(u64::try_from(now_ms).ok()?);
            Some(at.saturating_sub(now))
        })
        .map(|wait| wait.min(MAX))
}

/// `x-should-retry`, with which OpenAI, Anthropic and Groq overrule the status.
pub(crate) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    text(headers, "x-should-retry")?.parse().ok()
}

/// "Please try again in 1.2s" or "in 6m0s", as OpenAI and Groq say in a message without a header.
pub(crate) fn in_text(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("try again in ")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    let word = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
    // Bare numbers have no unit here.
    let wait = duration(word).filter(|_| word.ends_with(|c: char| c.is_ascii_alphabetic()))?;
    Some(wait.min(MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn every_spelling() {
        // Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
        let now = 784_111_777_000;
        for (pairs, want) in [
            (&[("retry-after-ms", "1500"), ("retry-after", "9")][..], Some(1500)),
            (&[("retry-after", "7")], Some(7000)),
            (&[("retry-after", "0.25")], Some(250)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], Some(30_000)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0)),
            (&[("retry-after", "-3")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "1e400")], None),
            (&[], None),
        ] {
            assert_eq!(
                retry_after(&headers(pairs), now),
                want.map(Duration::from_millis),
                "{pairs:?}"
            );
        }
        assert_eq!(should_retry(&headers(&[("x-should-retry", "false")])), Some(false));
        assert_eq!(should_retry(&headers(&[("x-should-retry", "perhaps")])), None);
        assert_eq!(
            in_text("Limit reached. Please try again in 1.2s."),
            Some(Duration::from_millis(1200))
        );
        assert_eq!(in_text("try again in 20ms"), Some(Duration::from_millis(20)));
        assert_eq!(in_text("try again in 6m0s. Need more?"), Some(Duration::from_secs(360)));
        assert_eq!(in_text("try again in 7 days"), None);
        assert_eq!(in_text("try again in "), None);
    }
}

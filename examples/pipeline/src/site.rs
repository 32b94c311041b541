//! The public site: pages, and home pages, sitemaps, robots and feed as [`Document`]s, all as strings.
//!
//! The same renderer serves the Worker's `fetch`, the local server and the static export. It reads stored pages, which
//! hold sanitised HTML only.

mod answer;
mod card;
mod document;
mod feed;
pub mod indexnow;
mod page;
mod sitemap;
mod xml;

pub use answer::{Answer, answer};
pub use card::{CARD, CARD_SIZE, card, card_slug, card_url};
pub use document::{Document, Entries, PER_PAGE, PER_SITEMAP};
pub use page::{STYLE, moved, page};

use presswork_content_store::PageSummary;

/// A page in a list: what the home page, the sitemap and the feed show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Last part of the address.
    pub slug: String,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// When it was published, epoch milliseconds.
    pub published_at_ms: i64,
    /// Its last significant change, epoch milliseconds.
    pub modified_at_ms: i64,
}

impl Entry {
    /// The entry of a published page; `None` for a page that is not public.
    #[must_use]
    pub fn of(page: &PageSummary) -> Option<Self> {
        let published_at_ms = page.published_at_ms?;
        Some(Self {
            slug: page.slug.clone(),
            title: page.title.clone()?,
            description: page.description.clone().unwrap_or_default(),
            published_at_ms,
            modified_at_ms: page.modified_at_ms.unwrap_or(published_at_ms),
        })
    }
}

/// RFC 3339 in UTC, to the second. Years before 0 and past 9999, which the format cannot write, become the first and the last.
fn rfc3339(at_ms: i64) -> String {
    let seconds = at_ms.div_euclid(1_000).clamp(-62_167_219_200, 253_402_300_799);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01, so that the leap day ends its year; 146,097 days make 400 years.
    let day = days + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let (day, month) = (
        of_year - (153 * from_march + 2) / 5 + 1,
        from_march % 12 + if from_march < 10 { 3 } else { -9 },
    );
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_to_the_second() {
        for (at_ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400_999, "2000-02-29T00:00:00Z"),
            (1_709_251_199_000, "2024-02-29T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (1_798_761_599_000, "2026-12-31T23:59:59Z"),
            (i64::MAX, "9999-12-31T23:59:59Z"),
            (i64::MIN, "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(at_ms), text);
        }
    }

    /// Every day of four centuries follows the one before.
    #[test]
    fn days_follow_each_other() {
        let mut before = rfc3339(0);
        for day in 1..146_097_i64 {
            let now = rfc3339(day * 86_400_000);
            assert!(now > before && now.ends_with("T00:00:00Z"), "{before} {now}");
            before = now;
        }
        assert_eq!(before, "2369-12-31T00:00:00Z");
    }
}

//! What the models cost.

use serde::{Deserialize, Serialize};

use crate::PageId;

/// One call to a model, paid for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSpend {
    /// The page it was made for. The call counts for that page's site.
    pub page_id: Option<PageId>,
    /// The campaign it was made for; empty for none. Limited as a key.
    pub campaign: String,
    /// What it was for (`draft`, `repair`, `variant`).
    pub purpose: String,
    /// The provider asked.
    pub provider: String,
    /// The model asked.
    pub model: String,
    /// Tokens read. `None` when the provider did not say.
    pub input_tokens: Option<u64>,
    /// Tokens written. `None` when the provider did not say.
    pub output_tokens: Option<u64>,
    /// Price in millionths of a dollar. `None` when no price is known; never a guess.
    pub cost_micros: Option<u64>,
    /// How it ended (`ok`, `invalid`, `refused`).
    pub outcome: String,
}

/// Which calls to sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendQuery {
    /// Calls for pages of this site. `None`: all calls, those without a page too.
    pub site: Option<String>,
    /// From this time on (epoch ms).
    pub from_ms: i64,
    /// Before this time (epoch ms).
    pub until_ms: i64,
}

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendTotals {
    /// Calls.
    pub calls: u64,
    /// Tokens read, as far as known.
    pub input_tokens: u64,
    /// Tokens written, as far as known.
    pub output_tokens: u64,
    /// Price in millionths of a dollar, as far as known.
    pub cost_micros: u64,
    /// Calls whose price is not known: while it is not 0, `cost_micros` is a lower bound.
    pub unpriced_calls: u64,
}

/// What sums are made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SpendBy {
    /// Days, UTC.
    Day,
    /// Sites.
    Site,
    /// Campaigns.
    Campaign,
}

/// Sums over the calls of one day, site or campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendSum {
    /// The day (`2026-11-25`), the site or the campaign. Empty for calls without a site or campaign.
    pub of: String,
    /// The sums.
    pub totals: SpendTotals,
}

/// `YYYY-MM-DD` of a day counted from 1970-01-01, by Howard Hinnant's `civil_from_days`:
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>
pub(crate) fn date(day: i64) -> String {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn days_have_dates() {
        for (day, date) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_782, "2026-11-25"),
        ] {
            assert_eq!(super::date(day), date);
        }
    }
}

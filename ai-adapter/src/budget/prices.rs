//! What models cost: data with a date, never a guess.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Usage;

const MILLION: u64 = 1_000_000;

/// What a model costs, in millionths of a US dollar per million tokens: 250,000 is $0.25 per million.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Price {
    /// Tokens read.
    pub input: u64,
    /// Tokens written, reasoning included.
    pub output: u64,
    /// Tokens read from the provider's prompt cache; `None`: as other tokens read.
    #[serde(default)]
    pub cached_input: Option<u64>,
    /// Tokens written to the provider's prompt cache; `None`: as other tokens read.
    #[serde(default)]
    pub cache_write: Option<u64>,
    /// The most tokens the model writes in one answer. It bounds the price of a request that sets no
    /// [`max_output_tokens`](crate::TextRequest::max_output_tokens); without either, a request is refused.
    #[serde(default)]
    pub max_output_tokens: Option<u64>,
}

impl Price {
    /// Nothing: a model of one's own, or an offline writer.
    pub const FREE: Self = Self::new(0, 0);

    /// A price of tokens read and written.
    pub const fn new(input: u64, output: u64) -> Self {
        Self {
            input,
            output,
            cached_input: None,
            cache_write: None,
            max_output_tokens: None,
        }
    }

    /// Sets the price of tokens read from the provider's prompt cache.
    #[must_use]
    pub const fn cached_input(mut self, price: u64) -> Self {
        self.cached_input = Some(price);
        self
    }

    /// Sets the price of tokens written to the provider's prompt cache.
    #[must_use]
    pub const fn cache_write(mut self, price: u64) -> Self {
        self.cache_write = Some(price);
        self
    }

    /// Sets the most tokens the model writes in one answer.
    #[must_use]
    pub const fn max_output_tokens(mut self, tokens: u64) -> Self {
        self.max_output_tokens = Some(tokens);
        self
    }

    /// What an answer cost, in millionths of a dollar, rounded up; `None` when the provider did not say what it took.
    pub fn cost(&self, usage: &Usage) -> Option<u64> {
        let (input, output) = (usage.input_tokens?, usage.output_tokens?);
        let cached = usage.cached_input_tokens.unwrap_or(0).min(input);
        let written = usage.cache_write_tokens.unwrap_or(0).min(input - cached);
        let plain = input - cached - written;
        let sum = [
            (plain, self.input),
            (cached, self.cached_input.unwrap_or(self.input)),
            (written, self.cache_write.unwrap_or(self.input)),
            (output, self.output),
        ];
        Some(total(sum))
    }

    /// The most so many tokens can cost, whatever the provider's cache does with them.
    pub(super) fn ceiling(&self, input: u64, output: u64) -> u64 {
        let dearest = self
            .input
            .max(self.cached_input.unwrap_or(0))
            .max(self.cache_write.unwrap_or(0));
        total([(input, dearest), (output, self.output)])
    }
}

fn total(parts: impl IntoIterator<Item = (u64, u64)>) -> u64 {
    let sum = parts
        .into_iter()
        .map(|(tokens, price)| u128::from(tokens) * u128::from(price))
        .fold(0, u128::saturating_add);
    u64::try_from(sum.div_ceil(u128::from(MILLION))).unwrap_or(u64::MAX)
}

/// A table of prices, with the day they were looked up.
///
/// None comes with the crate: prices change, and a wrong one is worse than none. The table reads from JSON:
///
/// ```
/// let prices: presswork_ai_adapter::Prices = serde_json::from_str(
///     r#"{ "as_of": "2026-11-23", "prices": { "my-provider/my-model": { "input": 250000, "output": 2000000 } } }"#,
/// )?;
/// assert_eq!(prices.get("my-provider", "my-model").map(|price| price.output), Some(2_000_000));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    as_of: String,
    prices: BTreeMap<String, Price>,
}

impl Prices {
    /// An empty table. `as_of` is the day its prices were looked up, as errors show it: `"2026-11-23"`.
    pub fn as_of(date: impl Into<String>) -> Self {
        Self {
            as_of: date.into(),
            prices: BTreeMap::new(),
        }
    }

    /// Adds the price of `provider`'s `model`, both as the model names them.
    #[must_use]
    pub fn model(mut self, provider: &str, model: &str, price: Price) -> Self {
        self.prices.insert(format!("{provider}/{model}"), price);
        self
    }

    /// The day the prices were looked up.
    pub fn date(&self) -> &str {
        &self.as_of
    }

    /// The price of a model.
    pub fn get(&self, provider: &str, model: &str) -> Option<&Price> {
        self.prices.get(&format!("{provider}/{model}"))
    }
}

//! Ranges, addresses and names, checked before anything is done with them.

use super::{Config, ConfigError, ModelConfig, SiteConfig};
use crate::text::is_plain;

impl Config {
    /// Checks every range and address.
    ///
    /// # Errors
    /// [`ConfigError`] names every setting that is out of its range, all at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        let mut range = |name: &str, value: u32, low: u32, high: u32| {
            if !(low..=high).contains(&value) {
                problems.push(format!("{name} is {value}, expected {low} to {high}"));
            }
        };
        range("generator.pages_per_run", self.generator.pages_per_run, 1, 10_000);
        range("generator.concurrency", self.generator.concurrency, 1, 256);
        range("generator.lease_seconds", self.generator.lease_seconds, 10, 86_400);
        range("generator.max_attempts", self.generator.max_attempts, 1, 20);
        range("generator.gate_repairs", self.generator.gate_repairs, 0, 5);
        range("poster.concurrency", self.poster.concurrency, 1, 256);
        range("poster.lease_seconds", self.poster.lease_seconds, 60, 3_600);
        range("poster.max_attempts", self.poster.max_attempts, 1, 100);
        range("model.timeout_seconds", self.model.timeout_seconds, 1, 3_600);
        range("model.max_output_tokens", self.model.max_output_tokens, 1, 1_000_000);
        for (name, value) in [
            ("model.requests_per_minute", self.model.requests_per_minute),
            ("model.tokens_per_minute", self.model.tokens_per_minute),
        ] {
            range(name, value.unwrap_or(1), 1, u32::MAX);
        }
        range(
            "gates.title_max",
            self.gates.title_max,
            self.gates.title_min.max(1),
            2_000,
        );
        range(
            "gates.description_max",
            self.gates.description_max,
            self.gates.description_min.max(1),
            5_000,
        );
        if self.generator.lease_seconds < self.model.timeout_seconds.saturating_add(30) {
            problems.push(format!(
                "generator.lease_seconds is {}, expected at least model.timeout_seconds + 30 ({}): a topic must stay ours until its draft is stored",
                self.generator.lease_seconds,
                self.model.timeout_seconds.saturating_add(30)
            ));
        }
        self.model.validate(&mut problems);
        self.site.validate(&mut problems);
        key(&mut problems, "poster.campaign", &self.poster.campaign);
        key(&mut problems, "site.description", &self.site.description);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError { problems })
        }
    }
}

/// More is a typing error.
const MAX_DOLLARS: f64 = 1e6;

impl ModelConfig {
    fn validate(&self, problems: &mut Vec<String>) {
        if let Some(dollars) = self
            .daily_budget_usd
            .filter(|dollars| !(*dollars > 0.0 && *dollars <= MAX_DOLLARS))
        {
            problems.push(format!(
                "model.daily_budget_usd is {dollars}, expected more than 0 and at most {MAX_DOLLARS}"
            ));
        }
        for (model, price) in &self.prices {
            if [price.input, price.output]
                .iter()
                .any(|dollars| !(0.0..=MAX_DOLLARS).contains(dollars))
            {
                problems.push(format!(
                    "model.prices.{model:?} is {} and {}, expected 0 to {MAX_DOLLARS} dollars per million tokens",
                    price.input, price.output
                ));
            }
        }
    }
}

impl SiteConfig {
    fn validate(&self, problems: &mut Vec<String>) {
        for (name, value) in [
            ("site.id", &self.id),
            ("site.name", &self.name),
            ("site.locale", &self.locale),
        ] {
            if value.trim().is_empty() {
                problems.push(format!("{name} is empty"));
            }
            key(problems, name, value);
        }
        let host = self
            .base_url
            .strip_prefix("https://")
            .or_else(|| self.base_url.strip_prefix("http://"));
        let bad = |c: char| c.is_whitespace() || c.is_control() || "/?#@\\\"<>".contains(c);
        if host.is_none_or(|host| host.is_empty() || host.contains(bad)) {
            problems.push(format!(
                "site.base_url is {:?}, expected scheme and host without a path, e.g. https://example.com",
                self.base_url
            ));
        }
        if let Some(bad) = self.indexnow_key.as_ref().filter(|key| !is_indexnow_key(key)) {
            problems.push(format!(
                "site.indexnow_key is {bad:?}, expected 8 to 128 letters, digits and dashes"
            ));
        }
        let endpoint = &self.indexnow_endpoint;
        let scheme = endpoint.starts_with("https://") || endpoint.starts_with("http://");
        if !scheme || endpoint.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@') {
            problems.push(format!(
                "site.indexnow_endpoint is {endpoint:?}, expected an address such as https://api.indexnow.org/indexnow"
            ));
        }
        if !self.locale.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            problems.push(format!(
                "site.locale is {:?}, expected a language such as en or pt-BR",
                self.locale
            ));
        }
    }
}

/// <https://www.indexnow.org/documentation>
fn is_indexnow_key(key: &str) -> bool {
    (8..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// What goes into keys, pages and feeds: one line of at most 200 characters.
fn key(problems: &mut Vec<String>, name: &str, value: &str) {
    if value.chars().count() > 200 || !value.chars().all(is_plain) {
        problems.push(format!(
            "{name} is {value:?}, expected at most 200 characters, none of control"
        ));
    }
}

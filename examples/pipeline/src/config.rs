//! Settings shared by the binary and the Workers.
//!
//! The binary reads them from `presswork.toml` and lets the environment override; a Worker has only its vars.
//! Both end in [`Config::overlay`] and [`Config::validate`], so a bad value reads the same everywhere.

use std::collections::BTreeMap;

use presswork_content_store::{ContentStore, PageQuery};
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod keys;
mod validate;

pub use keys::KEYS;

/// Everything the Generator, the Poster and the site renderer need to know.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The site the pages belong to.
    pub site: SiteConfig,
    /// How pages are drafted.
    pub generator: GeneratorConfig,
    /// What a page must satisfy before it is published.
    pub gates: GateConfig,
    /// How posts are published.
    pub poster: PosterConfig,
    /// Which model writes. The program that composes the pipeline knows the providers.
    pub model: ModelConfig,
    /// Where posts go. Empty means the program's own default.
    pub targets: Vec<TargetConfig>,
}

/// One website.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SiteConfig {
    /// Short stable id; it is part of every key in the store, so it never changes.
    pub id: String,
    /// Name shown to readers.
    pub name: String,
    /// Absolute address without a trailing slash, e.g. `https://almanac.example`.
    pub base_url: String,
    /// BCP-47 language of the pages.
    pub locale: String,
    /// One sentence about the site, for its home page and feed.
    pub description: String,
    /// Whether each page has a picture with its title, for link previews and posts. Without a word the program that serves
    /// the site decides: the binary draws them, a Worker does not.
    pub cards: Option<bool>,
    /// Key by which search engines are told of new pages (IndexNow): 8 to 128 letters, digits and dashes. It is public: the
    /// site serves it at `/<key>.txt`. Without one nobody is told.
    pub indexnow_key: Option<String>,
    /// Engine that is told; it tells the others.
    pub indexnow_endpoint: String,
}

impl Default for SiteConfig {
    fn default() -> Self {
        Self {
            id: "almanac".into(),
            name: "Time Zone Almanac".into(),
            base_url: "https://almanac.example".into(),
            locale: "en".into(),
            description: "Offsets, daylight saving rules and neighbours of every time zone.".into(),
            cards: None,
            indexnow_key: None,
            indexnow_endpoint: crate::site::indexnow::ENDPOINT.into(),
        }
    }
}

/// How pages are drafted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneratorConfig {
    /// Pages per run, 1 to 10,000.
    pub pages_per_run: u32,
    /// Model calls under way at once, 1 to 256.
    pub concurrency: u32,
    /// Seconds a claimed topic is ours, 31 to 86,400; at least `model.timeout_seconds` + 30.
    pub lease_seconds: u32,
    /// Drafts tried per topic before it is `failed`, 1 to 20.
    pub max_attempts: u32,
    /// How often a draft that fails a gate is sent back to the model in the same attempt, 0 to 5.
    pub gate_repairs: u32,
    /// Whether a person approves each page before it is published.
    pub review: bool,
}

impl Default for GeneratorConfig {
    fn default() -> Self {
        Self {
            pages_per_run: 25,
            concurrency: 8,
            lease_seconds: 600,
            max_attempts: 3,
            gate_repairs: 1,
            review: false,
        }
    }
}

/// What a page must satisfy before it is published.
///
/// The defaults are conventions of the trade, not rules of a search engine: Google states no limit for titles,
/// descriptions or words (<https://developers.google.com/search/docs/appearance/title-link>).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateConfig {
    /// Fewest characters of a title.
    pub title_min: u32,
    /// Most characters of a title; about 580 px in a result list.
    pub title_max: u32,
    /// Fewest characters of a description.
    pub description_min: u32,
    /// Most characters of a description.
    pub description_max: u32,
    /// Fewest words of the body.
    pub words_min: u32,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            title_min: 30,
            title_max: 65,
            description_min: 70,
            description_max: 160,
            words_min: 150,
        }
    }
}

/// How posts are published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PosterConfig {
    /// Messages handled at once, 1 to 256.
    pub concurrency: u32,
    /// Seconds one post is ours while it is published, 60 to 3,600; longer than any target waits for an answer (30 s), so
    /// that nobody looks for a post that is still on its way.
    pub lease_seconds: u32,
    /// Deliveries of one message before it is a dead letter, 1 to 100.
    pub max_attempts: u32,
    /// A name for this round of posts: the same page is posted once per campaign. What models cost is counted by it.
    pub campaign: String,
}

impl Default for PosterConfig {
    fn default() -> Self {
        Self {
            concurrency: 8,
            lease_seconds: 120,
            max_attempts: 20,
            campaign: String::new(),
        }
    }
}

/// Which model writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Provider by name, e.g. `template` or `openai`.
    pub provider: String,
    /// The provider's model id.
    pub name: Option<String>,
    /// Base address of a compatible server, e.g. `http://127.0.0.1:11434/v1`.
    pub base_url: Option<String>,
    /// Seconds for one draft, retries and repairs included, 1 to 3,600. A post's text has at most half of
    /// `poster.lease_seconds`.
    pub timeout_seconds: u32,
    /// Most tokens of one reply.
    pub max_output_tokens: u32,
    /// Models that are asked in turn when the one before fails by its provider's fault.
    pub fallback: Vec<FallbackConfig>,
    /// Most calls a minute of each model, 1 or more.
    pub requests_per_minute: Option<u32>,
    /// Most tokens a minute of each model, 1 or more.
    pub tokens_per_minute: Option<u32>,
    /// Most dollars that calls may cost in a day (UTC), more than 0. Every model needs its price then.
    pub daily_budget_usd: Option<f64>,
    /// Prices by `provider/model`. With them the spend ledger knows what calls cost.
    pub prices: BTreeMap<String, PriceConfig>,
}

/// A model that is asked when the one before it fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FallbackConfig {
    /// Provider by name.
    pub provider: String,
    /// The provider's model id.
    pub name: String,
    /// Base address of a compatible server.
    pub base_url: Option<String>,
}

/// What a model costs, in US dollars per million tokens, 0 to 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceConfig {
    /// Tokens read.
    pub input: f64,
    /// Tokens written.
    pub output: f64,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            provider: "template".into(),
            name: None,
            base_url: None,
            timeout_seconds: 300,
            max_output_tokens: 4096,
            fallback: Vec::new(),
            requests_per_minute: None,
            tokens_per_minute: None,
            daily_budget_usd: None,
            prices: BTreeMap::new(),
        }
    }
}

/// One place where posts go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// Network by name, e.g. `outbox` or `mastodon`.
    pub kind: String,
    /// Address of the server, where the network has many.
    pub url: Option<String>,
    /// Name of the account; it is part of the ledger's key, so it never changes for one account.
    pub account: Option<String>,
    /// File of an outbox.
    pub path: Option<String>,
    /// Name of the environment variable or secret with the account's token, where it is not the network's usual one. For a
    /// network that needs several: what their names begin with.
    pub token_env: Option<String>,
    /// Network behind a channel of Buffer.
    pub service: Option<String>,
    /// Version of LinkedIn's API, a year and a month such as `202607`. LinkedIn serves each for about a year.
    pub api_version: Option<String>,
}

/// One setting that cannot be used, or several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.join("; "))]
pub struct ConfigError {
    /// One sentence per setting: its name, what it holds, what is expected.
    pub problems: Vec<String>,
}

impl Config {
    /// Reads settings by name over the defaults. A Worker passes its vars: `|key| env.var(key).ok()...`.
    ///
    /// # Errors
    /// [`ConfigError`] names every setting that cannot be used, all at once.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::default().overlay(lookup)
    }

    /// Replaces each setting that `lookup` knows by the name in [`KEYS`], then validates the whole.
    ///
    /// # Errors
    /// [`ConfigError`] names every setting that cannot be used, all at once.
    pub fn overlay(self, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let mut tree = serde_json::to_value(&self).map_err(|error| ConfigError {
            problems: vec![format!("settings cannot be represented: {error}")],
        })?;
        for key in KEYS {
            let Some(text) = lookup(key.name) else { continue };
            match key.parse(&text) {
                Ok(value) => *slot(&mut tree, key.section, key.field) = value,
                Err(expected) => problems.push(format!("{} is {text:?}, expected {expected}", key.name)),
            }
        }
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        let config: Self = serde_json::from_value(tree).map_err(|error| ConfigError {
            problems: vec![error.to_string()],
        })?;
        config.validate()?;
        Ok(config)
    }
}

impl SiteConfig {
    /// The public address of a page.
    #[must_use]
    pub fn page_url(&self, slug: &str) -> String {
        format!("{}/{slug}/", self.base_url)
    }

    /// The path of the file that holds the IndexNow key.
    #[must_use]
    pub fn indexnow_key_path(&self) -> Option<String> {
        self.indexnow_key.as_ref().map(|key| format!("/{key}.txt"))
    }

    /// Whether the stored pages of this site are in its language. The language is part of a page's identity but not of its
    /// address: another one would draft and post everything again under the same addresses.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) when they are not, [`Error::Store`](crate::Error::Store).
    pub async fn same_locale(&self, store: &dyn ContentStore) -> crate::Result<()> {
        let query = PageQuery {
            site: self.id.clone(),
            status: None,
        };
        let first = store.list(&query, None, 1).await?.items.into_iter().next();
        match first.filter(|page| page.locale != self.locale) {
            None => Ok(()),
            Some(page) => Err(ConfigError {
                problems: vec![format!(
                    "site.locale is {:?}, but the pages of site {:?} are in {:?}; give the new language another site.id",
                    self.locale, self.id, page.locale
                )],
            }
            .into()),
        }
    }
}

fn slot<'tree>(tree: &'tree mut Value, section: &str, field: &str) -> &'tree mut Value {
    &mut tree[section][field]
}

#[cfg(test)]
mod tests;

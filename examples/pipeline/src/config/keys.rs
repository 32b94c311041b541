//! The names by which the environment and a Worker's vars set a field.

use serde_json::Value;

/// One setting that can be given as text.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Name as a Worker var; the binary reads it with the prefix `PRESSWORK_`.
    pub name: &'static str,
    pub(super) section: &'static str,
    pub(super) field: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Number,
    Switch,
}

impl Key {
    pub(super) fn parse(&self, text: &str) -> Result<Value, &'static str> {
        match self.kind {
            Kind::Text => Ok(Value::from(text)),
            Kind::Number => text
                .trim()
                .parse::<u32>()
                .map(Value::from)
                .map_err(|_| "a whole number"),
            Kind::Switch => text
                .trim()
                .parse::<bool>()
                .map(Value::from)
                .map_err(|_| "true or false"),
        }
    }
}

const fn key(name: &'static str, section: &'static str, field: &'static str, kind: Kind) -> Key {
    Key {
        name,
        section,
        field,
        kind,
    }
}

/// Every setting that [`Config::overlay`](super::Config::overlay) knows.
pub const KEYS: &[Key] = &[
    key("SITE_ID", "site", "id", Kind::Text),
    key("SITE_NAME", "site", "name", Kind::Text),
    key("SITE_BASE_URL", "site", "base_url", Kind::Text),
    key("SITE_LOCALE", "site", "locale", Kind::Text),
    key("SITE_DESCRIPTION", "site", "description", Kind::Text),
    key("INDEXNOW_KEY", "site", "indexnow_key", Kind::Text),
    key("INDEXNOW_ENDPOINT", "site", "indexnow_endpoint", Kind::Text),
    key("PAGES_PER_RUN", "generator", "pages_per_run", Kind::Number),
    key("GENERATOR_CONCURRENCY", "generator", "concurrency", Kind::Number),
    key("GENERATOR_LEASE_SECONDS", "generator", "lease_seconds", Kind::Number),
    key("GENERATOR_MAX_ATTEMPTS", "generator", "max_attempts", Kind::Number),
    key("GATE_REPAIRS", "generator", "gate_repairs", Kind::Number),
    key("REVIEW", "generator", "review", Kind::Switch),
    key("TITLE_MIN", "gates", "title_min", Kind::Number),
    key("TITLE_MAX", "gates", "title_max", Kind::Number),
    key("DESCRIPTION_MIN", "gates", "description_min", Kind::Number),
    key("DESCRIPTION_MAX", "gates", "description_max", Kind::Number),
    key("WORDS_MIN", "gates", "words_min", Kind::Number),
    key("POSTER_CONCURRENCY", "poster", "concurrency", Kind::Number),
    key("POSTER_LEASE_SECONDS", "poster", "lease_seconds", Kind::Number),
    key("POSTER_MAX_ATTEMPTS", "poster", "max_attempts", Kind::Number),
    key("CAMPAIGN", "poster", "campaign", Kind::Text),
    key("MODEL_PROVIDER", "model", "provider", Kind::Text),
    key("MODEL_NAME", "model", "name", Kind::Text),
    key("MODEL_BASE_URL", "model", "base_url", Kind::Text),
    key("MODEL_TIMEOUT_SECONDS", "model", "timeout_seconds", Kind::Number),
    key("MODEL_MAX_OUTPUT_TOKENS", "model", "max_output_tokens", Kind::Number),
];

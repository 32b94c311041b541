//! Builds the provider, and says what a model refuses.

use super::Anthropic;
use crate::http::{Auth, Settings, shared_settings};
use crate::{Capabilities, Result};

const BASE: &str = "https://api.anthropic.com";

/// The [version](https://platform.claude.com/docs/en/api/versioning) that every model and gateway still answers.
const VERSION: &str = "2023-06-01";

/// Room for a long page; every current model can write more.
const MAX_OUTPUT_TOKENS: u32 = 8192;

/// Models that refuse sampling settings, by the beginning of their id, as Vercel's catalogue of the API has them.
const NO_SAMPLING: [&str; 9] = [
    "claude-opus-4-7",
    "claude-opus-4-8",
    "claude-opus-4-9",
    "claude-opus-5",
    "claude-opus-6",
    "claude-sonnet-5",
    "claude-sonnet-6",
    "claude-haiku-5-5",
    "claude-fable",
];

/// Models that refuse a forced tool, from the same catalogue.
const NO_FORCED_TOOL: [&str; 4] = [
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-fable-5-1",
    "claude-fable-5-2",
];

/// Models from before the native schema format.
const NO_SCHEMA: [&str; 5] = [
    "claude-2",
    "claude-3",
    "claude-opus-4-0",
    "claude-sonnet-4-0",
    "claude-instant",
];

/// Dated ids of the same models.
const NO_SCHEMA_DATED: [&str; 2] = ["claude-opus-4-2025", "claude-sonnet-4-2025"];

/// [Extended thinking](https://platform.claude.com/docs/en/build-with-claude/extended-thinking). While it is on, the API refuses a forced tool
/// and sampling settings, and so does this provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Thinking {
    /// The model decides how much it thinks.
    Adaptive,
    /// The model thinks with at most this many tokens, at least 1,024; they count against the output limit.
    Budget(u32),
    /// The model does not think.
    Disabled,
}

/// [Prompt caching](https://platform.claude.com/docs/en/build-with-claude/prompt-caching): how long the beginning of a request (tools, system, messages)
/// is kept. Writing costs 1.25 or 2 times the input price, reading a tenth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PromptCache {
    /// Five minutes after the last use.
    FiveMinutes,
    /// One hour.
    OneHour,
}

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) max_output_tokens: u32,
    pub(super) thinking: Option<Thinking>,
    pub(super) cache: Option<PromptCache>,
    pub(super) user_id: Option<String>,
}

/// Collects the settings; [`build`](AnthropicBuilder::build) checks them.
#[derive(Debug)]
#[must_use]
pub struct AnthropicBuilder {
    settings: Settings,
    version: String,
    betas: Vec<String>,
    options: Options,
    capabilities: Option<Capabilities>,
}

impl AnthropicBuilder {
    pub(super) fn new(model: String) -> Self {
        Self {
            settings: Settings::new(model),
            version: VERSION.to_owned(),
            betas: Vec::new(),
            options: Options {
                max_output_tokens: MAX_OUTPUT_TOKENS,
                thinking: None,
                cache: None,
                user_id: None,
            },
            capabilities: None,
        }
    }

    shared_settings!();

    /// Sets `anthropic-version`; `2023-06-01` without it. From `2026-10-21` on the API refuses sampling settings, and so does this provider.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Adds a value to `anthropic-beta`.
    pub fn beta(mut self, feature: impl Into<String>) -> Self {
        self.betas.push(feature.into());
        self
    }

    /// Sets the output limit of requests that have none; 8,192 without it. The API insists on one.
    pub fn max_output_tokens(mut self, tokens: u32) -> Self {
        self.options.max_output_tokens = tokens;
        self
    }

    /// Sets whether the model thinks first; the model's own default without it.
    pub fn thinking(mut self, thinking: Thinking) -> Self {
        self.options.thinking = Some(thinking);
        self
    }

    /// Caches tools and system, and the conversation so far. Without it nothing is cached.
    pub fn prompt_cache(mut self, cache: PromptCache) -> Self {
        self.options.cache = Some(cache);
        self
    }

    /// Sets `metadata.user_id`: an opaque id of the end user, for the provider's abuse detection.
    pub fn user_id(mut self, id: impl Into<String>) -> Self {
        self.options.user_id = Some(id.into());
        self
    }

    /// Sets what requests may ask for, where what is known of the model's id is wrong.
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = Some(capabilities);
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for an empty model id or name, a base URL that is no plain `http` or `https` URL, a key or
    /// header that is empty or that no header can hold, no key for Anthropic itself, an output limit or timeout of zero, or a thinking
    /// budget below 1,024 or not below the output limit.
    pub fn build(self) -> Result<Anthropic> {
        let auth = Auth {
            header: "x-api-key",
            bearer: false,
            needed_by: Some("api.anthropic.com"),
        };
        let mut settings = self.settings;
        settings
            .headers
            .push(("anthropic-version".to_owned(), self.version.as_str().into()));
        if !self.betas.is_empty() {
            settings
                .headers
                .push(("anthropic-beta".to_owned(), self.betas.join(",").into()));
        }
        let (server, model) = settings.server("anthropic", Some(BASE), auth)?;
        if self.options.max_output_tokens == 0 {
            return Err(server.bad("the output limit is zero"));
        }
        if let Some(Thinking::Budget(budget)) = self.options.thinking
            && (budget < 1024 || budget >= self.options.max_output_tokens)
        {
            return Err(server.bad("the thinking budget is below 1024 or not below the output limit"));
        }
        let capabilities = self
            .capabilities
            .unwrap_or_else(|| capabilities(&model, &self.version, self.options.thinking));
        Ok(Anthropic {
            endpoint: server.url("/v1/messages")?,
            server,
            model,
            options: self.options,
            capabilities,
        })
    }
}

fn capabilities(model: &str, version: &str, thinking: Option<Thinking>) -> Capabilities {
    let is_one_of = |ids: &[&str]| ids.iter().any(|id| model.starts_with(id));
    let thinks = matches!(thinking, Some(Thinking::Adaptive | Thinking::Budget(_)));
    // Versions are dates, so their order is that of their letters.
    let is_new = version >= "2026-10-21";
    Capabilities {
        native_schema: !is_one_of(&NO_SCHEMA) && !is_one_of(&NO_SCHEMA_DATED),
        json_mode: false,
        forced_tool: !thinks && !is_one_of(&NO_FORCED_TOOL),
        sampling: !thinks && !is_new && !is_one_of(&NO_SAMPLING),
        reasoning_effort: !is_one_of(&NO_SCHEMA) && !is_one_of(&NO_SCHEMA_DATED),
        ..Capabilities::all()
    }
}

//! Builds the provider.

use super::{Api, Dialect, OpenAi, Preset};
use crate::Result;
use crate::http::{Settings, shared_settings};

/// Collects the settings; [`build`](OpenAiBuilder::build) checks them.
#[derive(Debug)]
#[must_use]
pub struct OpenAiBuilder {
    settings: Settings,
    preset: Option<Preset>,
    dialect: Option<Dialect>,
    prompt_cache_key: Option<String>,
}

impl OpenAiBuilder {
    pub(super) fn new(model: String) -> Self {
        Self {
            settings: Settings::new(model),
            preset: None,
            dialect: None,
            prompt_cache_key: None,
        }
    }

    shared_settings!();

    /// Takes a known server's place, name, key header and dialect; what is set otherwise goes before.
    pub fn preset(mut self, preset: Preset) -> Self {
        self.preset = Some(preset);
        self
    }

    /// Sets what the server understands. Without it and without a [`preset`](Self::preset), `api.openai.com` is asked by
    /// [`Dialect::openai`] and any other server by [`Dialect::compatible`].
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = Some(dialect);
        self
    }

    /// Sets OpenAI's `prompt_cache_key`: requests that share a long beginning and this key are likelier to find it cached
    /// ([prompt caching](https://platform.openai.com/docs/guides/prompt-caching)). Servers other than OpenAI and Azure may refuse it.
    pub fn prompt_cache_key(mut self, key: impl Into<String>) -> Self {
        self.prompt_cache_key = Some(key.into());
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for an empty model id or name, a base URL that is missing or no plain `http` or `https`
    /// URL, a key or header that is empty or that no header can hold, no key for a host that needs one, or a timeout of zero.
    pub fn build(self) -> Result<OpenAi> {
        let preset = self.preset.unwrap_or(Preset::OPENAI);
        let (server, model) = self.settings.server(preset.name, preset.base_url, preset.auth())?;
        let dialect = self.dialect.unwrap_or(match self.preset {
            Some(preset) => preset.dialect,
            None if server.peer.host == "api.openai.com" => Dialect::openai(),
            None => Dialect::compatible(),
        });
        let endpoint = server.url(match dialect.api {
            Api::Responses => "/responses",
            Api::ChatCompletions => "/chat/completions",
        })?;
        Ok(OpenAi {
            server,
            endpoint,
            model,
            dialect,
            prompt_cache_key: self.prompt_cache_key,
        })
    }
}

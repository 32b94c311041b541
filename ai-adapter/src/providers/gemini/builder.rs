//! Builds the provider.

use super::Gemini;
use crate::Result;
use crate::http::{Auth, Settings, shared_settings};

const BASE: &str = "https://generativelanguage.googleapis.com/v1beta";

#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) safety: Vec<(String, String)>,
    pub(super) include_thoughts: bool,
    pub(super) cached_content: Option<String>,
}

/// Collects the settings; [`build`](GeminiBuilder::build) checks them.
#[derive(Debug)]
#[must_use]
pub struct GeminiBuilder {
    settings: Settings,
    options: Options,
}

impl GeminiBuilder {
    pub(super) fn new(model: String) -> Self {
        Self {
            settings: Settings::new(model),
            options: Options::default(),
        }
    }

    shared_settings!();

    /// Adds a [safety setting](https://ai.google.dev/gemini-api/docs/safety-settings): `("HARM_CATEGORY_HARASSMENT", "BLOCK_ONLY_HIGH")`.
    pub fn safety(mut self, category: impl Into<String>, threshold: impl Into<String>) -> Self {
        self.options.safety.push((category.into(), threshold.into()));
        self
    }

    /// Asks for summaries of the model's thoughts; they stream as [`StreamEvent::Reasoning`](crate::StreamEvent::Reasoning).
    pub fn include_thoughts(mut self) -> Self {
        self.options.include_thoughts = true;
        self
    }

    /// Begins every request with content the API has cached: `"cachedContents/..."`.
    pub fn cached_content(mut self, name: impl Into<String>) -> Self {
        self.options.cached_content = Some(name.into());
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for an empty model id or name, a model id no path can hold, a base URL that is no plain
    /// `http` or `https` URL, a key or header that is empty or that no header can hold, no key for Google itself, or a timeout of zero.
    pub fn build(self) -> Result<Gemini> {
        let auth = Auth {
            header: "x-goog-api-key",
            bearer: false,
            needed_by: Some("generativelanguage.googleapis.com"),
        };
        let (server, model) = self.settings.server("gemini", Some(BASE), auth)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if !model.chars().all(is_plain) {
            return Err(server.bad("the model id holds characters no path can"));
        }
        let path = if model.contains('/') {
            format!("/{model}")
        } else {
            format!("/models/{model}")
        };
        Ok(Gemini {
            generate: server.url(&format!("{path}:generateContent"))?,
            stream: server.url(&format!("{path}:streamGenerateContent?alt=sse"))?,
            embed: server.url(&format!("{path}:batchEmbedContents"))?,
            server,
            model,
            options: self.options,
        })
    }
}

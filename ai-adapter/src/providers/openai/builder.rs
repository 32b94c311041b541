//! Builds the provider, and says what a server understands.

use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Client, Url};

use super::OpenAi;
use crate::http::Peer;
use crate::{ApiKey, Capabilities, Error, Failure, Result, platform};

const OPENAI: &str = "https://api.openai.com/v1";

/// OpenAI's own clients wait this long for an answer.
const TIMEOUT: Duration = Duration::from_secs(600);

/// What a server understands: data, so that a compatible server is a setting and not a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dialect {
    /// Whether the output limit is `max_completion_tokens`; else it is `max_tokens`, which OpenAI's newer models refuse.
    pub max_completion_tokens: bool,
    /// Whether a stream is asked for its usage (`stream_options.include_usage`).
    pub stream_usage: bool,
    /// What requests may ask for.
    pub capabilities: Capabilities,
}

impl Dialect {
    /// OpenAI itself, and proxies in front of it.
    pub const fn openai() -> Self {
        Self {
            max_completion_tokens: true,
            stream_usage: true,
            capabilities: Capabilities::all(),
        }
    }

    /// What Ollama, vLLM, llama.cpp, OpenRouter, Groq and Mistral have in common: no forced tool (Ollama
    /// and llama.cpp ignore it) and no reasoning effort.
    pub const fn compatible() -> Self {
        let capabilities = Capabilities {
            forced_tool: false,
            reasoning_effort: false,
            ..Capabilities::all()
        };
        Self {
            max_completion_tokens: false,
            stream_usage: true,
            capabilities,
        }
    }
}

/// Collects the settings; [`build`](OpenAiBuilder::build) checks them.
#[derive(Debug)]
#[must_use]
pub struct OpenAiBuilder {
    model: String,
    name: Option<String>,
    base_url: Option<String>,
    api_key: Option<ApiKey>,
    dialect: Option<Dialect>,
    client: Option<Client>,
    timeout: Duration,
}

impl OpenAiBuilder {
    pub(super) fn new(model: String) -> Self {
        Self {
            model,
            name: None,
            base_url: None,
            api_key: None,
            dialect: None,
            client: None,
            timeout: TIMEOUT,
        }
    }

    /// Sets the key. OpenAI needs one; many local servers take none.
    pub fn api_key(mut self, key: impl Into<ApiKey>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Sets the server, up to and including its version: `http://localhost:11434/v1`. Unless
    /// [`dialect`](Self::dialect) says otherwise, another server than OpenAI speaks [`Dialect::compatible`].
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Sets what the server understands.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = Some(dialect);
        self
    }

    /// Sets the provider's name in errors and ledgers; `"openai"` without it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Shares a client. One costs as much to make as hundreds of calls, so models of one process better share theirs.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets how long a call may take whose request says nothing; 10 minutes without it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`Error::Config`] for an empty model id or name, a base URL that is no plain `http` or `https` URL, a key that is empty
    /// or no header can hold, no key for OpenAI itself, or a timeout of zero.
    pub fn build(self) -> Result<OpenAi> {
        let provider = self.name.unwrap_or_else(|| "openai".to_owned());
        if provider.trim().is_empty() {
            return Err(bad("openai", "the name is empty"));
        }
        if self.model.trim().is_empty() {
            return Err(bad(&provider, "the model id is empty"));
        }
        if self.timeout.is_zero() {
            return Err(bad(&provider, "the timeout is zero"));
        }
        let base = self.base_url.as_deref().unwrap_or(OPENAI);
        let (endpoint, host) = endpoint(base).map_err(|what| bad(&provider, what))?;
        let openai = host == "api.openai.com";
        let authorization = match self.api_key {
            Some(key) if key.expose().is_empty() => {
                return Err(bad(&provider, "the API key is empty"));
            }
            Some(key) => {
                let value = HeaderValue::try_from(format!("Bearer {}", key.expose()));
                let mut value = value.map_err(|_| bad(&provider, "the API key holds characters no header can"))?;
                value.set_sensitive(true);
                Some(value)
            }
            None if openai => return Err(bad(&provider, "api.openai.com needs an API key")),
            None => None,
        };
        let client = match self.client {
            Some(client) => client,
            None => platform::client().map_err(|error| {
                let failure = Failure::new(&provider, "no HTTP client can be made").source(error.without_url());
                Error::Config(failure.boxed())
            })?,
        };
        let dialect = self.dialect.unwrap_or(if openai {
            Dialect::openai()
        } else {
            Dialect::compatible()
        });
        let peer = Peer { provider, host };
        Ok(OpenAi {
            client,
            endpoint,
            peer,
            model: self.model,
            authorization,
            dialect,
            timeout: self.timeout,
        })
    }
}

/// The endpoint and the host, as errors name it. Reasons never repeat the URL: it may hold a secret.
fn endpoint(base: &str) -> Result<(Url, String), &'static str> {
    let url = Url::parse(base).map_err(|_| "the base URL is not a URL; expected something like https://host/v1")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the base URL is neither http nor https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the base URL holds credentials; give them as the API key");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the base URL has a query or fragment; it ends with its path");
    }
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return Err("the base URL has no host"),
    };
    let endpoint = format!("{}/chat/completions", url.as_str().trim_end_matches('/'));
    let endpoint = Url::parse(&endpoint).map_err(|_| "the base URL cannot be extended")?;
    Ok((endpoint, host))
}

fn bad(provider: &str, what: &str) -> Error {
    Error::Config(Failure::new(provider, what).boxed())
}

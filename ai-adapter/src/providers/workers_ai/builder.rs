//! Builds the provider.

use serde_json::json;

use super::{AiBinding, WorkersAi};
use crate::http::{Auth, Endpoint, Server, Settings, shared_settings};
use crate::{Capabilities, Error, Failure, Result};

/// Room for a page; the API's own default is 256.
const MAX_OUTPUT_TOKENS: u32 = 4096;

/// Models that answer by the Responses API (`5006` if they are sent `messages`).
const RESPONSES: &str = "@cf/openai/gpt-oss";

/// How the model is reached.
#[derive(Debug, Clone)]
pub(super) enum Door {
    Http {
        server: Server,
        url: Endpoint,
    },
    Binding {
        /// Names the peer and knows the timeout; nothing is sent to it.
        server: Server,
        binding: AiBinding,
        /// The third argument of `run`, as JSON.
        options: String,
    },
}

/// Collects the settings; [`build`](WorkersAiBuilder::build) checks them.
#[derive(Debug)]
#[must_use]
pub struct WorkersAiBuilder {
    settings: Settings,
    account: Option<String>,
    gateway: Option<String>,
    binding: Option<AiBinding>,
    max_output_tokens: u32,
    capabilities: Option<Capabilities>,
}

impl WorkersAiBuilder {
    pub(super) fn new(model: String) -> Self {
        Self {
            settings: Settings::new(model),
            account: None,
            gateway: None,
            binding: None,
            max_output_tokens: MAX_OUTPUT_TOKENS,
            capabilities: None,
        }
    }

    shared_settings!();

    /// Sets the account's id, for REST and AI Gateway.
    pub fn account(mut self, id: impl Into<String>) -> Self {
        self.account = Some(id.into());
        self
    }

    /// Goes through [AI Gateway](https://developers.cloudflare.com/ai-gateway/). A gateway may repeat failed requests by its own rules, which
    /// multiply with [`Retry`](crate::Retry)'s; one that wants a key of its own takes it by
    /// [`header`](Self::header)`("cf-aig-authorization", "Bearer ...")`.
    pub fn gateway(mut self, id: impl Into<String>) -> Self {
        self.gateway = Some(id.into());
        self
    }

    /// Goes through a Worker's binding instead of the network.
    pub fn binding(mut self, binding: AiBinding) -> Self {
        self.binding = Some(binding);
        self
    }

    /// Sets the output limit of requests that have none; 4,096 without it. The API's own is 256.
    pub fn max_output_tokens(mut self, tokens: u32) -> Self {
        self.max_output_tokens = tokens;
        self
    }

    /// Sets what requests may ask for. Without it: no stop texts, and a reasoning effort for the gpt-oss models only.
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = Some(capabilities);
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`Error::Config`] for an empty model id or name, a model id no path can hold, no binding and neither account nor base URL, a
    /// binding together with an account, base URL, key or header (they would be ignored), a base URL that is no plain `http` or `https`
    /// URL, a key or header that is empty or that no header can hold, no key for Cloudflare's API, or an output limit or timeout of zero.
    pub fn build(self) -> Result<WorkersAi> {
        let is_binding = self.binding.is_some();
        let is_http = self.account.is_some()
            || self.settings.base_url.is_some()
            || self.settings.api_key.is_some()
            || !self.settings.headers.is_empty();
        if is_binding && is_http {
            return Err(bad("a binding takes no account, base URL, key or header"));
        }
        let is_gateway = self.gateway.is_some() && !is_binding;
        let base = match (&self.account, &self.gateway) {
            _ if is_binding => Some("https://ai.binding".to_owned()),
            (Some(account), Some(gateway)) => Some(format!(
                "https://gateway.ai.cloudflare.com/v1/{}/{}/workers-ai",
                id(account)?,
                id(gateway)?
            )),
            (Some(account), None) => Some(format!(
                "https://api.cloudflare.com/client/v4/accounts/{}/ai",
                id(account)?
            )),
            (None, _) => None,
        };
        if base.is_none() && self.settings.base_url.is_none() {
            return Err(bad("an account id is needed, or a base URL, or a binding"));
        }
        let auth = Auth {
            header: "authorization",
            bearer: true,
            needed_by: Some("api.cloudflare.com"),
        };
        let (mut server, model) = self.settings.server("workers-ai", base.as_deref(), auth)?;
        std::sync::Arc::make_mut(&mut server.peer).is_cloudflare = true;
        if !model.chars().all(|c| c.is_ascii_alphanumeric() || "@._-/".contains(c)) {
            return Err(server.bad("the model id holds characters no path can"));
        }
        if self.max_output_tokens == 0 {
            return Err(server.bad("the output limit is zero"));
        }
        let speaks_responses = model.starts_with(RESPONSES);
        let capabilities = self.capabilities.unwrap_or(Capabilities {
            stop: false,
            reasoning_effort: speaks_responses,
            ..Capabilities::all()
        });
        let door = match self.binding {
            Some(binding) => Door::Binding {
                server,
                binding,
                options: match self.gateway {
                    Some(id) => json!({ "returnRawResponse": true, "gateway": { "id": id } }),
                    None => json!({ "returnRawResponse": true }),
                }
                .to_string(),
            },
            None => {
                let run = if is_gateway { "" } else { "/run" };
                let url = server.url(&format!("{run}/{model}"))?;
                Door::Http { server, url }
            }
        };
        Ok(WorkersAi {
            door,
            model,
            max_output_tokens: self.max_output_tokens,
            capabilities,
            speaks_responses,
        })
    }
}

fn bad(what: &str) -> Error {
    Error::Config(Failure::new("workers-ai", what).boxed())
}

/// An id becomes part of a path.
fn id(id: &str) -> Result<&str> {
    let is_plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    is_plain
        .then_some(id)
        .ok_or_else(|| bad("the account or gateway id holds characters no path can"))
}

//! What a model can do, as a value.

use serde::{Deserialize, Serialize};

use crate::{Error, Failure, Result, TextRequest, ToolChoice};

/// What a request may ask of a model. A `true` flag works; a request that needs a `false` one is
/// [`Error::Unsupported`] before anything is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Capabilities {
    /// [`TextRequest::schema`]: the provider enforces a schema.
    pub native_schema: bool,
    /// [`TextRequest::json_mode`]: the provider enforces some JSON object.
    pub json_mode: bool,
    /// [`TextRequest::tools`].
    pub tools: bool,
    /// [`ToolChoice::Named`] and [`ToolChoice::Required`]: the model can be made to call a tool.
    pub forced_tool: bool,
    /// [`LanguageModel::stream`](crate::LanguageModel::stream).
    pub streaming: bool,
    /// [`TextRequest::temperature`] and [`TextRequest::top_p`].
    pub sampling: bool,
    /// [`TextRequest::stop`].
    pub stop: bool,
    /// [`TextRequest::reasoning_effort`].
    pub reasoning_effort: bool,
}

impl Capabilities {
    /// Everything.
    pub const fn all() -> Self {
        Self {
            native_schema: true,
            json_mode: true,
            tools: true,
            forced_tool: true,
            streaming: true,
            sampling: true,
            stop: true,
            reasoning_effort: true,
        }
    }

    /// Plain text and nothing else.
    pub const fn none() -> Self {
        Self {
            native_schema: false,
            json_mode: false,
            tools: false,
            forced_tool: false,
            streaming: false,
            sampling: false,
            stop: false,
            reasoning_effort: false,
        }
    }

    /// What both can do.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            native_schema: self.native_schema && other.native_schema,
            json_mode: self.json_mode && other.json_mode,
            tools: self.tools && other.tools,
            forced_tool: self.forced_tool && other.forced_tool,
            streaming: self.streaming && other.streaming,
            sampling: self.sampling && other.sampling,
            stop: self.stop && other.stop,
            reasoning_effort: self.reasoning_effort && other.reasoning_effort,
        }
    }

    /// Refuses a request that needs what is `false` here, in `provider`'s name.
    ///
    /// # Errors
    /// [`Error::Unsupported`] naming the setting; [`Error::Config`] for a forced tool the request does not have,
    /// or for no message at all.
    pub fn check(&self, provider: &str, request: &TextRequest) -> Result<()> {
        let forced = match &request.tool_choice {
            ToolChoice::Named(name) => Some(name),
            ToolChoice::Auto | ToolChoice::None | ToolChoice::Required => None,
        };
        let is_forced = forced.is_some() || request.tool_choice == ToolChoice::Required;
        let needs = [
            (request.schema.is_some(), self.native_schema, "a response schema"),
            (request.json_mode, self.json_mode, "JSON mode"),
            (!request.tools.is_empty(), self.tools, "tools"),
            (is_forced, self.forced_tool, "a forced tool"),
            (
                request.temperature.is_some() || request.top_p.is_some(),
                self.sampling,
                "sampling settings",
            ),
            (!request.stop.is_empty(), self.stop, "stop texts"),
            (
                request.reasoning_effort.is_some(),
                self.reasoning_effort,
                "a reasoning effort",
            ),
        ];
        if let Some((.., what)) = needs.iter().find(|(needed, able, _)| *needed && !able) {
            return Err(unsupported(provider, what));
        }
        if let Some(name) = forced.filter(|name| !request.tools.iter().any(|tool| tool.name == **name)) {
            let message = format!("the request forces the tool `{name}` and does not define it");
            return Err(Error::Config(Failure::new(provider, message).boxed()));
        }
        if request.tools.is_empty() && request.tool_choice == ToolChoice::Required {
            let failure = Failure::new(provider, "the request forces a tool and defines none");
            return Err(Error::Config(failure.boxed()));
        }
        if request.messages.is_empty() {
            return Err(Error::Config(
                Failure::new(provider, "the request has no message").boxed(),
            ));
        }
        Ok(())
    }

    /// As [`check`](Self::check), for a request that is to be streamed.
    ///
    /// # Errors
    /// As `check`, and [`Error::Unsupported`] when there is no streaming.
    pub fn check_stream(&self, provider: &str, request: &TextRequest) -> Result<()> {
        if !self.streaming {
            return Err(unsupported(provider, "streaming"));
        }
        self.check(provider, request)
    }
}

fn unsupported(provider: &str, what: &str) -> Error {
    Error::Unsupported(Failure::new(provider, format!("this model does not take {what}")).boxed())
}

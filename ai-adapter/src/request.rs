//! What a caller asks of a language model.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Message, Tool, ToolChoice};

/// A request, built by value.
///
/// Unset means the provider's default. A setting the model cannot honour is refused, see
/// [`Capabilities`](crate::Capabilities).
///
/// ```
/// use std::time::Duration;
/// use presswork_ai_adapter::TextRequest;
///
/// let request = TextRequest::user("Announce release 0.3 in one sentence.")
///     .system("Plain words. No hashtags.")
///     .max_output_tokens(200)
///     .timeout(Duration::from_secs(60));
/// assert_eq!(request.messages.len(), 1);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TextRequest {
    /// The conversation so far, oldest first.
    pub messages: Vec<Message>,
    /// Standing instructions.
    pub system: Option<String>,
    /// Most tokens the answer may have, reasoning included.
    pub max_output_tokens: Option<u32>,
    /// Randomness, from 0; providers stop at 1 or 2.
    pub temperature: Option<f64>,
    /// Nucleus sampling, above 0 and up to 1.
    pub top_p: Option<f64>,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// The schema the answer has to fit, enforced by the provider.
    pub schema: Option<ResponseSchema>,
    /// Whether the answer has to be some JSON object. The messages must say so, and contain the word JSON.
    pub json_mode: bool,
    /// Tools the model may call.
    pub tools: Vec<Tool>,
    /// Whether it calls one.
    pub tool_choice: ToolChoice,
    /// How hard a reasoning model thinks.
    pub reasoning_effort: Option<ReasoningEffort>,
    /// Labels for whatever stands around the model (logs, budgets). Never sent to a provider.
    pub metadata: Vec<(String, String)>,
    /// How long the whole logical call may take: repeats, fallbacks, repairs and reading a stream included.
    pub timeout: Option<Duration>,
}

impl TextRequest {
    /// A request with one message of the user.
    pub fn user(text: impl Into<String>) -> Self {
        Self::messages(vec![Message::user(text)])
    }

    /// A request with a conversation.
    pub fn messages(messages: Vec<Message>) -> Self {
        Self {
            messages,
            ..Self::default()
        }
    }

    /// Adds a turn to the conversation.
    #[must_use]
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Sets the standing instructions.
    #[must_use]
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// Sets the most tokens the answer may have, reasoning included.
    #[must_use]
    pub fn max_output_tokens(mut self, tokens: u32) -> Self {
        self.max_output_tokens = Some(tokens);
        self
    }

    /// Sets the randomness.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets nucleus sampling.
    #[must_use]
    pub fn top_p(mut self, top_p: f64) -> Self {
        self.top_p = Some(top_p);
        self
    }

    /// Adds a text that ends the answer.
    #[must_use]
    pub fn stop(mut self, text: impl Into<String>) -> Self {
        self.stop.push(text.into());
        self
    }

    /// Sets the schema the answer has to fit.
    #[must_use]
    pub fn schema(mut self, schema: ResponseSchema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// Asks for some JSON object. Say so in the messages, too: providers insist on the word JSON.
    #[must_use]
    pub fn json_mode(mut self) -> Self {
        self.json_mode = true;
        self
    }

    /// Adds a tool.
    #[must_use]
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Sets whether the model calls a tool.
    #[must_use]
    pub fn tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = choice;
        self
    }

    /// Sets how hard a reasoning model thinks.
    #[must_use]
    pub fn reasoning_effort(mut self, effort: ReasoningEffort) -> Self {
        self.reasoning_effort = Some(effort);
        self
    }

    /// Adds a label for whatever stands around the model.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((key.into(), value.into()));
        self
    }

    /// Sets how long the whole logical call may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

/// The schema an answer has to fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResponseSchema {
    /// The object's name: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// A JSON schema (draft 2020-12) whose root is an object. Providers render their own dialect of it.
    pub schema: Value,
}

impl ResponseSchema {
    /// A named schema.
    pub fn new(name: impl Into<String>, schema: Value) -> Self {
        Self {
            name: name.into(),
            schema,
        }
    }

    /// The schema of a type, named after it.
    pub fn of<T: schemars::JsonSchema>() -> Self {
        let schema = schemars::schema_for!(T).to_value();
        let title = schema.get("title").and_then(Value::as_str).unwrap_or("answer");
        Self {
            name: wire_name(title),
            schema,
        }
    }

    /// The schema of a type, under another name.
    pub fn named<T: schemars::JsonSchema>(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::of::<T>()
        }
    }
}

/// Providers take `[A-Za-z0-9_-]{1,64}` for a schema's name.
fn wire_name(title: &str) -> String {
    let keep = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }
    };
    title.chars().take(64).map(keep).collect()
}

/// How hard a reasoning model thinks. Which steps a model takes differs; a wrong one is rejected by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReasoningEffort {
    /// Not at all.
    None,
    /// As little as possible.
    Minimal,
    /// A little.
    Low,
    /// The usual middle.
    Medium,
    /// Much.
    High,
    /// Very much.
    #[serde(rename = "xhigh")]
    XHigh,
    /// As much as the model can.
    Max,
}

impl ReasoningEffort {
    /// The word providers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }
}

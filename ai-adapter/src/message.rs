//! The conversation: who said what, and the tools a model may call.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// The person or program that asks.
    User,
    /// The model.
    Assistant,
    /// The result of a tool the model called.
    Tool,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

/// A piece of a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// Plain text.
    Text(String),
    /// The model asks for a tool; in turns of [`Role::Assistant`].
    ToolCall(ToolCall),
    /// What the tool gave; in turns of [`Role::Tool`].
    ToolResult {
        /// The id of the call this answers.
        call_id: String,
        /// The tool's output.
        content: String,
    },
    /// A whole turn of the model as its provider wrote it; in turns of [`Role::Assistant`].
    Verbatim(Verbatim),
}

/// A turn as its provider wrote it, with what only that provider can read: signed thoughts, encrypted reasoning.
///
/// A provider that finds one of its own dialect in a turn sends it back unchanged and passes over the turn's other
/// parts, which say the same to everybody else; other dialects pass over this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verbatim {
    /// Whose words these are: `"anthropic"`, `"gemini"`, `"openai-responses"`, `"openai-chat"`.
    pub dialect: String,
    /// The turn, or its content, in that dialect.
    pub content: Value,
}

impl Verbatim {
    /// A turn in `dialect`.
    pub fn new(dialect: impl Into<String>, content: Value) -> Self {
        Self {
            dialect: dialect.into(),
            content,
        }
    }
}

impl Message {
    /// A turn of the user.
    pub fn user(text: impl Into<String>) -> Self {
        Self {
            role: Role::User,
            parts: vec![Part::Text(text.into())],
        }
    }

    /// A turn of the model.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self {
            role: Role::Assistant,
            parts: vec![Part::Text(text.into())],
        }
    }

    /// A turn of the model that calls tools.
    pub fn tool_calls(calls: impl IntoIterator<Item = ToolCall>) -> Self {
        Self {
            role: Role::Assistant,
            parts: calls.into_iter().map(Part::ToolCall).collect(),
        }
    }

    /// The result of one tool call.
    pub fn tool_result(call_id: impl Into<String>, content: impl Into<String>) -> Self {
        let part = Part::ToolResult {
            call_id: call_id.into(),
            content: content.into(),
        };
        Self {
            role: Role::Tool,
            parts: vec![part],
        }
    }

    /// The turn's text parts, joined.
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::ToolCall(_) | Part::ToolResult { .. } | Part::Verbatim(_) => None,
        });
        texts.collect()
    }

    /// The turn in the words of `dialect`, when it has them.
    pub fn verbatim(&self, dialect: &str) -> Option<&Value> {
        self.parts.iter().find_map(|part| match part {
            Part::Verbatim(verbatim) if verbatim.dialect == dialect => Some(&verbatim.content),
            _ => None,
        })
    }
}

/// A tool the model may call. Running it is the caller's part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tool {
    /// Letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON schema of its arguments, an object.
    pub parameters: Value,
}

impl Tool {
    /// A tool with the JSON schema of its arguments.
    pub fn new(name: impl Into<String>, description: impl Into<String>, parameters: Value) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            parameters,
        }
    }
}

/// Whether the model calls a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// The model calls none, although it is told of them.
    None,
    /// The model must call some tool.
    Required,
    /// The model must call the tool of this name.
    Named(String),
}

/// A call the model asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolCall {
    /// The id to answer under; made up (`call_0`) when the server gives none.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments as the model wrote them: JSON, not yet parsed.
    pub arguments: String,
}

impl ToolCall {
    /// A call of tool `name` with arguments in JSON.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
        }
    }
}

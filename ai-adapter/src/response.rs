//! What a language model answers.

use serde::{Deserialize, Serialize};

use crate::{Attempt, Limits, Message, Part, Role, ToolCall, Verbatim};

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TextResponse {
    /// The answer's text; empty when the model only called tools or refused.
    pub text: String,
    /// The model's words when it declines to answer.
    pub refusal: Option<String>,
    /// The tools the model asks for.
    pub tool_calls: Vec<ToolCall>,
    /// Why the answer ended.
    pub finish: FinishReason,
    /// Why the answer ended, in the provider's word.
    pub finish_raw: Option<String>,
    /// What it took, as far as the provider reports it.
    pub usage: Usage,
    /// The turn as the provider wrote it, when it holds what must go back unchanged (signed thoughts, encrypted reasoning).
    pub verbatim: Option<Box<Verbatim>>,
    /// What the provider says is left of its rate limits.
    pub limits: Limits,
    /// What the caller should know and need not act on.
    pub warnings: Vec<String>,
    /// The provider's id of the request, to quote to its support.
    pub request_id: Option<String>,
    /// Who answered.
    pub provider: String,
    /// The model that answered, as the provider names it; the id that was sent when it does not.
    pub model: String,
    /// Every attempt made, the successful one last.
    pub attempts: Vec<Attempt>,
}

impl TextResponse {
    /// An answer of `provider`'s `model` that came to its natural end.
    pub fn new(provider: impl Into<String>, model: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            finish: FinishReason::Stop,
            provider: provider.into(),
            model: model.into(),
            ..Self::default()
        }
    }

    /// The answer as the next turn of its conversation; tool results go after it.
    pub fn message(&self) -> Message {
        let text = Some(&self.text).filter(|text| !text.is_empty());
        let verbatim = self.verbatim.as_deref().cloned().map(Part::Verbatim);
        Message {
            role: Role::Assistant,
            parts: text
                .map(|text| Part::Text(text.clone()))
                .into_iter()
                .chain(self.tool_calls.iter().cloned().map(Part::ToolCall))
                .chain(verbatim)
                .collect(),
        }
    }

    /// Whether the model declined: it said so, or a content filter stopped it.
    pub fn is_refused(&self) -> bool {
        self.refusal.is_some() || self.finish == FinishReason::ContentFilter
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// It was complete, or met a stop text.
    Stop,
    /// It met the output limit.
    Length,
    /// The model waits for tool results.
    ToolCalls,
    /// A content filter stopped it.
    ContentFilter,
    /// The provider paused it: send the [`message`](TextResponse::message) back, and it goes on.
    Pause,
    /// A reason this crate does not know, in the provider's word.
    Other(String),
    /// The provider gave none.
    #[default]
    Unspecified,
}

/// Tokens, as far as the provider reports them; a missing number is unknown, not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input_tokens: Option<u64>,
    /// Tokens written, reasoning included.
    pub output_tokens: Option<u64>,
    /// Of the tokens read, those that came from the provider's prompt cache.
    pub cached_input_tokens: Option<u64>,
    /// Of the tokens read, those that were written to the provider's prompt cache.
    pub cache_write_tokens: Option<u64>,
    /// Of the tokens written, those the model thought with.
    pub reasoning_tokens: Option<u64>,
}

impl Usage {
    /// Tokens read and written.
    pub fn new(input_tokens: u64, output_tokens: u64) -> Self {
        Self {
            input_tokens: Some(input_tokens),
            output_tokens: Some(output_tokens),
            ..Self::default()
        }
    }

    /// The sum, number by number. What only one side knows is kept, so a sum over calls that do not all report
    /// is a lower bound.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        fn add(a: Option<u64>, b: Option<u64>) -> Option<u64> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a.saturating_add(b)),
                (known, None) | (None, known) => known,
            }
        }
        Self {
            input_tokens: add(self.input_tokens, other.input_tokens),
            output_tokens: add(self.output_tokens, other.output_tokens),
            cached_input_tokens: add(self.cached_input_tokens, other.cached_input_tokens),
            cache_write_tokens: add(self.cache_write_tokens, other.cache_write_tokens),
            reasoning_tokens: add(self.reasoning_tokens, other.reasoning_tokens),
        }
    }
}

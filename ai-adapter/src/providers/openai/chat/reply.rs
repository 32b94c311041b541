//! The reply, as leniently as compatible servers need: anything may be missing, null, or of another type.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::Usage;
use crate::http::{Count, Few, First, Text, Word};

/// A whole reply or one chunk of a stream; one has `message`, the other `delta`.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Reply<'a> {
    #[serde(borrow, default)]
    pub(super) model: Word<'a>,
    /// One choice is asked for; a server that sends more is read by its first.
    #[serde(borrow, default)]
    pub(super) choices: First<Choice<'a>>,
    #[serde(default)]
    pub(super) usage: Option<WireUsage>,
    /// Groq reports a stream's usage here.
    #[serde(default)]
    pub(super) x_groq: Option<XGroq>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
    /// Workers AI's older models answer without choices: text, or an object in JSON mode.
    #[serde(default)]
    pub(super) response: Option<Text>,
    /// Beside `response`.
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<Few<Call<'a>>>,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct XGroq {
    #[serde(default)]
    pub(super) usage: Option<WireUsage>,
}

/// Either has room for one of its two words, so that half as much moves with every chunk.
#[derive(Debug, Default)]
pub(super) struct Choice<'a> {
    /// What stands under `message`, else under `delta`.
    pub(super) said: Option<Delta<'a>>,
    pub(super) finish_reason: Word<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Choice<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ChoiceVisitor)
    }
}

struct ChoiceVisitor;

impl<'de> Visitor<'de> for ChoiceVisitor {
    type Value = Choice<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a choice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Choice<'de>, A::Error> {
        let mut choice = Choice::default();
        while let Some(name) = map.next_key::<Word<'de>>()? {
            match &*name.0 {
                "message" => choice.said = map.next_value::<Option<Delta<'de>>>()?.or(choice.said),
                "delta" if choice.said.is_none() => choice.said = map.next_value()?,
                "finish_reason" => choice.finish_reason = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(choice)
    }
}

#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(default)]
    pub(super) content: Text,
    #[serde(borrow, default)]
    pub(super) refusal: Word<'a>,
    #[serde(default)]
    pub(super) reasoning_content: Text,
    #[serde(default)]
    pub(super) reasoning: Text,
    /// OpenRouter wants these back as they came.
    #[serde(borrow, default)]
    pub(super) reasoning_details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<Few<Call<'a>>>,
    /// The predecessor of `tool_calls`.
    #[serde(borrow, default)]
    pub(super) function_call: Option<Box<Function<'a>>>,
}

#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Call<'a> {
    #[serde(default)]
    pub(super) index: Option<usize>,
    #[serde(borrow, default)]
    pub(super) id: Word<'a>,
    #[serde(borrow, default)]
    pub(super) function: Option<Function<'a>>,
    /// Workers AI's older models have no `function` around name and arguments.
    #[serde(borrow, default)]
    pub(super) name: Word<'a>,
    #[serde(default)]
    pub(super) arguments: Text,
}

#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow, default)]
    pub(super) name: Word<'a>,
    /// JSON in a string, or the object itself.
    #[serde(default)]
    pub(super) arguments: Text,
}

#[derive(Debug, Default, Clone, Copy, serde::Deserialize)]
pub(super) struct WireUsage {
    #[serde(default)]
    prompt_tokens: Count,
    #[serde(default)]
    completion_tokens: Count,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek's word for cached tokens.
    #[serde(default)]
    prompt_cache_hit_tokens: Count,
}

#[derive(Debug, Default, Clone, Copy, serde::Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Count,
    #[serde(default)]
    cache_write_tokens: Count,
}

#[derive(Debug, Default, Clone, Copy, serde::Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Count,
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let prompt = wire.prompt_tokens_details.unwrap_or_default();
        let cached = prompt.cached_tokens.0;
        Self {
            input_tokens: wire.prompt_tokens.0,
            output_tokens: wire.completion_tokens.0,
            cached_input_tokens: cached.or(wire.prompt_cache_hit_tokens.0),
            cache_write_tokens: prompt.cache_write_tokens.0,
            reasoning_tokens: wire
                .completion_tokens_details
                .and_then(|details| details.reasoning_tokens.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_before_a_delta_wherever_it_stands() {
        for json in [
            r#"{"delta":{"content":"d"},"message":{"content":"m"},"index":0}"#,
            r#"{"message":{"content":"m"},"delta":{"content":"d"}}"#,
            r#"{"message":{"content":"m"},"message":null,"delta":null}"#,
            r#"{"message":null,"delta":{"content":"m"}}"#,
            r#"{"delta":{"content":"m"},"message":null}"#,
        ] {
            let choice: Choice<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(choice.said.unwrap().content.0, "m", "{json}");
        }
    }
}

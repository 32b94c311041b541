//! The reply and the events of a stream; unknown blocks and events are passed over.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Usage;
use crate::http::{Count, Few, Text, Word};

#[derive(Debug, Default, Deserialize)]
pub(super) struct Reply<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Word<'a>,
    #[serde(borrow, default)]
    pub(super) model: Word<'a>,
    #[serde(borrow, default)]
    pub(super) content: Option<Few<Block<'a>>>,
    #[serde(default)]
    pub(super) stop_reason: Option<String>,
    #[serde(default)]
    pub(super) stop_details: Option<StopDetails>,
    #[serde(default)]
    pub(super) usage: Option<WireUsage>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct StopDetails {
    #[serde(default)]
    pub(super) category: Option<String>,
    #[serde(default)]
    pub(super) explanation: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Block<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Word<'a>,
    #[serde(default)]
    pub(super) text: Text,
    #[serde(default)]
    pub(super) thinking: Text,
    #[serde(borrow, default)]
    pub(super) id: Word<'a>,
    #[serde(borrow, default)]
    pub(super) name: Word<'a>,
    /// An object; kept as its JSON.
    #[serde(default)]
    pub(super) input: Text,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Word<'a>,
    #[serde(borrow, default)]
    pub(super) message: Option<Reply<'a>>,
    #[serde(default)]
    pub(super) index: Option<usize>,
    #[serde(borrow, default)]
    pub(super) content_block: Option<Block<'a>>,
    #[serde(borrow, default)]
    pub(super) delta: Option<Delta<'a>>,
    #[serde(default)]
    pub(super) usage: Option<WireUsage>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Word<'a>,
    #[serde(default)]
    pub(super) text: Text,
    #[serde(default)]
    pub(super) thinking: Text,
    #[serde(borrow, default)]
    pub(super) signature: Word<'a>,
    #[serde(default)]
    pub(super) partial_json: Text,
    #[serde(default)]
    pub(super) stop_reason: Option<String>,
    #[serde(default)]
    pub(super) stop_details: Option<StopDetails>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(super) struct WireUsage {
    #[serde(default)]
    input_tokens: Count,
    #[serde(default)]
    cache_creation_input_tokens: Count,
    #[serde(default)]
    cache_read_input_tokens: Count,
    #[serde(default)]
    output_tokens: Count,
    #[serde(default)]
    output_tokens_details: Option<Details>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
struct Details {
    #[serde(default)]
    thinking_tokens: Count,
}

impl WireUsage {
    /// Each report is a whole snapshot, but a later one may leave out what an earlier one told.
    pub(super) fn over(self, before: Self) -> Self {
        let latest = |now: Count, before: Count| if now.0.is_some() { now } else { before };
        Self {
            input_tokens: latest(self.input_tokens, before.input_tokens),
            cache_creation_input_tokens: latest(self.cache_creation_input_tokens, before.cache_creation_input_tokens),
            cache_read_input_tokens: latest(self.cache_read_input_tokens, before.cache_read_input_tokens),
            output_tokens: latest(self.output_tokens, before.output_tokens),
            output_tokens_details: self.output_tokens_details.or(before.output_tokens_details),
        }
    }
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let (read, written) = (wire.cache_read_input_tokens.0, wire.cache_creation_input_tokens.0);
        // Here `input_tokens` leaves the cache out.
        let cached = read.unwrap_or(0).saturating_add(written.unwrap_or(0));
        Self {
            input_tokens: wire.input_tokens.0.map(|tokens| tokens.saturating_add(cached)),
            output_tokens: wire.output_tokens.0,
            cached_input_tokens: read,
            cache_write_tokens: written,
            reasoning_tokens: wire.output_tokens_details.unwrap_or_default().thinking_tokens.0,
        }
    }
}

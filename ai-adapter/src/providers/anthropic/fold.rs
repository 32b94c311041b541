//! Adds up what arrives, whole or in events.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use super::DIALECT;
use super::reply::{Block, Delta, Event, Reply, StopDetails, WireUsage};
use crate::http::{self, Answer, Kept, Peer, Told, error_told, malformed};
use crate::{FinishReason, Result, StreamEvent, TextResponse, ToolCall, Verbatim};

#[derive(Debug)]
pub(super) struct Fold {
    peer: Arc<Peer>,
    response: TextResponse,
    usage: WireUsage,
    /// The call a content block's index belongs to.
    calls: Vec<(usize, usize)>,
    /// The blocks as they came, for a conversation with tools; `None` where there are no tools.
    blocks: Option<Vec<Value>>,
    kept: Kept,
    saw_message: bool,
}

impl http::Fold for Fold {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn whole(&mut self, answer: &Answer, json: &[u8]) -> Result<()> {
        let reply: Reply<'_> = http::parse(&self.peer, answer, json)?;
        if let Some(told) = reply.error.and_then(Told::raw) {
            return Err(error_told(&self.peer, None, &answer.headers, told));
        }
        if reply.kind.0 != "message" && reply.content.is_none() {
            return Err(malformed(&self.peer, "the reply is no message"));
        }
        if let Some(blocks) = &mut self.blocks {
            let mut whole = self.kept.verbatim(&self.peer, answer, json)?;
            if let Some(Value::Array(content)) = whole.get_mut("content").map(Value::take) {
                *blocks = content;
            }
        }
        self.message(reply)
    }

    fn event(&mut self, answer: &Answer, data: &[u8], out: &mut VecDeque<StreamEvent>) -> Result<bool> {
        let event: Event<'_> = http::parse(&self.peer, answer, data)?;
        if let Some(usage) = event.usage {
            self.usage = usage.over(self.usage);
        }
        match &*event.kind.0 {
            "message_start" => {
                if let Some(message) = event.message {
                    self.message(message)?;
                }
            }
            "content_block_start" => {
                if let (Some(index), Some(block)) = (event.index, event.content_block) {
                    if let Some(blocks) = &mut self.blocks {
                        let mut whole = self.kept.verbatim(&self.peer, answer, data)?;
                        blocks.extend(whole.get_mut("content_block").map(Value::take));
                    }
                    self.begin(index, block, out)?;
                }
            }
            "content_block_delta" => {
                if let (Some(index), Some(delta)) = (event.index, event.delta) {
                    self.delta(index, delta, out)?;
                }
            }
            "message_delta" => {
                let delta = event.delta.unwrap_or_default();
                self.stop(delta.stop_reason, delta.stop_details);
            }
            "message_stop" => return Ok(true),
            // `content_block_stop` may be missing after a cut; `ping` says nothing; new events may come.
            _ => {
                if let Some(told) = event.error.and_then(Told::raw) {
                    return Err(error_told(&self.peer, None, &answer.headers, told));
                }
            }
        }
        Ok(false)
    }

    fn has_finished(&self) -> bool {
        // Only `message_stop` ends it.
        false
    }

    fn response(mut self) -> Result<TextResponse> {
        self.response.usage = self.usage.into();
        let response = &mut self.response;
        if !self.saw_message {
            return Err(malformed(&self.peer, "the reply holds no message"));
        }
        if response.finish_raw.is_none() {
            response.finish = FinishReason::Unspecified;
        }
        for call in response.tool_calls.iter_mut().filter(|call| call.arguments.is_empty()) {
            // A tool without parameters streams no arguments.
            call.arguments.push_str("{}");
        }
        let explained = !matches!(
            response.finish,
            FinishReason::Stop | FinishReason::Unspecified | FinishReason::ToolCalls
        );
        if response.text.is_empty() && response.tool_calls.is_empty() && !explained {
            return Err(malformed(&self.peer, "the reply holds no answer"));
        }
        let is_thought = |block: &Value| matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking"));
        let mut blocks = self
            .blocks
            .filter(|blocks| blocks.iter().any(is_thought) || response.finish == FinishReason::Pause);
        if let Some(blocks) = &mut blocks {
            finish_inputs(blocks, &response.tool_calls);
        }
        response.verbatim = blocks.map(|blocks| Box::new(Verbatim::new(DIALECT, Value::Array(blocks))));
        Ok(self.response)
    }
}

/// Streamed calls begin with an empty input, and their arguments come in deltas.
fn finish_inputs(blocks: &mut [Value], calls: &[ToolCall]) {
    let uses = blocks.iter_mut().filter(|block| block["type"] == "tool_use");
    for (block, call) in uses.zip(calls) {
        if let Ok(input @ Value::Object(_)) = serde_json::from_str(&call.arguments) {
            block["input"] = input;
        }
    }
}

impl Fold {
    pub(super) fn new(peer: Arc<Peer>, response: TextResponse, has_tools: bool) -> Self {
        Self {
            peer,
            response,
            usage: WireUsage::default(),
            calls: Vec::new(),
            blocks: has_tools.then(Vec::new),
            kept: Kept::default(),
            saw_message: false,
        }
    }

    fn message(&mut self, reply: Reply<'_>) -> Result<()> {
        self.saw_message = true;
        if let Some(model) = reply.model.get().filter(|model| *model != self.response.model) {
            model.clone_into(&mut self.response.model);
        }
        if let Some(usage) = reply.usage {
            self.usage = usage.over(self.usage);
        }
        let mut unread = VecDeque::new();
        for (index, block) in reply.content.into_iter().flatten().enumerate() {
            self.begin(index, block, &mut unread)?;
        }
        self.stop(reply.stop_reason, reply.stop_details);
        Ok(())
    }

    fn begin(&mut self, index: usize, block: Block<'_>, out: &mut VecDeque<StreamEvent>) -> Result<()> {
        let size = block.text.0.len() + block.input.0.len() + block.id.0.len() + block.name.0.len();
        self.kept.piece(&self.peer, size)?;
        match &*block.kind.0 {
            "text" => self.text(block.text.0, out),
            "thinking" if !block.thinking.0.is_empty() => out.push_back(StreamEvent::Reasoning(block.thinking.0)),
            "tool_use" => {
                // A whole block has its input; a streamed one begins with an empty object.
                let arguments = Some(block.input.0).filter(|input| input != "{}").unwrap_or_default();
                let call = ToolCall::new(block.id.into_owned(), block.name.into_owned(), arguments);
                let at = self.response.tool_calls.len();
                out.push_back(StreamEvent::ToolCall {
                    index: at,
                    name: call.name.clone(),
                    arguments: call.arguments.clone(),
                });
                self.calls.push((index, at));
                self.response.tool_calls.push(call);
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: String, out: &mut VecDeque<StreamEvent>) {
        if !text.is_empty() {
            self.response.text.push_str(&text);
            out.push_back(StreamEvent::Text(text));
        }
    }

    fn delta(&mut self, index: usize, delta: Delta<'_>, out: &mut VecDeque<StreamEvent>) -> Result<()> {
        let said = delta.text.0.len() + delta.partial_json.0.len() + delta.thinking.0.len();
        self.kept.add(&self.peer, said + delta.signature.0.len())?;
        // Thoughts go back unchanged, so their block grows as it came.
        if let Some(block) = self.blocks.as_mut().and_then(|blocks| blocks.get_mut(index)) {
            grow(block, "thinking", &delta.thinking.0);
            grow(block, "signature", &delta.signature.0);
            grow(block, "text", &delta.text.0);
        }
        match &*delta.kind.0 {
            "text_delta" => self.text(delta.text.0, out),
            "thinking_delta" if !delta.thinking.0.is_empty() => {
                out.push_back(StreamEvent::Reasoning(delta.thinking.0));
            }
            "input_json_delta" => {
                let at = self.calls.iter().find(|(block, _)| *block == index).map(|(_, at)| *at);
                let call = at.and_then(|at| Some((at, self.response.tool_calls.get_mut(at)?)));
                if let Some((at, call)) = call.filter(|_| !delta.partial_json.0.is_empty()) {
                    call.arguments.push_str(&delta.partial_json.0);
                    out.push_back(StreamEvent::ToolCall {
                        index: at,
                        name: String::new(),
                        arguments: delta.partial_json.0,
                    });
                }
            }
            // `signature_delta` is kept above; citations are no part of the answer.
            _ => {}
        }
        Ok(())
    }

    fn stop(&mut self, reason: Option<String>, details: Option<StopDetails>) {
        let Some(reason) = reason else { return };
        self.response.finish = match reason.as_str() {
            "end_turn" | "stop_sequence" => FinishReason::Stop,
            "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
            "tool_use" => FinishReason::ToolCalls,
            "pause_turn" => FinishReason::Pause,
            "refusal" => FinishReason::ContentFilter,
            _ => FinishReason::Other(reason.clone()),
        };
        if reason == "refusal" {
            self.response.refusal = Some(words(details.unwrap_or_default()));
        }
        self.response.finish_raw = Some(reason);
    }
}

fn words(details: StopDetails) -> String {
    match (details.explanation, details.category) {
        (Some(explanation), _) => explanation,
        (None, Some(category)) => format!("declined for reasons of {category}"),
        (None, None) => "the model declined".to_owned(),
    }
}

fn grow(block: &mut Value, field: &str, more: &str) {
    if more.is_empty() {
        return;
    }
    match block.get_mut(field) {
        Some(Value::String(text)) => text.push_str(more),
        _ => block[field] = json!(more),
    }
}

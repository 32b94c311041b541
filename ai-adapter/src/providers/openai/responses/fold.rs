//! Adds up what arrives, whole or in events.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use super::DIALECT;
use super::reply::{Event, Item, Reply};
use crate::http::{self, Answer, Kept, Peer, Told, error_told, malformed};
use crate::{Error, FinishReason, Result, StreamEvent, TextResponse, ToolCall, Verbatim};

#[derive(Debug)]
pub(in crate::providers) struct Fold {
    peer: Arc<Peer>,
    response: TextResponse,
    /// The output index each call was opened under; `None` for calls of a whole reply.
    opened: Vec<Option<usize>>,
    /// Items as they came, for a conversation with tools; `None` where there are no tools.
    items: Option<Vec<Value>>,
    finished: bool,
    kept: Kept,
}

impl http::Fold for Fold {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn whole(&mut self, answer: &Answer, json: &[u8]) -> Result<()> {
        let reply: Reply<'_> = http::parse(&self.peer, answer, json)?;
        if reply.status.get().is_none() && reply.output.is_none() && reply.error.is_none() {
            return Err(malformed(&self.peer, "the reply is no response object"));
        }
        if self.items.is_some() {
            let mut whole = self.kept.verbatim(&self.peer, answer, json)?;
            self.items = take_output(&mut whole);
        }
        self.reply(answer, reply)
    }

    fn event(&mut self, answer: &Answer, data: &[u8], out: &mut VecDeque<StreamEvent>) -> Result<bool> {
        let event: Event<'_> = http::parse(&self.peer, answer, data)?;
        match &*event.kind.0 {
            "response.output_text.delta" => {
                self.kept.add(&self.peer, event.delta.0.len())?;
                self.response.text.push_str(&event.delta.0);
                push(out, event.delta.0, StreamEvent::Text);
            }
            "response.refusal.delta" => {
                self.kept.add(&self.peer, event.delta.0.len())?;
                self.response.refusal.get_or_insert_default().push_str(&event.delta.0);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                push(out, event.delta.0, StreamEvent::Reasoning);
            }
            "response.function_call_arguments.delta" => {
                self.kept.add(&self.peer, event.delta.0.len())?;
                self.arguments(event.output_index, event.delta.0, out);
            }
            "response.output_item.added" => {
                if let Some(item) = event.item.filter(|item| item.kind.0 == "function_call") {
                    self.open(event.output_index, item, out)?;
                }
            }
            "response.output_item.done" => self.item_done(answer, data, event, out)?,
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                if self.items.is_some() {
                    let mut whole = self.kept.verbatim(&self.peer, answer, data)?;
                    // Some streams end without the output; then the items that were done stand.
                    let output = whole.get_mut("response").and_then(take_output);
                    self.items = output.filter(|items| !items.is_empty()).or(self.items.take());
                }
                let Some(reply) = event.response else {
                    return Err(malformed(&self.peer, "the last event holds no response"));
                };
                self.reply(answer, reply)?;
                return Ok(true);
            }
            "error" => {
                let whole = || Told::raw(serde_json::from_slice(data).ok()?);
                let told = event.error.and_then(Told::raw).or_else(whole);
                let told = told.unwrap_or_else(|| Told::text("an error without details"));
                return Err(error_told(&self.peer, None, &answer.headers, told));
            }
            // Every other event repeats what a delta said or the last event will say.
            _ => {
                if let Some(told) = event.error.and_then(Told::raw) {
                    return Err(error_told(&self.peer, None, &answer.headers, told));
                }
            }
        }
        Ok(false)
    }

    fn has_finished(&self) -> bool {
        self.finished
    }

    fn response(mut self) -> Result<TextResponse> {
        if !self.finished {
            // `[DONE]` without a terminal event.
            let message = format!("{}: the stream ended before the answer did", self.peer.host);
            return Err(Error::Incomplete(self.peer.failure(message).boxed()));
        }
        let response = &mut self.response;
        if response.refusal.is_some() {
            response.finish = FinishReason::ContentFilter;
        } else if !response.tool_calls.is_empty() && response.finish == FinishReason::Stop {
            response.finish = FinishReason::ToolCalls;
        }
        let explained = matches!(response.finish, FinishReason::Length | FinishReason::ContentFilter);
        if response.text.is_empty() && response.tool_calls.is_empty() && !explained {
            return Err(malformed(&self.peer, "the reply holds no answer"));
        }
        // Without a thought among them the items say nothing that text and calls do not.
        let items = self
            .items
            .filter(|items| items.iter().any(|item| item["type"] == "reasoning"));
        response.verbatim = items.map(|items| Box::new(Verbatim::new(DIALECT, Value::Array(items))));
        Ok(self.response)
    }
}

fn push(out: &mut VecDeque<StreamEvent>, text: String, event: fn(String) -> StreamEvent) {
    if !text.is_empty() {
        out.push_back(event(text));
    }
}

fn take_output(response: &mut Value) -> Option<Vec<Value>> {
    match response.get_mut("output").map(Value::take) {
        Some(Value::Array(items)) => Some(items),
        _ => None,
    }
}

impl Fold {
    pub(in crate::providers) fn new(peer: Arc<Peer>, response: TextResponse, has_tools: bool) -> Self {
        Self {
            peer,
            response,
            opened: Vec::new(),
            items: has_tools.then(Vec::new),
            finished: false,
            kept: Kept::default(),
        }
    }

    /// The response object, alone or in the last event.
    fn reply(&mut self, answer: &Answer, reply: Reply<'_>) -> Result<()> {
        if let Some(model) = reply.model.get().filter(|model| *model != self.response.model) {
            model.clone_into(&mut self.response.model);
        }
        if let Some(usage) = reply.usage {
            self.response.usage = usage.into();
        }
        let error = reply.error.and_then(Told::raw);
        let (status, reason) = (reply.status, reply.incomplete_details.unwrap_or_default().reason);
        let status = status.get().unwrap_or("completed");
        if let Some(told) = error.or_else(|| (status == "failed").then(|| Told::text("the response failed"))) {
            return Err(error_told(&self.peer, None, &answer.headers, told));
        }
        if let Some(output) = reply.output.filter(|output| !output.is_empty()) {
            // What the deltas said is said again, in full: arguments are known to be incomplete in them.
            self.response.text.clear();
            self.response.refusal = None;
            self.response.tool_calls.clear();
            self.opened.clear();
            for item in output {
                self.item(item);
            }
        }
        self.finished = true;
        let raw = reason.get().unwrap_or(status);
        self.response.finish = match (status, raw) {
            ("completed", _) => FinishReason::Stop,
            ("incomplete", "max_output_tokens") => FinishReason::Length,
            ("incomplete", "content_filter") => FinishReason::ContentFilter,
            ("queued" | "in_progress" | "cancelled", _) => {
                let message = format!("{}: the response is {status}", self.peer.host);
                return Err(Error::Unavailable(self.peer.failure(message).boxed()));
            }
            _ => FinishReason::Other(raw.to_owned()),
        };
        self.response.finish_raw = Some(raw.to_owned());
        Ok(())
    }

    fn item(&mut self, item: Item<'_>) {
        match &*item.kind.0 {
            "message" => {
                for part in item.content.into_iter().flatten() {
                    match &*part.kind.0 {
                        "output_text" if self.response.text.is_empty() => self.response.text = part.text.0,
                        "output_text" => self.response.text.push_str(&part.text.0),
                        "refusal" => self.response.refusal.get_or_insert_default().push_str(&part.refusal.0),
                        _ => {}
                    }
                }
            }
            "function_call" => {
                self.opened.push(None);
                let call = self.named(&item, item.arguments.0.clone());
                self.response.tool_calls.push(call);
            }
            _ => {}
        }
    }

    fn named(&self, item: &Item<'_>, arguments: String) -> ToolCall {
        let id = item.call_id.get().or(item.id.get());
        let id = id.map_or_else(|| format!("call_{}", self.response.tool_calls.len()), str::to_owned);
        ToolCall::new(id, &*item.name.0, arguments)
    }

    fn open(&mut self, index: Option<usize>, item: Item<'_>, out: &mut VecDeque<StreamEvent>) -> Result<()> {
        self.kept
            .piece(&self.peer, item.name.0.len() + item.arguments.0.len())?;
        let call = self.named(&item, item.arguments.0.clone());
        let (name, arguments) = (call.name.clone(), call.arguments.clone());
        let index_of = self.response.tool_calls.len();
        self.response.tool_calls.push(call);
        self.opened.push(index);
        out.push_back(StreamEvent::ToolCall {
            index: index_of,
            name,
            arguments,
        });
        Ok(())
    }

    fn arguments(&mut self, index: Option<usize>, more: String, out: &mut VecDeque<StreamEvent>) {
        let at = self
            .opened
            .iter()
            .rposition(|opened| index.is_none() || *opened == index);
        if let Some((at, call)) = at.and_then(|at| Some((at, self.response.tool_calls.get_mut(at)?))) {
            call.arguments.push_str(&more);
            out.push_back(StreamEvent::ToolCall {
                index: at,
                name: String::new(),
                arguments: more,
            });
        }
    }

    /// A call's arguments are whole here, whatever the deltas said.
    fn item_done(
        &mut self,
        answer: &Answer,
        data: &[u8],
        event: Event<'_>,
        out: &mut VecDeque<StreamEvent>,
    ) -> Result<()> {
        if let Some(items) = &mut self.items {
            let mut whole = self.kept.verbatim(&self.peer, answer, data)?;
            items.extend(whole.get_mut("item").map(Value::take));
        }
        let Some(item) = event.item.filter(|item| item.kind.0 == "function_call") else {
            return Ok(());
        };
        let at = self.opened.iter().rposition(|opened| *opened == event.output_index);
        match at.and_then(|at| self.response.tool_calls.get_mut(at)) {
            Some(call) if !item.arguments.0.is_empty() => {
                self.kept.add(&self.peer, item.arguments.0.len())?;
                call.arguments = item.arguments.0;
            }
            Some(_) => {}
            None => self.open(event.output_index, item, out)?,
        }
        Ok(())
    }
}

//! Adds up what arrives, whole or in chunks.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use super::reply::{Call, Delta, Function, Reply};
use crate::http::{self, Answer, Kept, Peer, Told, error_told, malformed};
use crate::{Error, FinishReason, Result, StreamEvent, TextResponse, ToolCall, Verbatim};

#[derive(Debug)]
pub(in crate::providers) struct Fold {
    peer: Arc<Peer>,
    response: TextResponse,
    /// The index and the id each call was opened under.
    opened: Vec<(Option<usize>, Option<String>)>,
    saw_choice: bool,
    /// Thoughts that have to go back in a conversation with tools, `None` where there are no tools.
    thoughts: Option<Thoughts>,
    kept: Kept,
}

#[derive(Debug, Default)]
struct Thoughts {
    content: String,
    details: Vec<Value>,
}

type Out<'a> = Option<&'a mut VecDeque<StreamEvent>>;

fn emit(out: &mut Out<'_>, event: StreamEvent) {
    if let Some(out) = out {
        out.push_back(event);
    }
}

impl http::Fold for Fold {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn whole(&mut self, answer: &Answer, json: &[u8]) -> Result<()> {
        self.add(answer, json, None)
    }

    fn event(&mut self, answer: &Answer, data: &[u8], out: &mut VecDeque<StreamEvent>) -> Result<bool> {
        self.add(answer, data, Some(out)).map(|()| false)
    }

    fn has_finished(&self) -> bool {
        self.response.finish_raw.is_some()
    }

    fn response(self) -> Result<TextResponse> {
        self.summed_up()
    }
}

impl Fold {
    pub(in crate::providers) fn new(peer: Arc<Peer>, response: TextResponse, has_tools: bool) -> Self {
        Self {
            peer,
            response,
            opened: Vec::new(),
            saw_choice: false,
            thoughts: has_tools.then(Thoughts::default),
            kept: Kept::default(),
        }
    }

    /// One JSON text: a reply or a chunk. Pieces that a reader can already use go to `out`.
    fn add(&mut self, answer: &Answer, json: &[u8], mut out: Out<'_>) -> Result<()> {
        let reply: Reply<'_> = http::parse(&self.peer, answer, json)?;
        if let Some(told) = reply.error.and_then(Told::raw) {
            return Err(error_told(&self.peer, None, &answer.headers, told));
        }
        if let Some(model) = reply.model.get().filter(|model| *model != self.response.model) {
            model.clone_into(&mut self.response.model);
        }
        if let Some(usage) = reply.usage.or(reply.x_groq.and_then(|groq| groq.usage)) {
            // Cumulative where a server sends it more than once: the last one counts.
            self.response.usage = usage.into();
        }
        if reply.choices.0.is_none() && (reply.response.is_some() || reply.tool_calls.is_some()) {
            self.saw_choice = true;
            let delta = Delta {
                content: reply.response.unwrap_or_default(),
                tool_calls: reply.tool_calls,
                ..Delta::default()
            };
            self.delta(delta, &mut out)?;
        }
        if let Some(choice) = reply.choices.0 {
            self.saw_choice = true;
            if let Some(delta) = choice.said {
                self.delta(delta, &mut out)?;
            }
            if let Some(reason) = choice.finish_reason.get() {
                self.finish(reason.to_owned())?;
            }
        }
        Ok(())
    }

    fn delta(&mut self, delta: Delta<'_>, out: &mut Out<'_>) -> Result<()> {
        for thought in [delta.reasoning_content.0, delta.reasoning.0] {
            if !thought.is_empty() {
                if let Some(thoughts) = &mut self.thoughts {
                    self.kept.add(&self.peer, thought.len())?;
                    thoughts.content.push_str(&thought);
                }
                emit(out, StreamEvent::Reasoning(thought));
            }
        }
        if let (Some(thoughts), Some(details)) = (&mut self.thoughts, delta.reasoning_details) {
            thoughts.details.extend(self.kept.list(&self.peer, details.get())?);
        }
        if let Some(words) = delta.refusal.get() {
            self.kept.add(&self.peer, words.len())?;
            self.response.refusal.get_or_insert_default().push_str(words);
        }
        for call in delta.tool_calls.into_iter().flatten() {
            self.call(call, out)?;
        }
        if let Some(function) = delta.function_call {
            let call = Call {
                index: Some(0),
                function: Some(*function),
                ..Call::default()
            };
            self.call(call, out)?;
        }
        let text = delta.content.0;
        if !text.is_empty() {
            self.kept.add(&self.peer, text.len())?;
            if out.is_none() && self.response.text.is_empty() {
                // A whole answer is not copied.
                self.response.text = text;
            } else {
                self.response.text.push_str(&text);
                emit(out, StreamEvent::Text(text));
            }
        }
        Ok(())
    }

    /// Opens a call or adds to one. Servers leave out index or id, and put several calls under index 0.
    fn call(&mut self, call: Call<'_>, out: &mut Out<'_>) -> Result<()> {
        let id = call.id.get().map(str::to_owned);
        // Without a function around it a call comes whole.
        let is_flat = call.function.is_none() && call.name.get().is_some();
        let known = self.opened.iter().rposition(|(index, opened)| match (&id, opened) {
            (Some(id), Some(opened)) => id == opened,
            _ if is_flat => false,
            _ => call.index.is_none() || call.index == *index,
        });
        let flat = Function {
            name: call.name,
            arguments: call.arguments,
        };
        let Function { name, arguments } = call.function.unwrap_or(flat);
        let size = name.0.len() + arguments.0.len();
        match known {
            Some(_) => self.kept.add(&self.peer, size)?,
            None => self.kept.piece(&self.peer, size + id.as_ref().map_or(0, String::len))?,
        }
        let at = known.unwrap_or_else(|| {
            let made_up = || format!("call_{}", self.opened.len());
            let named = ToolCall::new(id.clone().unwrap_or_else(made_up), "", "");
            self.response.tool_calls.push(named);
            self.opened.push((call.index, id));
            self.opened.len() - 1
        });
        if let Some(open) = self.response.tool_calls.get_mut(at) {
            // Later deltas repeat the name, or send an empty one.
            let name = if open.name.is_empty() {
                name.into_owned()
            } else {
                String::new()
            };
            open.name.push_str(&name);
            open.arguments.push_str(&arguments.0);
            let (index, arguments) = (at, arguments.0);
            if !name.is_empty() || !arguments.is_empty() {
                emit(out, StreamEvent::ToolCall { index, name, arguments });
            }
        }
        Ok(())
    }

    fn finish(&mut self, reason: String) -> Result<()> {
        self.response.finish = match reason.as_str() {
            "stop" => FinishReason::Stop,
            "length" | "model_length" => FinishReason::Length,
            "tool_calls" | "function_call" => FinishReason::ToolCalls,
            "content_filter" => FinishReason::ContentFilter,
            // OpenRouter and Mistral; DeepSeek.
            "error" | "insufficient_system_resource" => {
                let message = format!("{}: the model stopped: {reason}", self.peer.host);
                return Err(Error::Unavailable(self.peer.failure(message).boxed()));
            }
            _ => FinishReason::Other(reason.clone()),
        };
        self.response.finish_raw = Some(reason);
        Ok(())
    }

    fn summed_up(mut self) -> Result<TextResponse> {
        let response = &mut self.response;
        if !self.saw_choice {
            return Err(malformed(&self.peer, "the reply has no choice"));
        }
        if response.finish_raw.is_none() {
            response.finish = FinishReason::Unspecified;
        }
        if response.refusal.is_some() {
            response.finish = FinishReason::ContentFilter;
        } else if !response.tool_calls.is_empty()
            && matches!(response.finish, FinishReason::Stop | FinishReason::Unspecified)
        {
            response.finish = FinishReason::ToolCalls;
        }
        let explained = matches!(response.finish, FinishReason::Length | FinishReason::ContentFilter);
        if response.text.is_empty() && response.tool_calls.is_empty() && !explained {
            return Err(malformed(&self.peer, "the reply holds no answer"));
        }
        response.verbatim = self.thoughts.and_then(|thoughts| thoughts.turn(&self.peer, response));
        Ok(self.response)
    }
}

impl Thoughts {
    /// The turn with its thoughts, as DeepSeek and OpenRouter want it back between tool calls.
    fn turn(self, peer: &Peer, response: &TextResponse) -> Option<Box<Verbatim>> {
        if response.tool_calls.is_empty() || (self.content.is_empty() && self.details.is_empty()) {
            return None;
        }
        let calls = response.tool_calls.iter().map(|call| {
            let function = json!({ "name": call.name, "arguments": call.arguments });
            json!({ "id": call.id, "type": "function", "function": function })
        });
        let mut turn =
            json!({ "role": "assistant", "content": response.text, "tool_calls": calls.collect::<Vec<_>>() });
        if self.details.is_empty() {
            turn["reasoning_content"] = Value::String(self.content);
        } else {
            turn["reasoning_details"] = Value::Array(self.details);
        }
        Some(Box::new(Verbatim::new(super::dialect_of(&peer.provider), turn)))
    }
}

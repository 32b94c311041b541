//! Adds up what arrives, whole or in chunks, so that the two ways cannot drift apart.

use super::reply::{Call, Delta, Function, Reply};
use crate::http::{Answer, Peer, Told, error_told, malformed, not_understood};
use crate::{Error, Failure, FinishReason, Result, StreamEvent, TextResponse, ToolCall};

/// An answer longer than this is broken or hostile; a whole body has the same bound.
const MAX_TEXT: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Fold {
    peer: Peer,
    response: TextResponse,
    /// The index and the id each call was opened under.
    opened: Vec<(Option<usize>, Option<String>)>,
    saw_choice: bool,
}

impl Fold {
    pub(super) fn new(peer: Peer, response: TextResponse) -> Self {
        Self {
            peer,
            response,
            opened: Vec::new(),
            saw_choice: false,
        }
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether the provider said why the answer ended.
    pub(super) fn has_finished(&self) -> bool {
        self.response.finish_raw.is_some()
    }

    /// A body that holds everything.
    pub(super) fn whole(mut self, answer: &Answer, body: &[u8]) -> Result<TextResponse> {
        self.add(answer, body, |_| {})?;
        self.response()
    }

    /// One JSON text: a reply or a chunk. Pieces that a reader can already use go to `emit`.
    pub(super) fn add(&mut self, answer: &Answer, json: &[u8], mut emit: impl FnMut(StreamEvent)) -> Result<()> {
        let reply: Reply = match serde_json::from_slice(json) {
            Ok(reply) => reply,
            Err(error) => {
                // An error may have a shape of its own: `[{"error": ..}]`, `{"message": ..}`.
                let told = serde_json::from_slice(json).ok().and_then(|json| Told::find(&json));
                return Err(match told {
                    Some(told) => error_told(&self.peer, None, &answer.headers, told),
                    None => not_understood(&self.peer, answer.content_type(), json, &error),
                });
            }
        };
        if let Some(told) = reply.error.as_ref().and_then(Told::of) {
            return Err(error_told(&self.peer, None, &answer.headers, told));
        }
        if let Some(model) = reply.model.filter(|model| !model.is_empty()) {
            self.response.model = model;
        }
        if let Some(usage) = reply.usage.or(reply.x_groq.and_then(|groq| groq.usage)) {
            // Cumulative where a server sends it more than once: the last one counts.
            self.response.usage = usage.into();
        }
        // One choice is asked for; a server that sends more is read by its first.
        if let Some(choice) = reply.choices.and_then(|choices| choices.into_iter().next()) {
            self.saw_choice = true;
            if let Some(delta) = choice.message.or(choice.delta) {
                self.delta(delta, &mut emit)?;
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.finish(reason)?;
            }
        }
        Ok(())
    }

    fn delta(&mut self, delta: Delta, emit: &mut impl FnMut(StreamEvent)) -> Result<()> {
        for thought in [delta.reasoning_content.0, delta.reasoning.0] {
            if !thought.is_empty() {
                emit(StreamEvent::Reasoning(thought));
            }
        }
        if let Some(words) = delta.refusal.filter(|words| !words.is_empty()) {
            self.response.refusal.get_or_insert_default().push_str(&words);
        }
        for call in delta.tool_calls.into_iter().flatten() {
            self.call(call);
        }
        if let Some(function) = delta.function_call {
            self.call(Call {
                index: Some(0),
                id: None,
                function: Some(function),
            });
        }
        let text = delta.content.0;
        if !text.is_empty() {
            self.response.text.push_str(&text);
            emit(StreamEvent::Text(text));
        }
        let called: usize = self.response.tool_calls.iter().map(|call| call.arguments.len()).sum();
        if self.response.text.len() + called > MAX_TEXT {
            return Err(malformed(&self.peer, "the answer is larger than 16 MiB"));
        }
        Ok(())
    }

    /// Opens a call or adds to one. Servers leave out index or id, and put several calls under index 0.
    fn call(&mut self, call: Call) {
        let id = call.id.filter(|id| !id.is_empty());
        let known = self.opened.iter().rposition(|(index, opened)| match (&id, opened) {
            (Some(id), Some(opened)) => id == opened,
            _ => call.index.is_none() || call.index == *index,
        });
        let Function { name, arguments } = call.function.unwrap_or(Function {
            name: None,
            arguments: super::reply::Text::default(),
        });
        let at = known.unwrap_or_else(|| {
            let made_up = || format!("call_{}", self.opened.len());
            let named = ToolCall::new(id.clone().unwrap_or_else(made_up), "", "");
            self.response.tool_calls.push(named);
            self.opened.push((call.index, id));
            self.opened.len() - 1
        });
        if let Some(open) = self.response.tool_calls.get_mut(at) {
            // Later deltas repeat the name, or send an empty one.
            if let Some(name) = name.filter(|_| open.name.is_empty()) {
                open.name = name;
            }
            open.arguments.push_str(&arguments.0);
        }
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
                return Err(Error::Unavailable(Failure::new(&self.peer.provider, message).boxed()));
            }
            _ => FinishReason::Other(reason.clone()),
        };
        self.response.finish_raw = Some(reason);
        Ok(())
    }

    /// The whole answer.
    pub(super) fn response(mut self) -> Result<TextResponse> {
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
        Ok(self.response)
    }
}

//! Adds up what arrives, whole or in events.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use super::DIALECT;
use super::reply::{Call, Part, Reply};
use crate::http::{self, Answer, Kept, Peer, Told, error_told, malformed};
use crate::{Error, FinishReason, Result, StreamEvent, TextResponse, ToolCall, Verbatim};

#[derive(Debug)]
pub(super) struct Fold {
    peer: Arc<Peer>,
    response: TextResponse,
    /// The parts as they came, for a conversation with tools; `None` where there are no tools.
    parts: Option<Vec<Value>>,
    is_signed: bool,
    saw_candidate: bool,
    kept: Kept,
}

impl http::Fold for Fold {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn whole(&mut self, answer: &Answer, json: &[u8]) -> Result<()> {
        self.add(answer, json, None)
    }

    fn event(&mut self, answer: &Answer, data: &[u8], out: &mut VecDeque<StreamEvent>) -> Result<bool> {
        // There is no terminal event: the connection closes after a finish reason.
        self.add(answer, data, Some(out)).map(|()| false)
    }

    fn has_finished(&self) -> bool {
        self.response.finish_raw.is_some()
    }

    fn response(mut self) -> Result<TextResponse> {
        let response = &mut self.response;
        if !self.saw_candidate {
            return Err(malformed(&self.peer, "the reply has no candidate"));
        }
        if response.finish_raw.is_none() {
            response.finish = FinishReason::Unspecified;
        }
        // Calls come with `STOP`.
        if !response.tool_calls.is_empty() && matches!(response.finish, FinishReason::Stop | FinishReason::Unspecified)
        {
            response.finish = FinishReason::ToolCalls;
        }
        let explained = !matches!(response.finish, FinishReason::Stop | FinishReason::Unspecified);
        if response.text.is_empty() && response.tool_calls.is_empty() && !explained {
            return Err(malformed(&self.peer, "the reply holds no answer"));
        }
        let parts = self
            .parts
            .filter(|_| self.is_signed || response.finish == FinishReason::Pause);
        response.verbatim = parts.map(|parts| Box::new(Verbatim::new(DIALECT, Value::Array(parts))));
        Ok(self.response)
    }
}

impl Fold {
    pub(super) fn new(peer: Arc<Peer>, response: TextResponse, has_tools: bool) -> Self {
        Self {
            peer,
            response,
            parts: has_tools.then(Vec::new),
            is_signed: false,
            saw_candidate: false,
            kept: Kept::default(),
        }
    }

    fn add(&mut self, answer: &Answer, json: &[u8], mut out: Option<&mut VecDeque<StreamEvent>>) -> Result<()> {
        let reply: Reply<'_> = http::parse(&self.peer, answer, json)?;
        if let Some(told) = reply.error.and_then(Told::raw) {
            return Err(error_told(&self.peer, None, &answer.headers, told));
        }
        if let Some(model) = reply.model_version.get().filter(|model| *model != self.response.model) {
            model.clone_into(&mut self.response.model);
        }
        if let Some(id) = reply.response_id.get().filter(|_| self.response.request_id.is_none()) {
            self.response.request_id = Some(id.to_owned());
        }
        if let Some(usage) = reply.usage_metadata {
            // Repeated and cumulative: the last one counts.
            self.response.usage = usage.into();
        }
        if let Some(feedback) = reply.prompt_feedback
            && let Some(reason) = feedback.block_reason.get()
        {
            self.saw_candidate = true;
            let words = feedback.block_reason_message.get().unwrap_or(reason);
            self.refuse(reason, words);
        }
        let Some(candidate) = reply.candidates.0 else {
            return Ok(());
        };
        self.saw_candidate = true;
        if self.parts.is_some() {
            let mut whole = self.kept.verbatim(&self.peer, answer, json)?;
            if let (Some(parts), Some(Value::Array(more))) = (
                &mut self.parts,
                whole.pointer_mut("/candidates/0/content/parts").map(Value::take),
            ) {
                parts.extend(more);
            }
        }
        for part in candidate
            .content
            .and_then(|content| content.parts)
            .into_iter()
            .flatten()
        {
            self.part(part, &mut out)?;
        }
        if let Some(reason) = candidate.finish_reason.get() {
            let words = candidate.finish_message.get().unwrap_or(reason);
            self.finish(reason, words)?;
        }
        Ok(())
    }

    fn part(&mut self, part: Part<'_>, out: &mut Option<&mut VecDeque<StreamEvent>>) -> Result<()> {
        self.is_signed |= part.thought_signature.get().is_some();
        match &part.function_call {
            Some(call) => (self.kept).piece(&self.peer, call.args.0.len() + call.name.0.len() + call.id.0.len())?,
            None => self.kept.add(&self.peer, part.text.0.len())?,
        }
        let mut emit = |event| {
            if let Some(out) = out {
                out.push_back(event);
            }
        };
        if let Some(Call { id, name, args }) = part.function_call {
            let index = self.response.tool_calls.len();
            let id = id.get().map_or_else(|| format!("call_{index}"), str::to_owned);
            let arguments = if args.0.is_empty() { "{}".to_owned() } else { args.0 };
            let call = ToolCall::new(id, name.into_owned(), arguments);
            let (name, arguments) = (call.name.clone(), call.arguments.clone());
            emit(StreamEvent::ToolCall { index, name, arguments });
            self.response.tool_calls.push(call);
        } else if !part.text.0.is_empty() {
            if part.thought {
                emit(StreamEvent::Reasoning(part.text.0));
            } else {
                self.response.text.push_str(&part.text.0);
                emit(StreamEvent::Text(part.text.0));
            }
        }
        Ok(())
    }

    fn refuse(&mut self, reason: &str, words: &str) {
        self.response.finish = FinishReason::ContentFilter;
        self.response.finish_raw = Some(reason.to_owned());
        self.response.refusal = Some(words.to_owned());
    }

    fn finish(&mut self, reason: &str, words: &str) -> Result<()> {
        let failure = || {
            let message = format!("{}: the model stopped: {words}", self.peer.host);
            self.peer
                .failure(message)
                .code(Some(self.peer.hide(reason).into_owned()))
                .boxed()
        };
        self.response.finish = match reason {
            "STOP" => FinishReason::Stop,
            "MAX_TOKENS" => FinishReason::Length,
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION" => {
                self.refuse(reason, words);
                return Ok(());
            }
            // The model's own call did not fit; a fresh attempt may.
            "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "TOO_MANY_TOOL_CALLS" | "MALFORMED_RESPONSE" => {
                return Err(Error::Malformed(failure()));
            }
            "OTHER" => return Err(Error::Unavailable(failure())),
            "CONTINUATION" => FinishReason::Pause,
            _ => FinishReason::Other(reason.to_owned()),
        };
        self.response.finish_raw = Some(reason.to_owned());
        Ok(())
    }
}

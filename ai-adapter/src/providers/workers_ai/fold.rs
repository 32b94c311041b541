//! Reads a result in whichever of three shapes the model gives it.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::http::{self, Answer, Peer, Told, error_told};
use crate::providers::openai::{chat, responses};
use crate::{FinishReason, Result, StreamEvent, TextRequest, TextResponse, ToolChoice};

/// REST wraps the result; the binding and AI Gateway may not.
#[derive(Debug, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    success: Option<bool>,
}

/// What tells the Responses API's shape from the others.
#[derive(Debug, Deserialize)]
struct Shape<'a> {
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    kind: http::Word<'a>,
    #[serde(default)]
    choices: Option<IgnoredAny>,
}

#[derive(Debug)]
enum Inner {
    Chat(Box<chat::Fold>),
    Responses(Box<responses::Fold>),
}

#[derive(Debug)]
pub(super) struct Fold {
    peer: Arc<Peer>,
    /// Until the first body or event shows the shape.
    fresh: Option<(TextResponse, bool)>,
    inner: Option<Inner>,
    limit: u32,
    is_forced: bool,
}

impl Fold {
    pub(super) fn new(peer: Arc<Peer>, response: TextResponse, request: &TextRequest, limit: u32) -> Self {
        Self {
            peer,
            fresh: Some((response, !request.tools.is_empty())),
            inner: None,
            limit,
            is_forced: matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_)),
        }
    }

    /// The fold for the shape of `json`, which the first body or event decides.
    fn inner(&mut self, json: &[u8]) -> &mut Inner {
        let fresh = self.fresh.take();
        self.inner.get_or_insert_with(|| {
            let (response, has_tools) = fresh.unwrap_or_default();
            let peer = self.peer.clone();
            match serde_json::from_slice::<Shape<'_>>(json) {
                Ok(Shape {
                    output,
                    kind,
                    choices: None,
                }) if output.is_some() || kind.0.starts_with("response.") => {
                    Inner::Responses(Box::new(responses::Fold::new(peer, response, has_tools)))
                }
                _ => Inner::Chat(Box::new(chat::Fold::new(peer, response, has_tools))),
            }
        })
    }
}

impl http::Fold for Fold {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn whole(&mut self, answer: &Answer, json: &[u8]) -> Result<()> {
        let envelope: Envelope<'_> = http::parse(&self.peer, answer, json)?;
        if envelope.success == Some(false) {
            let told = Told::in_json(json).unwrap_or_else(|| Told::text("the run failed without details"));
            return Err(error_told(&self.peer, None, &answer.headers, told));
        }
        let json = envelope.result.map_or(json, |result| result.get().as_bytes());
        match self.inner(json) {
            Inner::Chat(fold) => fold.whole(answer, json),
            Inner::Responses(fold) => fold.whole(answer, json),
        }
    }

    fn event(&mut self, answer: &Answer, data: &[u8], out: &mut VecDeque<StreamEvent>) -> Result<bool> {
        match self.inner(data) {
            Inner::Chat(fold) => fold.event(answer, data, out),
            Inner::Responses(fold) => fold.event(answer, data, out),
        }
    }

    fn has_finished(&self) -> bool {
        match &self.inner {
            Some(Inner::Chat(fold)) => fold.has_finished(),
            Some(Inner::Responses(fold)) => fold.has_finished(),
            None => false,
        }
    }

    fn response(self) -> Result<TextResponse> {
        let mut response = match self.inner {
            Some(Inner::Chat(fold)) => fold.response(),
            Some(Inner::Responses(fold)) => fold.response(),
            None => Err(http::malformed(&self.peer, "the reply holds nothing")),
        }?;
        let written = response.usage.output_tokens;
        if response.finish == FinishReason::Unspecified && written.is_some_and(|tokens| tokens >= self.limit.into()) {
            response.finish = FinishReason::Length;
        }
        if self.is_forced && response.tool_calls.is_empty() {
            let warning = "the model called no tool although one was forced";
            response.warnings.push(warning.to_owned());
        }
        Ok(response)
    }
}

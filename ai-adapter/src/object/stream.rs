//! A typed answer while it arrives.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{self, Stream, StreamExt};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::validate::Validator;
use super::{Object, Rung, check, decode, extract, read, tolerant, unfit, with_attempts};
use crate::{
    Error, Failure, LanguageModel, ResponseSchema, Result, StreamEvent, TextRequest, TextResponse, TextStream,
};

/// A text is read again when it grew by so many bytes, and by this part of its length: else a long answer would be read as often as
/// it has pieces.
const STEP: usize = 24;
const PART: usize = 64;

/// What arrives of a typed answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ObjectEvent<T> {
    /// What there is so far: fields may be missing, the last text and list may be shorter than in the end, and nothing is
    /// validated. It is given when it changed.
    Partial(Value),
    /// The end: the validated answer. Nothing follows.
    Done(Box<Object<T>>),
}

/// The events of a typed answer, ending in one [`ObjectEvent::Done`] or in one error. Dropping it ends the request.
pub struct ObjectStream<T>(Pin<Box<dyn Stream<Item = Result<ObjectEvent<T>>> + Send>>);

impl<T> Stream for ObjectStream<T> {
    type Item = Result<ObjectEvent<T>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for ObjectStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectStream(..)")
    }
}

struct State {
    stream: Option<TextStream>,
    schema: ResponseSchema,
    rung: Rung,
    validator: Validator,
    text: String,
    read_at: usize,
    last: Option<Value>,
}

pub(crate) async fn stream<T>(model: &dyn LanguageModel, request: &TextRequest) -> Result<ObjectStream<T>>
where
    T: JsonSchema + DeserializeOwned + Send + 'static,
{
    let mut schema = ResponseSchema::of::<T>();
    if let Some(named) = &request.schema {
        schema.name.clone_from(&named.name);
    }
    let validator = check(model.provider(), request, &schema)?;
    let rung = Rung::of(model.capabilities());
    let stream = model.stream(&rung.phrase(request, &schema)).await?;
    let state = State {
        stream: Some(stream),
        schema,
        rung,
        validator,
        text: String::new(),
        read_at: 0,
        last: None,
    };
    Ok(ObjectStream(Box::pin(stream::unfold(
        Box::new(state),
        |mut state| async move {
            let event = state.next().await?;
            Some((event, state))
        },
    ))))
}

impl State {
    async fn next<T: DeserializeOwned + Send>(&mut self) -> Option<Result<ObjectEvent<T>>> {
        loop {
            let event = self.stream.as_mut()?.next().await;
            let piece = match event {
                Some(Ok(StreamEvent::Text(piece))) => piece,
                Some(Ok(StreamEvent::ToolCall {
                    index: 0, arguments, ..
                })) if self.rung == Rung::ForcedTool => arguments,
                Some(Ok(StreamEvent::Done(response))) => {
                    self.stream = None;
                    return Some(self.done(*response));
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => {
                    self.stream = None;
                    return Some(Err(error));
                }
                None => {
                    self.stream = None;
                    let failure = Failure::new("stream", "the stream ended without its last event");
                    return Some(Err(Error::Incomplete(failure.boxed())));
                }
            };
            self.text.push_str(&piece);
            if let Some(value) = self.partial() {
                return Some(Ok(ObjectEvent::Partial(value)));
            }
        }
    }

    fn partial(&mut self) -> Option<Value> {
        let grown = self.text.len() - self.read_at;
        if grown < STEP || grown < self.text.len() / PART {
            return None;
        }
        self.read_at = self.text.len();
        let text = extract::after_thought(&self.text);
        let (mut value, _) = tolerant::object(text.get(text.find('{')?..)?)?;
        decode::restore(&mut value, &self.schema.schema);
        if self.last.as_ref() == Some(&value) {
            return None;
        }
        self.last = Some(value.clone());
        Some(value)
    }

    fn done<T: DeserializeOwned + Send>(&self, mut response: TextResponse) -> Result<ObjectEvent<T>> {
        let attempts = std::mem::take(&mut response.attempts);
        if let Some(error) = unfit(&response) {
            return Err(with_attempts(error, attempts));
        }
        let mut value = None;
        let mut accept = |json| match serde_json::from_value(json) {
            Ok(decoded) => {
                value = Some(decoded);
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        };
        let answer = self.rung.answer(&response, &self.schema);
        let errors = match read(answer, &self.validator, &self.schema.schema, &mut accept) {
            Ok(()) => Vec::new(),
            Err(errors) => errors,
        };
        match value {
            Some(value) => {
                response.attempts = attempts;
                Ok(ObjectEvent::Done(Box::new(Object {
                    value,
                    usage: response.usage,
                    response,
                    repairs: 0,
                })))
            }
            None => {
                let message = format!("the answer does not fit schema `{}`", self.schema.name);
                let failure = Failure::new(&response.provider, message).request_id(response.request_id);
                let failure = failure.boxed();
                Err(with_attempts(Error::InvalidObject { failure, errors }, attempts))
            }
        }
    }
}

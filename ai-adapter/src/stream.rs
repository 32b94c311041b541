//! An answer that arrives piece by piece.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{Stream, StreamExt};

use crate::ledger::{enter, enter_error, prepend_to};
use crate::{Attempt, Error, Failure, LanguageModel, Result, TextRequest, TextResponse};

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StreamEvent {
    /// More text of the answer.
    Text(String),
    /// More text of what a reasoning model thinks; no part of the answer.
    Reasoning(String),
    /// More of the arguments of a tool call: JSON, not yet whole.
    ToolCall {
        /// Which call of the answer, from 0.
        index: usize,
        /// The tool's name, in the first piece of a call; empty in the others.
        name: String,
        /// More of its arguments.
        arguments: String,
    },
    /// Nothing but a sign of life; what guards a stream against silence counts it.
    Ping,
    /// The end: the whole answer, as `generate` gives it. Nothing follows.
    Done(Box<TextResponse>),
}

/// The pieces of an answer, ending in one [`StreamEvent::Done`] or in one error.
///
/// Dropping it ends the request.
pub struct TextStream(Pin<Box<dyn Stream<Item = Result<StreamEvent>> + Send>>);

impl TextStream {
    /// Wraps a stream that keeps the contract: pieces, then one `Done` or one error, then nothing.
    pub fn new(stream: impl Stream<Item = Result<StreamEvent>> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }

    /// Reads to the end and returns the whole answer.
    ///
    /// # Errors
    /// The stream's own, or [`Error::Incomplete`] when it ends without `Done`.
    pub async fn response(mut self) -> Result<TextResponse> {
        while let Some(event) = self.next().await {
            if let StreamEvent::Done(response) = event? {
                return Ok(*response);
            }
        }
        Err(Error::Incomplete(
            Failure::new("stream", "the stream ended without its last event").boxed(),
        ))
    }
}

/// Opens a stream and waits for its first event that says something, so that a failure before any output is an error
/// here, where it can still be repeated elsewhere.
pub(crate) async fn open<M: LanguageModel + ?Sized>(model: &M, request: &TextRequest) -> Result<TextStream> {
    let mut stream = model.stream(request).await?;
    loop {
        match stream.next().await {
            Some(Ok(StreamEvent::Ping)) => {}
            Some(Ok(first)) => return Ok(TextStream::new(futures_util::stream::iter([Ok(first)]).chain(stream))),
            Some(Err(error)) => return Err(error),
            None => {
                let failure = Failure::new(model.provider(), "the stream ended before it began");
                return Err(Error::Incomplete(failure.boxed()));
            }
        }
    }
}

/// Shows every event to `see` on its way. What `see` owns lives as long as the stream does.
pub(crate) fn watched(
    stream: TextStream,
    mut see: impl FnMut(&mut Result<StreamEvent>) + Send + 'static,
) -> TextStream {
    TextStream::new(stream.map(move |mut event| {
        see(&mut event);
        event
    }))
}

/// Puts earlier attempts in front of the ledger the stream ends with, on success and on failure.
pub(crate) fn with_earlier(stream: TextStream, earlier: Vec<Attempt>) -> TextStream {
    if earlier.is_empty() {
        return stream;
    }
    let mut earlier = Some(earlier);
    watched(stream, move |event| match event {
        Ok(StreamEvent::Done(response)) => prepend_to(&mut response.attempts, earlier.take().unwrap_or_default()),
        Err(error) => prepend_to(&mut error.failure_mut().attempts, earlier.take().unwrap_or_default()),
        Ok(_) => {}
    })
}

/// An answer as the stream it might have been.
pub(crate) fn replayed(response: TextResponse) -> TextStream {
    let mut events = Vec::new();
    if !response.text.is_empty() {
        events.push(Ok(StreamEvent::Text(response.text.clone())));
    }
    for (index, call) in response.tool_calls.iter().enumerate() {
        events.push(Ok(StreamEvent::ToolCall {
            index,
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        }));
    }
    events.push(Ok(StreamEvent::Done(Box::new(response))));
    TextStream::new(futures_util::stream::iter(events))
}

/// Enters one attempt into the ledger the stream ends with.
pub(crate) fn recorded(
    stream: impl Stream<Item = Result<StreamEvent>> + Send + 'static,
    attempt: impl Fn() -> Attempt + Send + 'static,
) -> TextStream {
    TextStream::new(stream.map(move |event| match event {
        Ok(StreamEvent::Done(response)) => {
            let mut result = Ok(*response);
            enter(&mut result, &attempt);
            result.map(|response| StreamEvent::Done(Box::new(response)))
        }
        Err(mut error) => {
            enter_error(&mut error, &attempt);
            Err(error)
        }
        piece => piece,
    }))
}

impl Stream for TextStream {
    type Item = Result<StreamEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for TextStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextStream(..)")
    }
}

const _: fn() = || {
    fn assert<T: Send>() {}
    assert::<TextStream>();
};

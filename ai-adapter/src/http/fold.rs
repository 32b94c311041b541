//! Reads an answer, whole or streamed, through one fold, so that the two ways cannot drift apart.

use std::collections::VecDeque;

use futures_util::stream::{self, Stream};

use super::{Answer, Peer, Told, error_told, hide_in, malformed, not_understood, read, transport};
use crate::sse::Decoder;
use crate::{Error, Result, StreamEvent, TextResponse};

/// An answer longer than this is broken or hostile; a whole body has the same bound.
pub(crate) const MAX_TEXT: usize = 16 * 1024 * 1024;

/// Adds up what a provider sends.
pub(crate) trait Fold: Send + Sync + 'static {
    /// Who answers.
    fn peer(&self) -> &Peer;

    /// One body that holds everything.
    fn whole(&mut self, answer: &Answer, json: &[u8]) -> Result<()>;

    /// The data of one event; what a reader can already use goes to `out`. True when it was the terminal one.
    fn event(&mut self, answer: &Answer, data: &[u8], out: &mut VecDeque<StreamEvent>) -> Result<bool>;

    /// Whether the provider said why the answer ended: then the end of the bytes is no truncation.
    fn has_finished(&self) -> bool;

    /// The whole answer.
    fn response(self) -> Result<TextResponse>;
}

/// Parses the object in `json`, or finds the error it tells of instead.
pub(crate) fn parse<'a, T: serde::Deserialize<'a>>(peer: &Peer, answer: &Answer, json: &'a [u8]) -> Result<T> {
    // A struct would also be read from a list, field by field.
    let is_object = json.trim_ascii_start().first() == Some(&b'{');
    let parsed = match std::str::from_utf8(json) {
        _ if !is_object => Err(serde::de::Error::custom("an object was expected")),
        // Checked at once, not string by string.
        Ok(text) => serde_json::from_str(text),
        Err(_) => Err(serde::de::Error::custom("JSON is UTF-8")),
    };
    parsed.map_err(|error: serde_json::Error| {
        // An error may have a shape of its own: `[{"error": ..}]`, `{"message": ..}`.
        let told = Told::in_json(json);
        match told {
            Some(told) => error_told(peer, None, &answer.headers, told),
            None => not_understood(peer, answer.content_type(), json, &error),
        }
    })
}

/// The answer in one body.
#[cfg(any(feature = "anthropic", feature = "gemini", feature = "workers-ai"))]
pub(crate) async fn whole<F: Fold>(mut answer: Answer, fold: F) -> Result<TextResponse> {
    let body = read(fold.peer(), &mut answer.body).await?;
    whole_of(&answer, &body, fold)
}

/// The answer in a body that was read.
pub(crate) fn whole_of<F: Fold>(answer: &Answer, body: &[u8], mut fold: F) -> Result<TextResponse> {
    fold.whole(answer, body)?;
    summed_up(fold)
}

/// The whole answer, with no secret in what is said about it.
fn summed_up<F: Fold>(fold: F) -> Result<TextResponse> {
    let secrets = fold.peer().secrets.clone();
    let mut response = fold.response()?;
    hide_in(&secrets, &mut response);
    Ok(response)
}

struct State<F> {
    answer: Answer,
    /// The server sends one body although a stream was asked for.
    is_whole: bool,
    decoder: Decoder,
    /// Taken when the answer is complete or failed: nothing follows.
    fold: Option<F>,
    ready: VecDeque<StreamEvent>,
    /// What ends the stream when `ready` is empty.
    failed: Option<Error>,
}

/// The events of a streamed answer.
pub(crate) fn events<F: Fold>(answer: Answer, fold: F) -> impl Stream<Item = Result<StreamEvent>> + Send + 'static {
    let is_whole = !is_stream(answer.content_type());
    // Boxed: it moves with every event.
    let state = Box::new(State {
        answer,
        is_whole,
        decoder: Decoder::default(),
        fold: Some(fold),
        ready: VecDeque::new(),
        failed: None,
    });
    stream::unfold(state, |mut state| async move {
        let event = state.next().await?;
        Some((event, state))
    })
}

/// Whether a content type is that of events, in any spelling; a server that names none sends what was asked for.
pub(crate) fn is_stream(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let suffix = kind
        .len()
        .checked_sub("event-stream".len())
        .and_then(|from| kind.get(from..));
    kind.is_empty() || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("event-stream"))
}

impl<F: Fold> State<F> {
    async fn next(&mut self) -> Option<Result<StreamEvent>> {
        loop {
            // What came before an error is passed on before it.
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            if let Some(error) = self.failed.take() {
                return Some(Err(error));
            }
            self.fold.as_ref()?;
            if let Err(error) = self.read().await {
                self.fold = None;
                self.failed = Some(error);
            }
        }
    }

    /// Reads on until there is something to pass on, or the end.
    async fn read(&mut self) -> Result<()> {
        let Some(fold) = &self.fold else {
            return Ok(());
        };
        if self.is_whole {
            return self.whole().await;
        }
        match self.answer.body.chunk().await {
            Ok(Some(bytes)) => {
                self.decoder.feed(&bytes);
                if self.drain(false)? {
                    self.done()?;
                } else if self.ready.is_empty() {
                    // Comments and events without text show that the server lives.
                    self.ready.push_back(StreamEvent::Ping);
                }
                Ok(())
            }
            Ok(None) => {
                let ended = self.drain(true)?;
                match &self.fold {
                    Some(fold) if !ended && !fold.has_finished() => Err(cut(fold.peer())),
                    _ => self.done(),
                }
            }
            // After a finish reason only the usage can be missing.
            Err(_) if fold.has_finished() => self.done(),
            Err(error) => Err(transport(fold.peer(), error)),
        }
    }

    /// Folds every event that is complete; true when the terminal one was among them.
    fn drain(&mut self, at_end: bool) -> Result<bool> {
        let Some(fold) = &mut self.fold else {
            return Ok(false);
        };
        let mut flushed = !at_end;
        loop {
            let next = match self.decoder.next() {
                // The borrow of a handed-out event ends here, so that `finish` may follow.
                Ok(None) if !flushed => {
                    flushed = true;
                    self.decoder.finish()
                }
                next => next,
            };
            let data = match next {
                Ok(Some(data)) => data,
                Ok(None) => return Ok(false),
                Err(_) => return Err(malformed(fold.peer(), "an event of the stream is too long")),
            };
            if data == b"[DONE]" || (!data.is_empty() && fold.event(&self.answer, data, &mut self.ready)?) {
                return Ok(true);
            }
        }
    }

    /// The server answered at once although a stream was asked for.
    async fn whole(&mut self) -> Result<()> {
        let Some(mut fold) = self.fold.take() else {
            return Ok(());
        };
        let body = read(fold.peer(), &mut self.answer.body).await?;
        fold.whole(&self.answer, &body)?;
        let response = summed_up(fold)?;
        if !response.text.is_empty() {
            self.ready.push_back(StreamEvent::Text(response.text.clone()));
        }
        self.ready.push_back(StreamEvent::Done(Box::new(response)));
        Ok(())
    }

    fn done(&mut self) -> Result<()> {
        if let Some(fold) = self.fold.take() {
            self.ready.push_back(StreamEvent::Done(Box::new(summed_up(fold)?)));
        }
        Ok(())
    }
}

fn cut(peer: &Peer) -> Error {
    let message = format!("{}: the stream ended before the answer did", peer.host);
    Error::Incomplete(peer.failure(message).boxed())
}

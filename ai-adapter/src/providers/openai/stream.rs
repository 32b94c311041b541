//! The stream of chunks.

use std::collections::VecDeque;

use futures_util::stream::{self, Stream};

use super::fold::Fold;
use crate::http::{self, Answer, Peer, malformed};
use crate::sse::Decoder;
use crate::{Error, Failure, Result, StreamEvent};

struct State {
    answer: Answer,
    /// The server sends one body although a stream was asked for.
    is_whole: bool,
    decoder: Decoder,
    /// Taken when the answer is complete or failed: nothing follows.
    fold: Option<Fold>,
    ready: VecDeque<StreamEvent>,
}

/// The events of a streamed answer.
pub(super) fn events(answer: Answer, fold: Fold) -> impl Stream<Item = Result<StreamEvent>> + Send + 'static {
    let content_type = answer.content_type();
    let is_whole = !content_type.is_empty() && !content_type.contains("event-stream");
    let state = State {
        answer,
        is_whole,
        decoder: Decoder::default(),
        fold: Some(fold),
        ready: VecDeque::new(),
    };
    stream::unfold(state, |mut state| async move {
        let event = state.next().await.transpose()?;
        if event.is_err() {
            state.fold = None;
            state.ready.clear();
        }
        Some((event, state))
    })
}

impl State {
    async fn next(&mut self) -> Result<Option<StreamEvent>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.fold.is_none() {
                return Ok(None);
            }
            if self.is_whole {
                return self.whole().await;
            }
            match self.answer.body.chunk().await {
                Ok(Some(bytes)) => {
                    self.decoder.feed(&bytes);
                    if self.drain(false)? {
                        self.done()?;
                    }
                }
                Ok(None) => {
                    let ended = self.drain(true)?;
                    match &self.fold {
                        Some(fold) if !ended && !fold.has_finished() => {
                            return Err(cut(fold.peer()));
                        }
                        _ => self.done()?,
                    }
                }
                Err(error) => match &self.fold {
                    Some(fold) if !fold.has_finished() => {
                        return Err(http::transport(fold.peer(), error));
                    }
                    // After a finish reason only the usage can be missing.
                    _ => self.done()?,
                },
            }
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
            if data == b"[DONE]" {
                return Ok(true);
            }
            if !data.is_empty() {
                let ready = &mut self.ready;
                fold.add(&self.answer, data, |event| ready.push_back(event))?;
            }
        }
    }

    /// The server answered at once although a stream was asked for.
    async fn whole(&mut self) -> Result<Option<StreamEvent>> {
        let Some(mut fold) = self.fold.take() else {
            return Ok(None);
        };
        let body = http::read(fold.peer(), &mut self.answer.body).await?;
        let ready = &mut self.ready;
        fold.add(&self.answer, &body, |event| ready.push_back(event))?;
        self.fold = Some(fold);
        self.done()?;
        Ok(self.ready.pop_front())
    }

    fn done(&mut self) -> Result<()> {
        if let Some(fold) = self.fold.take() {
            self.ready.push_back(StreamEvent::Done(Box::new(fold.response()?)));
        }
        Ok(())
    }
}

fn cut(peer: &Peer) -> Error {
    let message = format!("{}: the stream ended before the answer did", peer.host);
    Error::Incomplete(Failure::new(&peer.provider, message).boxed())
}

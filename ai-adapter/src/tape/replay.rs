//! Plays a tape.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::stream;

use super::difference::difference;
use super::entry::{End, Entry};
use super::{Tape, entry::Piece};
use crate::ledger::enter;
use crate::stream::{recorded, replayed};
use crate::{
    Attempt, Capabilities, Error, Failure, LanguageModel, Result, StreamEvent, TextRequest, TextResponse, TextStream,
};

/// Answers as the recorded model did, without a network.
///
/// Each recorded call answers one equal request, streamed or not, in the order they were recorded; requests are equal
/// as they stand on the [`Tape`].
///
/// # Errors
/// [`Error::Config`] for a request that was not recorded, with the place where it differs from the most similar recorded one, or
/// that was asked more often than recorded; else what was recorded.
#[derive(Debug, Clone)]
pub struct Replay {
    tape: Tape,
    is_used: Arc<Mutex<Vec<bool>>>,
}

impl Replay {
    /// Plays a tape from its beginning.
    pub fn new(tape: Tape) -> Self {
        Self {
            tape,
            is_used: Arc::default(),
        }
    }

    /// Hides this text in requests, as [`Record::hide`](crate::Record::hide) did when the tape was written.
    #[must_use]
    pub fn hide(mut self, secret: impl Into<String>) -> Self {
        self.tape.hide(&secret.into());
        self
    }

    /// How many recorded calls were not asked for yet.
    pub fn left(&self) -> usize {
        let used = self.is_used.lock().unwrap_or_else(PoisonError::into_inner);
        self.tape.len() - used.iter().filter(|used| **used).count()
    }

    fn next(&self, request: &TextRequest) -> Result<Entry> {
        let asked = self.tape.written(request);
        let entries = self.tape.entries();
        let mut used = self.is_used.lock().unwrap_or_else(PoisonError::into_inner);
        used.resize(entries.len(), false);
        let equal = |entry: &Entry| entry.request == asked;
        let fresh = entries
            .iter()
            .zip(&*used)
            .position(|(entry, used)| !used && equal(entry));
        if let Some(at) = fresh {
            used[at] = true;
            return Ok(entries[at].clone());
        }
        let times = entries.iter().filter(|entry| equal(entry)).count();
        let message = if times > 0 {
            format!("not on the tape: this request was recorded {times} times, and is asked once more")
        } else {
            let nearest = entries.iter().map(|entry| difference(&entry.request, &asked)).min();
            match nearest {
                Some((_, what)) => format!("not on the tape; the most similar request differs: {what}"),
                None => "not on the tape, which is empty".to_owned(),
            }
        };
        Err(Error::Config(Failure::new(&self.tape.model.provider, message).boxed()))
    }

    fn attempt(&self) -> Attempt {
        Attempt::new(&self.tape.model.provider, &self.tape.model.model, None)
    }
}

#[async_trait]
impl LanguageModel for Replay {
    fn provider(&self) -> &str {
        &self.tape.model.provider
    }

    fn model(&self) -> &str {
        &self.tape.model.model
    }

    fn capabilities(&self) -> Capabilities {
        self.tape.model.capabilities
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.capabilities().check(self.provider(), request)?;
        let mut result = self.next(request).and_then(|entry| match entry.end {
            End::Response(response) => Ok(*response),
            End::Error(told) => Err(told.error()),
        });
        enter(&mut result, || self.attempt());
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.capabilities().check_stream(self.provider(), request)?;
        let mut entry = self.next(request);
        if let Err(error) = &mut entry {
            crate::ledger::enter_error(error, || self.attempt());
        }
        let (pieces, end) = match entry? {
            Entry { pieces: None, end, .. } => match end {
                End::Response(response) => return Ok(replayed(*response)),
                End::Error(told) => (Vec::new(), Err(told.error())),
            },
            Entry {
                pieces: Some(pieces),
                end,
                ..
            } => (
                pieces,
                match end {
                    End::Response(response) => Ok(StreamEvent::Done(response)),
                    End::Error(told) => Err(told.error()),
                },
            ),
        };
        let events: Vec<_> = pieces
            .into_iter()
            .map(|piece: Piece| Ok(piece.into()))
            .chain([end])
            .collect();
        let attempt = self.attempt();
        Ok(recorded(stream::iter(events), move || attempt.clone()))
    }
}

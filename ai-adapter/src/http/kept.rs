//! How much of an answer is kept, so that a server without an end meets one.

use serde_json::Value;

use super::{Answer, MAX_TEXT, Peer, malformed, parse};
use crate::Result;

/// What the bookkeeping of one tool call or block is counted as: it bounds their number to 4,096, where no model
/// comes near, and with it the time a search among them takes.
const PER_PIECE: usize = 4096;

/// A parsed value takes several times the memory of its text; many empty lists take ten times.
const PER_PARSED_BYTE: usize = 4;

/// Counts what a fold keeps.
#[derive(Debug, Default)]
pub(crate) struct Kept(usize);

impl Kept {
    /// Counts bytes.
    pub(crate) fn add(&mut self, peer: &Peer, bytes: usize) -> Result<()> {
        self.0 = self.0.saturating_add(bytes);
        if self.0 > MAX_TEXT {
            return Err(malformed(peer, "the answer is larger than 16 MiB"));
        }
        Ok(())
    }

    /// Counts a tool call or a block with so many bytes in it.
    pub(crate) fn piece(&mut self, peer: &Peer, bytes: usize) -> Result<()> {
        self.add(peer, bytes.saturating_add(PER_PIECE))
    }

    /// Parses what goes back in a conversation as it came.
    pub(crate) fn verbatim(&mut self, peer: &Peer, answer: &Answer, json: &[u8]) -> Result<Value> {
        self.add(peer, json.len().saturating_mul(PER_PARSED_BYTE))?;
        parse(peer, answer, json)
    }

    /// As [`verbatim`](Self::verbatim), for a list within an answer that was parsed.
    #[cfg(any(feature = "openai", feature = "workers-ai"))]
    pub(crate) fn list(&mut self, peer: &Peer, json: &str) -> Result<Vec<Value>> {
        self.add(peer, json.len().saturating_mul(PER_PARSED_BYTE))?;
        Ok(serde_json::from_str(json).unwrap_or_default())
    }
}

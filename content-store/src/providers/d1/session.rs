//! Sessions: reads that a replica may answer. <https://developers.cloudflare.com/d1/best-practices/read-replication/>

pub(super) use worker::D1DatabaseSession as Session;

use super::{D1Store, classify};
use crate::providers::d1_rules::refused;
use crate::{Result, text};

/// The longest bookmark taken: those of D1 have 59 bytes.
const BOOKMARK: usize = 255;

/// Where the reads of a [`session`](D1Store::session) begin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum D1Start {
    /// The first call goes to the primary: it sees everything that was written before it. D1 calls this `first-primary`.
    Newest,
    /// Any replica may answer the first call, and it may be as old as it likes: for pages shown to visitors. D1 calls this
    /// `first-unconstrained`.
    Anywhere,
    /// The first call sees at least what the session had seen that gave this [`bookmark`](D1Store::bookmark).
    After(String),
}

impl D1Store {
    /// Lets replicas answer reads, where read replication is switched on for the database. Without a session every call goes
    /// to the primary, so nothing has to be carried from one Worker to another for them to see each other's writes.
    ///
    /// Within the session every call sees what the calls before it saw or wrote. Writes go to the primary, as do
    /// [`did_it_land`](crate::Pages::did_it_land), for a write whose answer was lost is one that the session has not seen,
    /// and what an [`edit`](crate::Editing::edit) reads to write it back.
    ///
    /// The calls of one session belong to one request or one message: begin another for the next.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::Error::InvalidInput): a bookmark is empty, past 255 bytes, or other than D1 makes them.
    /// [`Rejected`](crate::Error::Rejected): D1 takes no such bookmark.
    pub fn session(mut self, start: &D1Start) -> Result<Self> {
        let start = match start {
            D1Start::Newest => "first-primary",
            D1Start::Anywhere => "first-unconstrained",
            D1Start::After(bookmark) => well_formed(bookmark)?,
        };
        let session = self.database.with_session(Some(start));
        self.session = Some(session.map_err(|error| refused(&self.origin, &classify::words(&error)))?);
        Ok(self)
    }

    /// How far the session has seen, to begin another where this one is: in the message that tells a Worker of the page
    /// just written. `None` without a session, and before its first call.
    ///
    /// # Errors
    /// [`Rejected`](crate::Error::Rejected): the runtime does not tell.
    pub fn bookmark(&self) -> Result<Option<String>> {
        let Some(session) = &self.session else {
            return Ok(None);
        };
        let bookmark = session.get_bookmark();
        bookmark.map_err(|error| refused(&self.origin, &classify::words(&error)))
    }
}

/// D1 takes some words for constraints instead, so nothing passes but the hex digits and hyphens of a bookmark.
fn well_formed(bookmark: &str) -> Result<&str> {
    let made = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    if bookmark.is_empty() || bookmark.len() > BOOKMARK || !bookmark.bytes().all(made) {
        return Err(text::invalid("bookmark", "is not one of D1"));
    }
    Ok(bookmark)
}

#[cfg(test)]
mod tests {
    use super::well_formed;

    #[test]
    fn nothing_passes_for_a_bookmark_but_one() {
        let bookmark = "00000000-0000001c-00000000-0123456789abcdef0123456789abcdef";
        assert_eq!(well_formed(bookmark).unwrap(), bookmark);
        for wrong in ["", "first-primary", "first-unconstrained", "a b", &"0".repeat(256)] {
            assert!(well_formed(wrong).is_err(), "{wrong}");
        }
    }
}

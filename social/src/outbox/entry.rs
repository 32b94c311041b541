use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

use crate::{Post, UploadedMedia, Visibility};

/// Longest line that is read as a post, in bytes: far above any post, and no file makes a reader run out of memory.
const MAX_LINE: u64 = 1024 * 1024;

/// One post of an outbox: one line of its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The number of the post, from 1.
    pub id: String,
    /// When it was published, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// The text as readers see it, link included.
    pub text: String,
    /// The link.
    #[serde(default)]
    pub link: Option<String>,
    /// The uploads, in order.
    #[serde(default)]
    pub media: Vec<UploadedMedia>,
    /// The language.
    #[serde(default)]
    pub language: Option<String>,
    /// Who may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// The warning in place of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_warning: Option<String>,
    /// The post it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The further parts of a thread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thread: Vec<String>,
    /// Whether it says that a machine wrote it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made_with_ai: bool,
    /// The key by which a repeated attempt is recognised.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

impl Entry {
    pub(super) fn new(id: String, at_ms: i64, post: &Post) -> Self {
        Self {
            id,
            at_ms,
            text: post.full_text(),
            link: post.link.clone(),
            media: post.media.clone(),
            language: post.language.clone(),
            visibility: post.visibility,
            content_warning: post.content_warning.clone(),
            reply_to: post.reply_to.clone(),
            thread: post.thread.clone(),
            made_with_ai: post.made_with_ai,
            idempotency_key: post.idempotency_key.clone(),
        }
    }

    pub(super) fn to_line(&self) -> serde_json::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// Calls `found` with every whole line and the offset of its end; a last line without its line feed is left out.
pub(super) fn each(mut reader: impl BufRead, mut found: impl FnMut(Entry, u64)) -> io::Result<()> {
    let mut line = Vec::new();
    let (mut end, mut number) = (0, 0_u64);
    loop {
        line.clear();
        let read = io::Read::take(&mut reader, MAX_LINE).read_until(b'\n', &mut line)?;
        number += 1;
        let corrupt = |reason: String| {
            let message = format!("line {number} is no post: {reason}");
            io::Error::new(io::ErrorKind::InvalidData, message)
        };
        if line.last() != Some(&b'\n') {
            return if read as u64 == MAX_LINE {
                Err(corrupt(format!("it is longer than {MAX_LINE} bytes")))
            } else {
                Ok(())
            };
        }
        end += read as u64;
        found(
            serde_json::from_slice(&line).map_err(|error| corrupt(error.to_string()))?,
            end,
        );
    }
}

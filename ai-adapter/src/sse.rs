//! Server-sent events: bytes in, the data of each event out.

/// No event is longer; a server that sends more without a line break is broken or hostile.
const MAX_EVENT: usize = 4 * 1024 * 1024;

/// The event is longer than the decoder keeps.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Decodes `text/event-stream` incrementally, in time linear in its input. Lines end in CR, LF or CRLF; comments and
/// fields other than `data` are passed over; several `data` lines are joined by line feeds. Works on bytes, so
/// a character split between chunks is whole again by the time its event is.
#[derive(Debug)]
pub(crate) struct Decoder {
    buffer: Vec<u8>,
    /// Where the unread rest of the buffer begins.
    start: usize,
    /// How far that rest was searched for a line's end.
    searched: usize,
    /// The last line ended in CR: a LF that follows belongs to it.
    after_cr: bool,
    began: bool,
    data: Vec<u8>,
    has_data: bool,
    /// The data was handed out and makes room for the next event.
    handed_out: bool,
    /// How long an event may be.
    most: usize,
    /// Bytes looked at, copied or moved.
    #[cfg(test)]
    work: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::up_to(MAX_EVENT)
    }
}

impl Decoder {
    /// One for events of at most so many bytes.
    pub(crate) fn up_to(most: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            after_cr: false,
            began: false,
            data: Vec::new(),
            has_data: false,
            handed_out: false,
            most,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Adds bytes. What was read of those before is dropped first, and only the rest of a line is moved.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        if self.start > 0 {
            self.count(self.buffer.len() - self.start);
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The data of the next event that is complete.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        self.make_room();
        while let Some((from, to)) = self.line() {
            if from < to {
                self.field(from, to)?;
                continue;
            }
            self.began = true;
            if self.has_data {
                self.handed_out = true;
                return Ok(Some(&self.data));
            }
        }
        if self.buffer.len() - self.start > self.most {
            Err(TooLong)
        } else {
            Ok(None)
        }
    }

    /// The last event, when the connection ended without the blank line that closes it.
    pub(crate) fn finish(&mut self) -> Result<Option<&[u8]>, TooLong> {
        self.make_room();
        let (from, to) = (self.start, self.buffer.len());
        self.start = to;
        self.searched = to;
        if from < to {
            self.field(from, to)?;
        }
        self.handed_out = self.has_data;
        Ok(self.has_data.then_some(&self.data))
    }

    /// Tests prove that the work is linear in the text.
    #[cfg(test)]
    fn count(&mut self, bytes: usize) {
        self.work += bytes;
    }

    #[cfg(not(test))]
    #[allow(
        clippy::unused_self,
        clippy::needless_pass_by_ref_mut,
        reason = "nothing is counted outside of tests"
    )]
    const fn count(&mut self, _: usize) {}

    fn make_room(&mut self) {
        if std::mem::take(&mut self.handed_out) {
            self.data.clear();
            self.has_data = false;
        }
    }

    /// The bounds of the next complete line, without its end.
    fn line(&mut self) -> Option<(usize, usize)> {
        if self.after_cr && self.start < self.buffer.len() {
            self.after_cr = false;
            if self.buffer[self.start] == b'\n' {
                self.start += 1;
            }
        }
        self.searched = self.searched.max(self.start);
        let end = memchr::memchr2(b'\n', b'\r', &self.buffer[self.searched..]);
        let Some(end) = end.map(|offset| self.searched + offset) else {
            self.count(self.buffer.len() - self.searched);
            self.searched = self.buffer.len();
            return None;
        };
        self.count(end + 1 - self.searched);
        let from = self.start;
        self.after_cr = self.buffer[end] == b'\r';
        self.start = end + 1;
        self.searched = self.start;
        Some((from, end))
    }

    fn field(&mut self, from: usize, to: usize) -> Result<(), TooLong> {
        let mut line = &self.buffer[from..to];
        if !std::mem::replace(&mut self.began, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        let value = match line.strip_prefix(b"data") {
            Some([]) => &[],
            Some([b':', b' ', value @ ..] | [b':', value @ ..]) => value,
            _ => return Ok(()),
        };
        if self.data.len() + value.len() > self.most {
            return Err(TooLong);
        }
        #[cfg(test)]
        {
            self.work += to - from;
        }
        if self.has_data {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        self.has_data = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

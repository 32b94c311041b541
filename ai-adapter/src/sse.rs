//! Server-sent events: bytes in, the data of each event out.

/// No event is longer; a server that sends more without a line break is broken or hostile.
const MAX_EVENT: usize = 4 * 1024 * 1024;

/// The event is longer than the decoder keeps.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Decodes `text/event-stream` incrementally, in time linear in its input. Lines end in CR, LF or CRLF; comments and
/// fields other than `data` are passed over; several `data` lines are joined by line feeds. Works on bytes, so
/// a character split between chunks is whole again by the time its event is.
#[derive(Debug, Default)]
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
}

impl Decoder {
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 {
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
            } else if self.has_data {
                self.handed_out = true;
                return Ok(Some(&self.data));
            }
        }
        if self.buffer.len() - self.start > MAX_EVENT {
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
        let end = self.buffer[self.searched..]
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'\r'));
        let Some(end) = end.map(|offset| self.searched + offset) else {
            self.searched = self.buffer.len();
            return None;
        };
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
        if self.data.len() + value.len() > MAX_EVENT {
            return Err(TooLong);
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
mod tests {
    use super::*;

    fn decode(chunks: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        let mut keep = |data: &[u8]| events.push(String::from_utf8(data.to_vec()).unwrap());
        for chunk in chunks {
            decoder.feed(chunk);
            while let Some(data) = decoder.next().unwrap() {
                keep(data);
            }
        }
        if let Some(data) = decoder.finish().unwrap() {
            keep(data);
        }
        events
    }

    #[test]
    fn reads_every_spelling_at_every_split() {
        let text = "\u{feff}: hello\r\n\r\ndata: {\"a\":\"ü€😀\"}\n\nevent: x\rdata:two\rdata: lines\r\rid: 7\n\n\
                    data\r\n\r\n: keep-alive\n\ndata:  spaced\n\ndatabase: no\n\ndata: last";
        let want = ["{\"a\":\"ü€😀\"}", "two\nlines", "", " spaced", "last"];
        let bytes = text.as_bytes();
        assert_eq!(decode(&[bytes]), want);
        for at in 0..=bytes.len() {
            assert_eq!(decode(&[&bytes[..at], &bytes[at..]]), want, "split at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decode(&single), want);
    }

    #[test]
    fn an_endless_line_or_event_is_too_long() {
        let mut decoder = Decoder::default();
        let mut fed = 0;
        let endless = loop {
            decoder.feed(&[b'x'; 65_536]);
            fed += 65_536;
            if let Err(error) = decoder.next() {
                break error;
            }
            assert!(fed < 2 * MAX_EVENT);
        };
        assert_eq!(endless, TooLong);
        let mut decoder = Decoder::default();
        let line = [b"data: ".as_slice(), &[b'x'; 65_536], b"\n"].concat();
        let lines = (0..200).find(|_| {
            decoder.feed(&line);
            decoder.next().is_err()
        });
        assert!(lines.is_some_and(|lines| lines <= 64));
    }
}

//! Long texts in JSON.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

/// For `serialize_with` at a text that may be long, such as a prompt. serde_json asks of every byte alone whether it must
/// be escaped, which is most of what a request costs; here what needs no escape is passed over in blocks. Only [`write`]
/// knows such a text for one.
pub(crate) fn words<T: AsRef<str>, S: Serializer>(text: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(text.as_ref().as_bytes())
}

/// Writes a request as JSON.
pub(super) fn write<T: Serialize + ?Sized>(bytes: &mut Vec<u8>, body: &T) -> serde_json::Result<()> {
    body.serialize(&mut serde_json::Serializer::with_formatter(bytes, Compact))
}

/// No request holds bytes, so bytes are [`words`].
struct Compact;

const BLOCK: usize = 32;

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

impl Formatter for Compact {
    fn write_byte_array<W: ?Sized + Write>(&mut self, writer: &mut W, text: &[u8]) -> io::Result<()> {
        writer.write_all(b"\"")?;
        // What of the text was written.
        let mut done = 0;
        for (at, block) in text.chunks(BLOCK).enumerate() {
            // Without an early end the compiler looks at all bytes of a block at once.
            if !block.iter().fold(false, |any, byte| any | is_special(*byte)) {
                continue;
            }
            for (within, byte) in block.iter().enumerate().filter(|(_, byte)| is_special(**byte)) {
                let here = at * BLOCK + within;
                writer.write_all(text.get(done..here).unwrap_or_default())?;
                match byte {
                    b'"' => writer.write_all(b"\\\"")?,
                    b'\\' => writer.write_all(b"\\\\")?,
                    b'\n' => writer.write_all(b"\\n")?,
                    b'\r' => writer.write_all(b"\\r")?,
                    b'\t' => writer.write_all(b"\\t")?,
                    0x08 => writer.write_all(b"\\b")?,
                    0x0c => writer.write_all(b"\\f")?,
                    other => write!(writer, "\\u{other:04x}")?,
                }
                done = here + 1;
            }
        }
        writer.write_all(text.get(done..).unwrap_or_default())?;
        writer.write_all(b"\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Serialize)]
    #[serde(transparent)]
    struct Long<'a>(#[serde(serialize_with = "words")] &'a str);

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_text_is_read_back_as_it_was(text in "(\\PC|[\\x00-\\x7f]){0,200}") {
            let mut bytes = Vec::new();
            write(&mut bytes, &Long(&text)).unwrap();
            prop_assert_eq!(serde_json::from_slice::<String>(&bytes).unwrap(), text);
        }
    }

    #[test]
    fn it_is_written_as_serde_json_writes_it() {
        let text: String = (0..=0x7f).chain([0xe9, 0x1f600]).filter_map(char::from_u32).collect();
        let mut bytes = Vec::new();
        write(&mut bytes, &Long(&text)).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), serde_json::to_string(&text).unwrap());
    }
}

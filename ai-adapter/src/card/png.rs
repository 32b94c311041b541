//! A [PNG](https://www.w3.org/TR/png-3/) with a palette: runs and repeated rows are all that a card has to compress.

/// The longest match deflate can name.
const LONGEST: usize = 258;

/// `pixels` are indices of the palette, row by row.
pub(super) fn encode(width: u32, height: u32, palette: &[[u8; 3]], pixels: &[u8]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    // Eight bits, a palette, and the one compression, filter set and order there is.
    header.extend_from_slice(&[8, 3, 0, 0, 0]);
    chunk(&mut out, b"IHDR", &header);
    chunk(&mut out, b"PLTE", palette.as_flattened());
    // Each row begins with its filter: none, which suits a palette best.
    let mut rows = Vec::with_capacity(pixels.len() + height as usize);
    for row in pixels.chunks(width as usize) {
        rows.push(0);
        rows.extend_from_slice(row);
    }
    chunk(&mut out, b"IDAT", &zlib(&rows, width as usize + 1));
    chunk(&mut out, b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let from = out.len();
    out.extend_from_slice(kind);
    out.extend_from_slice(data);
    let sum = crc(&out[from..]);
    out.extend_from_slice(&sum.to_be_bytes());
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

fn adler(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}

/// [Zlib](https://www.rfc-editor.org/rfc/rfc1950) around one block of [deflate](https://www.rfc-editor.org/rfc/rfc1951) with the fixed
/// code. A match is looked for one byte back and one row back, and nowhere else.
fn zlib(bytes: &[u8], row: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b011, 3);
    let mut at = 0;
    while at < bytes.len() {
        let matched = |back: usize| {
            let before = at.checked_sub(back)?;
            let most = LONGEST.min(bytes.len() - at);
            let length = (0..most)
                .take_while(|more| bytes[before + more] == bytes[at + more])
                .count();
            (length >= 3).then_some((length, back))
        };
        match matched(1).max(matched(row)) {
            Some((length, back)) => {
                bits.length(length);
                bits.distance(back);
                at += length;
            }
            None => {
                bits.literal(u32::from(bytes[at]));
                at += 1;
            }
        }
    }
    bits.literal(256);
    let mut out = vec![0x78, 0x01];
    out.append(&mut bits.finish());
    out.extend_from_slice(&adler(bytes).to_be_bytes());
    out
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    /// Adds bits, the lowest first.
    fn put(&mut self, value: u32, count: u32) {
        self.held |= u64::from(value) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Adds a Huffman code, which goes the highest bit first.
    fn code(&mut self, code: u32, count: u32) {
        self.put(code.reverse_bits() >> (32 - count), count);
    }

    /// A symbol of the fixed code (RFC 1951, 3.2.6).
    fn literal(&mut self, symbol: u32) {
        match symbol {
            0..=143 => self.code(0x30 + symbol, 8),
            144..=255 => self.code(0x190 + symbol - 144, 9),
            256..=279 => self.code(symbol - 256, 7),
            _ => self.code(0xc0 + symbol - 280, 8),
        }
    }

    /// A length from 3 to 258: four symbols for each number of extra bits.
    fn length(&mut self, length: usize) {
        let length = length as u32;
        if length == LONGEST as u32 {
            return self.literal(285);
        }
        let (symbol, extra) = split(length - 3, 4);
        self.literal(257 + symbol);
        self.put(extra.0, extra.1);
    }

    /// A distance from 1 on: two symbols for each number of extra bits.
    fn distance(&mut self, distance: usize) {
        let (symbol, extra) = split(distance as u32 - 1, 2);
        self.code(symbol, 5);
        self.put(extra.0, extra.1);
    }

    fn finish(mut self) -> Vec<u8> {
        self.put(0, (8 - self.count) % 8);
        self.bytes
    }
}

/// The symbol of a value, and its extra bits with their number, where each step of `per` symbols doubles what one covers.
fn split(value: u32, per: u32) -> (u32, (u32, u32)) {
    if value < 2 * per {
        return (value, (0, 0));
    }
    let extra = (value / per).ilog2();
    let symbol = extra * per + (value >> extra);
    (symbol, (value & ((1 << extra) - 1), extra))
}

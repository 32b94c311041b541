//! Record keys and content identifiers: what the server makes of a record, made here before it is sent.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The alphabet of [TIDs](https://atproto.com/specs/tid), which sorts like the numbers.
const SORTABLE: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// The alphabet of base32 in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// 2019-01-01 in microseconds since 1970. Keys made from idempotency keys lie within the four and a half years after it:
/// before the network, so that none is the time of another post.
const EPOCH_US: u64 = 1_546_300_800_000_000;

/// The record key that belongs to an idempotency key, always the same.
pub(super) fn tid_of_key(did: &str, key: &str) -> String {
    let hash = Sha256::digest(format!("{did}\n{key}"));
    let mut bits = [0; 8];
    bits.copy_from_slice(&hash[..8]);
    let bits = u64::from_be_bytes(bits);
    tid(EPOCH_US + (bits >> 17), bits & 0x3FF)
}

/// The record key of a time in microseconds since 1970 and the ten bits that tell writers apart.
pub(super) fn tid(micros: u64, clock: u64) -> String {
    let number = (micros & ((1 << 53) - 1)) << 10 | (clock & 0x3FF);
    let digit = |at: u32| char::from(SORTABLE[(number >> (at * 5) & 31) as usize]);
    (0..13).rev().map(digit).collect()
}

/// The [CID](https://atproto.com/specs/data-model#link-and-cid-formats) of a record: version 1, DAG-CBOR, SHA-256.
/// `None` when the record has a part that DAG-CBOR does not know.
pub(super) fn cid(record: &Value) -> Option<String> {
    let mut cbor = Vec::new();
    encode(record, &mut cbor)?;
    let mut bytes = vec![0x01, 0x71, 0x12, 0x20];
    bytes.extend_from_slice(&Sha256::digest(&cbor));
    Some(format!("b{}", base32(&bytes)))
}

/// [DAG-CBOR](https://ipld.io/specs/codecs/dag-cbor/spec/): integers in their shortest form, keys by length and then by
/// bytes, links as tag 42.
fn encode(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Null => out.push(0xF6),
        Value::Bool(yes) => out.push(if *yes { 0xF5 } else { 0xF4 }),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => head(0, number, out),
            (None, Some(number)) => head(1, number.unsigned_abs() - 1, out),
            (None, None) => return None,
        },
        Value::String(text) => {
            head(3, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, out);
            for item in items {
                encode(item, out)?;
            }
        }
        Value::Object(fields) => {
            if let (1, Some(link)) = (fields.len(), fields.get("$link").and_then(Value::as_str)) {
                let bytes = unbase32(link.strip_prefix('b')?)?;
                head(6, 42, out);
                head(2, bytes.len() as u64 + 1, out);
                out.push(0);
                out.extend_from_slice(&bytes);
                return Some(());
            }
            head(5, fields.len() as u64, out);
            let longest = fields.keys().map(String::len).max().unwrap_or_default();
            for length in 0..=longest {
                // In the order of their bytes already.
                for (name, value) in fields.iter().filter(|(name, _)| name.len() == length) {
                    head(3, length as u64, out);
                    out.extend_from_slice(name.as_bytes());
                    encode(value, out)?;
                }
            }
        }
    }
    Some(())
}

fn head(major: u8, number: u64, out: &mut Vec<u8>) {
    let bytes = number.to_be_bytes();
    let (short, length) = match number {
        0..24 => (bytes[7], 0),
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    out.push(major << 5 | short);
    out.extend_from_slice(&bytes[8 - length..]);
}

fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    let (mut kept, mut bits) = (0_u32, 0);
    for byte in bytes {
        kept = (kept << 8 | u32::from(*byte)) & 0xFFFF;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(BASE32[(kept >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        out.push(char::from(BASE32[(kept << (5 - bits) & 31) as usize]));
    }
    out
}

fn unbase32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut kept, mut bits) = (0_u32, 0);
    for letter in text.bytes() {
        let digit = BASE32.iter().position(|known| *known == letter)?;
        kept = (kept << 5 | digit as u32) & 0xFFFF;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((kept >> bits & 0xFF) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The first is of the [interoperability files](https://github.com/bluesky-social/atproto/tree/main/interop-test-files/data-model);
    /// the second has links and a negative number, made with an encoder that agrees with all of theirs.
    #[test]
    fn records_get_the_identifier_that_the_server_gives_them() {
        let plain = json!({
            "string": "abc", "unicode": "a~öñ©⽘☎𓋓😀\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F467}",
            "integer": 123, "bool": true, "null": null, "array": ["abc", "def", "ghi"],
            "object": {"string": "abc", "number": 123, "bool": true, "arr": ["abc", "def", "ghi"]}
        });
        assert_eq!(
            cid(&plain).unwrap(),
            "bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"
        );
        let links = json!({
            "a": {"$link": "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"},
            "c": {"$type": "blob", "mimeType": "image/jpeg", "size": 10_000,
                "ref": {"$link": "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity"}},
            "n": -70_000
        });
        assert_eq!(
            cid(&links).unwrap(),
            "bafyreifb3j6nhispc4bzwz7jtsgz57mkg5ylggjidvyskt27kdh3benkyi"
        );
        assert_eq!(cid(&json!({"f": 1.5})), None);
    }

    #[test]
    fn record_keys_are_tids() {
        // <https://atproto.com/specs/tid>: all zeros, and the examples' shape.
        assert_eq!(tid(0, 0), "2222222222222");
        assert_eq!(tid((1 << 53) - 1, 1023), "bzzzzzzzzzzzz");
        let (one, two) = (tid_of_key("did:plc:a", "k"), tid_of_key("did:plc:a", "k2"));
        assert_eq!(one, tid_of_key("did:plc:a", "k"));
        assert!(one != two && one != tid_of_key("did:plc:b", "k"));
        let range = tid(EPOCH_US, 0)..tid(1_700_000_000_000_000, 0);
        assert!(range.contains(&one) && range.contains(&two), "{one} {two}");
        assert!(tid(1_795_435_200_000_000, 5) > one);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_come_back_from_base32(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(unbase32(&base32(&bytes)), Some(bytes));
        }
    }
}

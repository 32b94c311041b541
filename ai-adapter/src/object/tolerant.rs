//! Reads JSON as models write it when nobody holds them to it, or as much of it as has arrived.

use serde_json::{Map, Number, Value};

/// Deeper nesting is no answer.
const MAX_DEPTH: usize = 128;

/// Where the text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Behind the value.
    Whole,
    /// Between two values: brackets were missing, no data was.
    Open,
    /// Inside a value, of which a part is missing.
    Cut,
}

/// The object that begins with the first byte of `text`. Commas may be too many, line breaks may stand in strings, comments between
/// values, and the end may be missing. Takes time linear in the text. `None` when it is no object.
pub(super) fn object(text: &str) -> Option<(Value, End)> {
    let mut reader = Reader {
        text,
        at: 0,
        end: End::Whole,
    };
    if !text.starts_with('{') {
        return None;
    }
    let value = reader.value(0)?;
    Some((value, reader.end))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    end: End,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips white space, comments, and commas too many.
    fn skip(&mut self, commas: bool) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(b',') if commas => self.at += 1,
                Some(b'/') if self.rest().starts_with("//") => {
                    self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                }
                Some(b'/') if self.rest().starts_with("/*") => {
                    let rest = self.rest();
                    self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
                }
                _ => return,
            }
        }
    }

    /// The text ended; nothing that came before it is undone.
    fn ended(&mut self, how: End) {
        if self.end == End::Whole {
            self.end = how;
        }
    }

    /// `None` is not JSON, however generously read, or a value of which nothing is there.
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            b'{' => self.members(depth),
            b'[' => self.items(depth),
            b'"' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn members(&mut self, depth: usize) -> Option<Value> {
        let mut map = Map::new();
        self.at += 1;
        loop {
            self.skip(true);
            match self.peek() {
                None => {
                    self.ended(End::Open);
                    return Some(Value::Object(map));
                }
                Some(b'}') => {
                    self.at += 1;
                    return Some(Value::Object(map));
                }
                Some(b'"') => {}
                Some(_) => return None,
            }
            let key = self.string()?;
            self.skip(false);
            if self.peek() == Some(b':') {
                self.at += 1;
                self.skip(false);
            } else if self.peek().is_some() {
                return None;
            }
            if self.peek().is_none() {
                // A name without its value is not there yet.
                self.ended(End::Cut);
                return Some(Value::Object(map));
            }
            match self.value(depth + 1) {
                Some(value) => map.insert(key, value),
                None if self.end != End::Whole => return Some(Value::Object(map)),
                None => return None,
            };
            if self.end != End::Whole {
                return Some(Value::Object(map));
            }
            self.skip(false);
            if !matches!(self.peek(), None | Some(b',' | b'}')) {
                return None;
            }
        }
    }

    fn items(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.skip(true);
            match self.peek() {
                None => {
                    self.ended(End::Open);
                    return Some(Value::Array(items));
                }
                Some(b']') => {
                    self.at += 1;
                    return Some(Value::Array(items));
                }
                Some(_) => {}
            }
            match self.value(depth + 1) {
                Some(value) => items.push(value),
                None if self.end != End::Whole => return Some(Value::Array(items)),
                None => return None,
            }
            if self.end != End::Whole {
                return Some(Value::Array(items));
            }
            self.skip(false);
            if !matches!(self.peek(), None | Some(b',' | b']')) {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let plain = self.rest().find(['"', '\\']).unwrap_or(self.rest().len());
            out.push_str(self.rest().get(..plain)?);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Some(out);
                }
                Some(_) => match self.escape()? {
                    Some(c) => out.push(c),
                    None => break,
                },
                None => break,
            }
        }
        self.at = self.text.len();
        self.ended(End::Cut);
        Some(out)
    }

    /// The character behind a backslash; the inner `None` is one that is not whole yet.
    fn escape(&mut self) -> Option<Option<char>> {
        let Some(kind) = self.text.as_bytes().get(self.at + 1) else {
            return Some(None);
        };
        let c = match kind {
            b'"' | b'\\' | b'/' => char::from(*kind),
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => return self.unicode(),
            _ => return None,
        };
        self.at += 2;
        Some(Some(c))
    }

    /// `\uXXXX`, and the second half of a pair.
    fn unicode(&mut self) -> Option<Option<char>> {
        let unit = |at: usize| self.text.get(at..at + 4).map(|digits| u32::from_str_radix(digits, 16));
        let high = match unit(self.at + 2) {
            Some(high) => high.ok()?,
            None if self.rest().len() < 6 => return Some(None),
            None => return None,
        };
        if !(0xd800..0xdc00).contains(&high) {
            self.at += 6;
            return Some(Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        if self.rest().len() < 12 && "\\u".starts_with(self.rest().get(6..8).unwrap_or(self.rest().get(6..)?)) {
            return Some(None);
        }
        let low = self.rest().get(6..8).filter(|next| *next == "\\u");
        let low = low.and_then(|_| unit(self.at + 8)).and_then(Result::ok);
        match low.filter(|low| (0xdc00..0xe000).contains(low)) {
            Some(low) => {
                self.at += 12;
                let c = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                Some(char::from_u32(c))
            }
            None => {
                self.at += 6;
                Some(Some(char::REPLACEMENT_CHARACTER))
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<Value> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, is_last) = (&rest[..length], length == rest.len());
        let value = match word {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => serde_json::from_str::<Number>(word).ok().map(Value::Number),
        };
        self.at += length;
        if is_last {
            // Whether a number or word goes on cannot be known, and half of one is another.
            self.ended(End::Cut);
            let is_whole = matches!(value, Some(Value::Bool(_) | Value::Null));
            return value.filter(|_| is_whole);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_models_write() {
        let want = json!({ "a": [1, 2.5, { "b": "x\ny" }], "c": null, "d": true });
        for text in [
            r#"{"a": [1, 2.5, {"b": "x\ny"}], "c": null, "d": true}"#,
            "{\"a\": [1,, 2.5, {\"b\": \"x\ny\",},], \"c\": null, \"d\": true,}",
            "{ // first\n\"a\": [1, /* two */ 2.5, {\"b\": \"x\\u000ay\"}], \"c\": null, \"d\": true } and so on",
        ] {
            assert_eq!(object(text), Some((want.clone(), End::Whole)), "{text}");
        }
        for text in [
            "",
            "[1]",
            "{a: 1}",
            "{\"a\" 1}",
            "{\"a\": x}",
            "{\"a\": \"\\q\"}",
            "{\"a\": 1 2}",
            "{]",
        ] {
            assert_eq!(object(text), None, "{text}");
        }
        assert!(object(&"{\"a\":".repeat(100_000)).is_none());
        let pair = object(r#"{"a": "\ud83d\ude00 \ud83d!"}"#).unwrap().0;
        assert_eq!(pair, json!({ "a": "😀 \u{fffd}!" }));
    }

    #[test]
    fn tells_how_the_end_is_missing() {
        for (text, want, end) in [
            (r#"{"a": [1, {"b": "x"}"#, json!({ "a": [1, { "b": "x" }] }), End::Open),
            (r#"{"a": "x", "#, json!({ "a": "x" }), End::Open),
            (r#"{"a": "x", "b"#, json!({ "a": "x" }), End::Cut),
            (r#"{"a": "x", "b": "#, json!({ "a": "x" }), End::Cut),
            (r#"{"a": "wor"#, json!({ "a": "wor" }), End::Cut),
            (r#"{"a": "wor\"#, json!({ "a": "wor" }), End::Cut),
            (r#"{"a": "wor\ud83d\ude"#, json!({ "a": "wor" }), End::Cut),
            (r#"{"a": 12"#, json!({}), End::Cut),
            (r#"{"a": [1, tru"#, json!({ "a": [1] }), End::Cut),
            ("{", json!({}), End::Open),
        ] {
            assert_eq!(object(text), Some((want, end)), "{text}");
        }
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-zü\"\\\\]{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Whether `part` is a beginning of `whole`.
    fn begins(part: &Value, whole: &Value) -> bool {
        match (part, whole) {
            (Value::String(part), Value::String(whole)) => whole.starts_with(part.as_str()),
            (Value::Array(part), Value::Array(whole)) => {
                part.len() <= whole.len() && part.iter().zip(whole).all(|(part, whole)| begins(part, whole))
            }
            (Value::Object(part), Value::Object(whole)) => part
                .iter()
                .all(|(key, part)| whole.get(key).is_some_and(|whole| begins(part, whole))),
            (part, whole) => part == whole,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn json_is_read_as_json_and_every_beginning_of_it_as_its_beginning(value in anything()) {
            let value = json!({ "v": value });
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                prop_assert_eq!(object(&text), Some((value.clone(), End::Whole)));
                for (at, _) in text.char_indices().skip(1) {
                    let (part, end) = object(&text[..at]).expect("an object so far");
                    prop_assert!(begins(&part, &value), "{}: {}", &text[..at], part);
                    prop_assert_ne!(end, End::Whole);
                }
            }
        }

        #[test]
        fn no_text_breaks_it(text in r#"\{[\{\}\[\]",:\\u0-9a-f/*\n é-]{0,60}"#) {
            let _ = object(&text);
        }
    }
}

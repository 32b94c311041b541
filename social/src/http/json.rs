//! Fields of an answer. Read from one type of value: a Worker pays for every type that is decoded.

use serde_json::Value;

use super::{Answer, Call, Caller};
use crate::Result;

/// The text of a field; empty when there is none.
pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// The text of a field, if there is one.
pub(crate) fn optional(value: &Value, field: &str) -> Option<String> {
    value[field].as_str().map(str::to_owned)
}

/// The whole number of a field, if there is one.
pub(crate) fn integer(value: &Value, field: &str) -> Option<i64> {
    value[field].as_i64()
}

/// The items of a list; none when there is no list.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

impl Answer {
    /// What a refusal says as JSON; `null` when it says nothing in it.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.bytes()).unwrap_or_default()
    }
}

impl Caller {
    /// Reads the body of a success. One that cannot be read, or has nothing at one of the pointers of `needs`
    /// (`"/data/id"`), leaves a publish unknown. What it repeats of a secret is taken out: ids, names and addresses are
    /// printed and stored.
    pub(crate) fn decode(&self, answer: &Answer, call: Call, needs: &[&str]) -> Result<Value> {
        let mut value = self.decode_tokens(answer, call, needs)?;
        self.cleanse(&mut value);
        Ok(value)
    }

    fn cleanse(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.redact(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.cleanse(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.cleanse(field)),
            _ => {}
        }
    }

    /// The same of an answer that brings tokens, which stay in it.
    pub(crate) fn decode_tokens(&self, answer: &Answer, call: Call, needs: &[&str]) -> Result<Value> {
        let problem = match (&answer.body, serde_json::from_slice::<Value>(answer.bytes())) {
            (Ok(_), Ok(value)) => {
                self.whole(answer, call, &value, needs)?;
                return Ok(value);
            }
            (Ok(_), Err(error)) => format!("the answer cannot be read: {error}"),
            (Err(problem), _) => format!("the answer was cut off: {problem}"),
        };
        Err(self.unreadable(answer, call, &problem))
    }

    /// Whether the body of a success, which is `value`, has something at each of the pointers of `needs`.
    pub(crate) fn whole(&self, answer: &Answer, call: Call, value: &Value, needs: &[&str]) -> Result<()> {
        let missing = needs.iter().find(|pointer| !says(value.pointer(pointer)));
        let Some(pointer) = missing else { return Ok(()) };
        let problem = format!("the answer cannot be read: it has no {pointer}");
        Err(self.unreadable(answer, call, &problem))
    }

    /// The items of a list that every one of has all the texts of `needs`.
    pub(crate) fn items<'a>(&self, value: &'a Value, needs: &[&str]) -> Result<&'a [Value]> {
        let whole = |item: &Value| needs.iter().all(|field| item[*field].is_string());
        match value.as_array().filter(|items| items.iter().all(whole)) {
            Some(items) => Ok(items),
            None => Err(self.later("the answer cannot be read: it has no list of what was asked for", None)),
        }
    }
}

fn says(value: Option<&Value>) -> bool {
    match value {
        Some(Value::String(text)) => !text.is_empty(),
        Some(value) => value.is_array() || value.is_object(),
        None => false,
    }
}

//! Finds the JSON object in what a model wrote around it.

use serde_json::Value;

use super::tolerant::{self, End};

/// The object in `text`: the text itself, the contents of a code fence, or the first object in the prose; read generously
/// when it is not JSON by the letter, and closed when only brackets are missing at its end. The error is a reason to send back to the
/// model.
pub(super) fn json_object(text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err("/: the answer is empty".to_owned());
    }
    let reason = match serde_json::from_str::<Value>(trimmed) {
        // Some servers wrap the object in a string.
        Ok(Value::String(inner)) if inner.trim_start().starts_with('{') => {
            return json_object(&inner);
        }
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let after_thought = after_thought(trimmed);
    match first_object(after_thought) {
        Some(value) => Ok(value),
        None if !after_thought.contains('{') => Err("/: the answer holds no JSON object".to_owned()),
        None => Err(format!("/: the answer is not JSON: {reason}")),
    }
}

/// What stands behind a thought that is part of the text.
pub(super) fn after_thought(text: &str) -> &str {
    text.rsplit_once("</think>").map_or(text, |(_, answer)| answer)
}

/// The first object that starts at a brace. At most 64 braces are tried, so that hostile text stays linear.
fn first_object(text: &str) -> Option<Value> {
    for (at, _) in text.match_indices('{').take(64) {
        let rest = &text[at..];
        let strict = serde_json::Deserializer::from_str(rest).into_iter::<Value>().next();
        if let Some(Ok(value)) = strict {
            return Some(value);
        }
        match tolerant::object(rest) {
            // A part is missing, and none of its own parts is the answer.
            Some((_, End::Cut)) => return None,
            Some((value, _)) => return Some(value),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_the_object_wherever_it_stands() {
        let want = json!({ "a": { "b": "}" } });
        let object = r#"{"a":{"b":"}"}}"#;
        for text in [
            object.to_owned(),
            format!("  \n{object}\n"),
            format!("```json\n{object}\n```"),
            format!("Here you {{are}}:\n```\n{object}\n```\nEnjoy!"),
            format!("<think>maybe {{\"a\": 1}}?</think>{object}"),
            serde_json::to_string(object).unwrap(),
            r#"```json
{"a":{"b":"}",},} // done
```"#
                .to_owned(),
            r#"Here: {"a": {"b": "}"}"#.to_owned(),
        ] {
            assert_eq!(json_object(&text).as_ref(), Ok(&want), "{text}");
        }
    }

    #[test]
    fn says_why_there_is_none() {
        for (text, reason) in [
            ("", "empty"),
            ("I would rather not.", "no JSON object"),
            (r#"{"a": 1"#, "EOF"),
            (r#"{"a": {"b": 1"#, "EOF"),
            (r#"{"a": "half a tex"#, "EOF"),
            ("<html>{</html>", "not JSON"),
        ] {
            let error = json_object(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(json_object(&"{".repeat(1_000_000)).is_err());
    }
}

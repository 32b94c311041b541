//! Where two requests part.

use serde_json::Value;

/// How many leaves differ, and the first that does, in words.
pub(super) fn difference(recorded: &Value, asked: &Value) -> (usize, String) {
    let mut found = Found::default();
    compare("", Some(recorded), Some(asked), &mut found);
    (found.leaves, found.first.unwrap_or_default())
}

#[derive(Default)]
struct Found {
    leaves: usize,
    first: Option<String>,
}

fn compare(path: &str, recorded: Option<&Value>, asked: Option<&Value>, found: &mut Found) {
    match (recorded, asked) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                compare(&format!("{path}/{key}"), a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for at in 0..a.len().max(b.len()) {
                compare(&format!("{path}/{at}"), a.get(at), b.get(at), found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => {
            found.leaves += 1;
            found.first.get_or_insert_with(|| {
                let (a, b) = (shown(a), shown(b));
                let same = a.char_indices().zip(b.chars()).find(|((_, a), b)| a != b);
                // A little of what is the same, to find the place by.
                let from = same.map_or(a.len().min(b.len()), |((at, _), _)| at).saturating_sub(12);
                format!(
                    "`{path}` was recorded as `{}`, and is `{}`",
                    part(&a, from),
                    part(&b, from)
                )
            });
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// At most 80 bytes from there on.
fn part(text: &str, from: usize) -> String {
    let from = text.floor_char_boundary(from);
    let to = text.floor_char_boundary(from + 80);
    let before = if from > 0 { "…" } else { "" };
    let after = if to < text.len() { "…" } else { "" };
    format!("{before}{}{after}", &text[from..to])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_either_side_has_alone_counts() {
        let less = json!({ "a": 1, "list": [1] });
        let more = json!({ "a": 1, "list": [1, 2], "z": true });
        let (leaves, what) = difference(&less, &more);
        assert_eq!(
            (leaves, what.as_str()),
            (2, "`/list/1` was recorded as `nothing`, and is `2`")
        );
        let (leaves, what) = difference(&more, &less);
        assert_eq!(
            (leaves, what.as_str()),
            (2, "`/list/1` was recorded as `2`, and is `nothing`")
        );
        assert_eq!(difference(&more, &more).0, 0);
    }
}

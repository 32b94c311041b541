//! The local check of an answer where the `jsonschema` feature is off: small enough for a Worker.

use serde_json::{Map, Value};

/// A schema deeper than this is recursive beyond what a model writes.
const MAX_DEPTH: usize = 64;

/// What is wrong with `value`, at most `limit` lines of `path: reason`.
///
/// Checks `type`, `enum`, `const`, `required`, `properties`, `additionalProperties`, `items`, `anyOf`, `oneOf` (as
/// `anyOf`), `allOf`, local `$ref`, and the bounds on length, items and numbers. Everything else (`pattern`, `format`,
/// `uniqueItems`, `prefixItems`, conditions) is left to the decoding.
pub(super) fn errors(value: &Value, schema: &Value, limit: usize) -> Vec<String> {
    let mut check = Check {
        root: schema,
        limit,
        errors: Vec::new(),
    };
    check.node(value, schema, &mut String::new(), MAX_DEPTH);
    check.errors
}

struct Check<'a> {
    root: &'a Value,
    limit: usize,
    errors: Vec<String>,
}

impl<'a> Check<'a> {
    fn wrong(&mut self, path: &str, reason: impl AsRef<str>) {
        if self.errors.len() < self.limit {
            let path = if path.is_empty() { "/" } else { path };
            self.errors.push(format!("{path}: {}", reason.as_ref()));
        }
    }

    fn node(&mut self, value: &Value, schema: &'a Value, path: &mut String, depth: usize) {
        let Some(depth) = depth.checked_sub(1).filter(|_| self.errors.len() < self.limit) else {
            return;
        };
        let schema = match schema {
            Value::Object(schema) => schema,
            Value::Bool(false) => return self.wrong(path, "nothing is allowed here"),
            _ => return,
        };
        let target = schema.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|target| self.root.pointer(target.strip_prefix('#')?));
        if let Some(target) = target {
            self.node(value, target, path, depth);
        }
        for all in list(schema, "allOf") {
            self.node(value, all, path, depth);
        }
        for keyword in ["anyOf", "oneOf"] {
            let branches = list(schema, keyword);
            if !branches.is_empty() && !branches.iter().any(|branch| self.fits(value, branch, depth)) {
                self.wrong(path, format!("fits none of the {} forms allowed here", branches.len()));
            }
        }
        self.kind(value, schema, path);
        self.bounds(value, schema, path);
        match value {
            Value::Object(object) => self.object(object, schema, path, depth),
            Value::Array(items) => {
                let Some(schema) = schema.get("items") else { return };
                for (at, item) in items.iter().enumerate() {
                    self.below(item, schema, path, &at.to_string(), depth);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn fits(&self, value: &Value, schema: &'a Value, depth: usize) -> bool {
        let mut check = Check {
            root: self.root,
            limit: 1,
            errors: Vec::new(),
        };
        check.node(value, schema, &mut String::new(), depth);
        check.errors.is_empty()
    }

    fn below(&mut self, value: &Value, schema: &'a Value, path: &mut String, name: &str, depth: usize) {
        let end = path.len();
        path.push('/');
        path.push_str(name);
        self.node(value, schema, path, depth);
        path.truncate(end);
    }

    fn kind(&mut self, value: &Value, schema: &Map<String, Value>, path: &str) {
        let is = |name: &Value| match (name.as_str().unwrap_or_default(), value) {
            ("string", Value::String(_))
            | ("boolean", Value::Bool(_))
            | ("null", Value::Null)
            | ("array", Value::Array(_))
            | ("object", Value::Object(_))
            | ("number", Value::Number(_)) => true,
            ("integer", Value::Number(number)) => !number.is_f64() || number.as_f64().is_some_and(|n| n.fract() == 0.0),
            _ => false,
        };
        match schema.get("type") {
            Some(Value::Array(names)) if !names.iter().any(is) => {
                self.wrong(path, format!("is none of the types {}", Value::from(names.clone())));
            }
            Some(name @ Value::String(_)) if !is(name) => self.wrong(path, format!("is not of type {name}")),
            _ => {}
        }
        if schema.get("const").is_some_and(|only| only != value) {
            self.wrong(path, format!("is not {}", schema["const"]));
        }
        let allowed = list(schema, "enum");
        if !allowed.is_empty() && !allowed.contains(value) {
            self.wrong(path, format!("is not one of {}", schema["enum"]));
        }
    }

    fn bounds(&mut self, value: &Value, schema: &Map<String, Value>, path: &str) {
        let (size, what, least, most) = match value {
            Value::String(text) => (text.chars().count() as f64, "characters", "minLength", "maxLength"),
            Value::Array(items) => (items.len() as f64, "items", "minItems", "maxItems"),
            Value::Number(number) => (number.as_f64().unwrap_or_default(), "", "minimum", "maximum"),
            Value::Null | Value::Bool(_) | Value::Object(_) => return,
        };
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let tell = |word: &str, limit: f64| match what {
            "" => format!("is {word} than {limit}"),
            _ => format!("has {word} than {limit} {what}: {size}"),
        };
        if let Some(limit) = bound(least).filter(|limit| size < *limit) {
            self.wrong(path, tell("less", limit));
        }
        if let Some(limit) = bound(most).filter(|limit| size > *limit) {
            self.wrong(path, tell("more", limit));
        }
        if value.is_number() {
            if let Some(limit) = bound("exclusiveMinimum").filter(|limit| size <= *limit) {
                self.wrong(path, format!("is not more than {limit}"));
            }
            if let Some(limit) = bound("exclusiveMaximum").filter(|limit| size >= *limit) {
                self.wrong(path, format!("is not less than {limit}"));
            }
        }
    }

    fn object(&mut self, object: &Map<String, Value>, schema: &'a Map<String, Value>, path: &mut String, depth: usize) {
        for name in list(schema, "required") {
            if name.as_str().is_some_and(|name| !object.contains_key(name)) {
                self.wrong(path, format!("{name} is a required property"));
            }
        }
        let known = schema.get("properties").and_then(Value::as_object);
        for (name, value) in object {
            match (
                known.and_then(|known| known.get(name)),
                schema.get("additionalProperties"),
            ) {
                (Some(schema), _) => self.below(value, schema, path, name, depth),
                (None, Some(Value::Bool(false))) => self.wrong(path, format!("`{name}` is not a property")),
                (None, Some(schema)) => self.below(value, schema, path, name, depth),
                (None, None) => {}
            }
        }
    }
}

fn list<'a>(schema: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    schema.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(value: Value, schema: &Value) -> Vec<String> {
        errors(&value, schema, 10)
    }

    #[test]
    fn says_where_and_what() {
        let schema = json!({
            "type": "object",
            "properties": {
                "title": { "type": "string", "minLength": 2, "maxLength": 5 },
                "tags": { "type": "array", "maxItems": 1, "items": { "$ref": "#/$defs/tag" } },
                "share": { "type": "number", "minimum": 0, "exclusiveMaximum": 1 },
                "count": { "type": ["integer", "null"] },
                "kind": { "anyOf": [{ "const": "a" }, { "enum": ["b", "c"] }] },
                "more": { "type": "object", "additionalProperties": { "type": "boolean" } },
            },
            "required": ["title"],
            "additionalProperties": false,
            "$defs": { "tag": { "type": "string" } },
        });
        let good =
            json!({ "title": "üüüüü", "tags": ["x"], "share": 0.5, "count": 3.0, "kind": "c", "more": { "a": true } });
        assert_eq!(found(good, &schema), Vec::<String>::new());
        for (value, line) in [
            (json!([]), "/: is not of type \"object\""),
            (json!({}), "/: \"title\" is a required property"),
            (json!({ "title": "x" }), "/title: has less than 2 characters: 1"),
            (json!({ "title": "sixsix" }), "/title: has more than 5 characters: 6"),
            (
                json!({ "title": "ok", "tags": ["a", "b"] }),
                "/tags: has more than 1 items: 2",
            ),
            (
                json!({ "title": "ok", "tags": [1] }),
                "/tags/0: is not of type \"string\"",
            ),
            (json!({ "title": "ok", "share": -1 }), "/share: is less than 0"),
            (json!({ "title": "ok", "share": 1 }), "/share: is not less than 1"),
            (
                json!({ "title": "ok", "count": 1.5 }),
                "/count: is none of the types [\"integer\",\"null\"]",
            ),
            (
                json!({ "title": "ok", "kind": "d" }),
                "/kind: fits none of the 2 forms allowed here",
            ),
            (
                json!({ "title": "ok", "more": { "a": 1 } }),
                "/more/a: is not of type \"boolean\"",
            ),
            (json!({ "title": "ok", "other": 1 }), "/: `other` is not a property"),
        ] {
            assert_eq!(found(value.clone(), &schema), [line], "{value}");
        }
    }

    #[test]
    fn recursion_and_nonsense_end() {
        let endless = json!({ "$ref": "#" });
        assert!(found(json!({}), &endless).is_empty());
        let odd = json!({ "type": 7, "required": "x", "properties": [], "$ref": 3, "anyOf": {} });
        assert!(found(json!({ "a": 1 }), &odd).is_empty());
        let many: Vec<Value> = (0..100).map(Value::from).collect();
        let strings = json!({ "items": { "type": "string" } });
        assert_eq!(found(Value::from(many), &strings).len(), 10);
    }
}

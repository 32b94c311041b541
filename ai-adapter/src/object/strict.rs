//! Renders a JSON schema in the dialect providers enforce.

use serde_json::{Map, Value, json};

/// String formats OpenAI enforces; another one is refused.
const FORMATS: [&str; 9] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uuid",
];

/// Bounds that not every server and model enforces. They move into the description and are checked locally.
const BOUNDS: [&str; 10] = [
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
];

/// The schema in the strict dialect every enforcing provider takes, or `None` when the dialect cannot say it.
///
/// Every object is closed and requires all its properties; an optional one becomes nullable; bounds move into the
/// description; a map becomes an array of `{key, value}`; `oneOf` becomes `anyOf`; `const` becomes a one-word
/// `enum`. Tuples, free-form values and open objects have no strict form. Typed output turns the nulls and the
/// arrays back before it validates against the original.
///
/// Source: OpenAI's structured-output guide and the transformer in its client (`lib/transform.js`).
pub fn strict_schema(schema: &Value) -> Option<Value> {
    let mut strict = node(schema)?;
    let root = strict.as_object_mut()?;
    if root.get("type") != Some(&json!("object")) {
        return None;
    }
    for table in ["$defs", "definitions"] {
        if let Some(Value::Object(defs)) = schema.get(table) {
            let defs: Option<Map<_, _>> = defs
                .iter()
                .map(|(name, def)| Some((name.clone(), node(def)?)))
                .collect();
            root.insert(table.to_owned(), Value::Object(defs?));
        }
    }
    Some(strict)
}

fn node(schema: &Value) -> Option<Value> {
    let schema = schema.as_object()?;
    let mut out = Map::new();
    if let Some(description) = describe(schema) {
        out.insert("description".to_owned(), Value::String(description));
    }
    if let Some(reference) = schema.get("$ref") {
        // Keywords beside a `$ref` are refused, so a described one moves into a union of one.
        let reference = json!({ "$ref": reference });
        if out.is_empty() {
            return Some(reference);
        }
        out.insert("anyOf".to_owned(), json!([reference]));
        return Some(Value::Object(out));
    }
    if let Some(Value::Array(all)) = schema.get("allOf") {
        let [only] = all.as_slice() else { return None };
        out.insert("anyOf".to_owned(), Value::Array(vec![node(only)?]));
        return Some(Value::Object(out));
    }
    if let Some(Value::Array(branches)) = schema.get("anyOf").or_else(|| schema.get("oneOf")) {
        let branches: Option<Vec<_>> = branches.iter().map(node).collect();
        out.insert("anyOf".to_owned(), Value::Array(branches?));
        return Some(Value::Object(out));
    }
    if let Some(value) = schema.get("const") {
        out.insert("type".to_owned(), json!(type_of(value)?));
        out.insert("enum".to_owned(), json!([value]));
        return Some(Value::Object(out));
    }
    match schema.get("type")? {
        Value::String(name) => typed(schema, name, out),
        Value::Array(names) => {
            let branches: Option<Vec<_>> = names
                .iter()
                .map(|name| typed(schema, name.as_str()?, Map::new()))
                .collect();
            out.insert("anyOf".to_owned(), Value::Array(branches?));
            Some(Value::Object(out))
        }
        _ => None,
    }
}

fn typed(schema: &Map<String, Value>, name: &str, mut out: Map<String, Value>) -> Option<Value> {
    out.insert("type".to_owned(), json!(name));
    match name {
        "object" => return object(schema, out),
        "array" => {
            if schema.contains_key("prefixItems") {
                return None;
            }
            out.insert("items".to_owned(), node(schema.get("items")?)?);
        }
        "string" => {
            if let Some(format) = schema
                .get("format")
                .filter(|format| FORMATS.iter().any(|known| *format == known))
            {
                out.insert("format".to_owned(), format.clone());
            }
        }
        _ => {}
    }
    if let Some(Value::Array(values)) = schema.get("enum").filter(|_| name != "null") {
        // In a nullable enum each branch keeps the values of its own type.
        let fits = |value: &&Value| type_of(value) == Some(name) || (name == "number" && value.is_number());
        let values: Vec<_> = values.iter().filter(fits).cloned().collect();
        out.insert("enum".to_owned(), Value::Array(values));
    }
    Some(Value::Object(out))
}

fn object(schema: &Map<String, Value>, mut out: Map<String, Value>) -> Option<Value> {
    let open = schema
        .get("additionalProperties")
        .filter(|more| **more != Value::Bool(false));
    let properties = match schema.get("properties") {
        Some(Value::Object(properties)) if !properties.is_empty() => {
            if open.is_some() {
                return None;
            }
            properties
        }
        _ => match open {
            Some(values) => return Some(pairs(&node(values)?, out)),
            // A struct without fields; an object about which nothing is said has no strict form.
            None if schema.contains_key("additionalProperties") || schema.contains_key("title") => &Map::new(),
            None => return None,
        },
    };
    let required: Vec<&str> = match schema.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut strict = Map::new();
    for (name, property) in properties {
        let rendered = node(property)?;
        let rendered = if required.contains(&name.as_str()) {
            rendered
        } else {
            nullable(rendered)
        };
        strict.insert(name.clone(), rendered);
    }
    out.insert("required".to_owned(), strict.keys().cloned().collect());
    out.insert("properties".to_owned(), Value::Object(strict));
    out.insert("additionalProperties".to_owned(), json!(false));
    Some(Value::Object(out))
}

/// A map as an array: strict objects name every key.
fn pairs(values: &Value, mut out: Map<String, Value>) -> Value {
    let item = json!({
        "type": "object",
        "properties": { "key": { "type": "string" }, "value": values },
        "required": ["key", "value"],
        "additionalProperties": false,
    });
    out.insert("type".to_owned(), json!("array"));
    out.insert("items".to_owned(), item);
    Value::Object(out)
}

fn nullable(mut schema: Value) -> Value {
    let nothing = json!({ "type": "null" });
    if let Some(Value::Array(branches)) = schema.get_mut("anyOf") {
        if !branches.contains(&nothing) {
            branches.push(nothing);
        }
        return schema;
    }
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut out = json!({ "anyOf": [schema, nothing] });
    if let Some(description) = description {
        out["description"] = description;
    }
    out
}

/// The description, with the bounds the dialect cannot say.
fn describe(schema: &Map<String, Value>) -> Option<String> {
    let mut text = schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let bounds: Vec<String> = BOUNDS
        .iter()
        .filter_map(|bound| Some(format!("{bound} {}", schema.get(*bound)?)))
        .collect();
    if !bounds.is_empty() {
        let gap = if text.is_empty() { "" } else { " " };
        text = format!("{text}{gap}({})", bounds.join(", "));
    }
    (!text.is_empty()).then_some(text)
}

fn type_of(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::Null => "null",
        Value::Array(_) | Value::Object(_) => return None,
    })
}

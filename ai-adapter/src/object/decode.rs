//! Undoes what [`compile_schema`](crate::compile_schema) had to change, before the original schema judges.

use serde_json::{Map, Value};

/// A schema deeper than this is recursive beyond what a model writes.
const MAX_DEPTH: usize = 64;

/// Turns a null that stands for "absent" back into absence, and arrays of `{key, value}` back into maps. Guided by
/// the original schema alone, so an answer that already fits is left as it is.
pub(super) fn restore(value: &mut Value, root: &Value) {
    walk(value, root, root, MAX_DEPTH);
}

fn walk(value: &mut Value, schema: &Value, root: &Value, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let Some(schema) = resolve(schema, root) else {
        return;
    };
    for keyword in ["anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(branches)) = schema.get(keyword) {
            for branch in branches {
                walk(value, branch, root, depth);
            }
        }
    }
    if let Some(values) = schema
        .get("additionalProperties")
        .filter(|more| more.is_object() || **more == true)
    {
        let is_map = schema
            .get("properties")
            .and_then(Value::as_object)
            .is_none_or(Map::is_empty);
        if let Some(map) = value.as_array().filter(|_| is_map).and_then(|items| map_of(items)) {
            *value = Value::Object(map);
        }
        if let Value::Object(map) = &mut *value {
            let known = schema.get("properties").and_then(Value::as_object);
            let others = map
                .iter_mut()
                .filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)));
            others.for_each(|(_, value)| walk(value, values, root, depth));
        }
    }
    match value {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = schema.get("properties") {
                let required = schema.get("required").and_then(Value::as_array);
                object.retain(|name, value| match properties.get(name) {
                    Some(property) if value.is_null() => {
                        let required = required.is_some_and(|names| names.iter().any(|other| other == name));
                        required || takes_null(property, root, depth)
                    }
                    _ => true,
                });
                for (name, value) in object.iter_mut() {
                    if let Some(property) = properties.get(name) {
                        walk(value, property, root, depth);
                    }
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| walk(item, schema, root, depth));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The schema a local `$ref` points to; itself without one.
fn resolve<'a>(schema: &'a Value, root: &'a Value) -> Option<&'a Value> {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.strip_prefix('#')?),
        None => Some(schema),
    }
}

fn takes_null(schema: &Value, root: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return true;
    };
    let Some(schema) = resolve(schema, root) else {
        return true;
    };
    let in_type = match schema.get("type") {
        Some(Value::String(name)) => name == "null",
        Some(Value::Array(names)) => names.iter().any(|name| name == "null"),
        _ => false,
    };
    let branches = ["anyOf", "oneOf"]
        .iter()
        .filter_map(|keyword| schema.get(*keyword)?.as_array())
        .flatten();
    let untyped = !["type", "anyOf", "oneOf", "allOf", "enum", "const"]
        .iter()
        .any(|key| schema.get(*key).is_some());
    in_type || untyped || branches.into_iter().any(|branch| takes_null(branch, root, depth))
}

fn map_of(items: &[Value]) -> Option<Map<String, Value>> {
    items
        .iter()
        .map(|item| match item {
            Value::Object(pair) if pair.len() == 2 => {
                Some((pair.get("key")?.as_str()?.to_owned(), pair.get("value")?.clone()))
            }
            _ => None,
        })
        .collect()
}

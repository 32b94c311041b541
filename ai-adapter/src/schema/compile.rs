//! One walk for every dialect; what differs is data.

use serde_json::{Map, Value, json};

use super::{CompiledSchema, Loss, LossKind, SchemaDialect, limits, rules::Rules};

/// Every bound JSON schema has on text, numbers and lists.
const BOUNDS: [&str; 11] = [
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
    "uniqueItems",
];

pub(super) fn compile(schema: &Value, dialect: SchemaDialect) -> CompiledSchema {
    let mut walk = Walk {
        rules: Rules::of(dialect),
        losses: Vec::new(),
    };
    let compiled = walk.root(schema);
    let mut losses = walk.losses;
    if let Some(compiled) = &compiled {
        losses.extend(limits::too_large(compiled, dialect));
    }
    CompiledSchema {
        schema: compiled,
        losses,
    }
}

struct Walk {
    rules: Rules,
    losses: Vec<Loss>,
}

impl Walk {
    fn lose(&mut self, path: &str, kind: LossKind, what: impl Into<String>) {
        self.losses.push(Loss {
            path: path.to_owned(),
            kind,
            what: what.into(),
        });
    }

    fn cannot<T>(&mut self, path: &str, what: &str) -> Option<T> {
        self.lose(path, LossKind::Inexpressible, what);
        None
    }

    fn root(&mut self, schema: &Value) -> Option<Value> {
        let mut compiled = self.node(schema, "")?;
        let root = compiled.as_object_mut()?;
        if root.get("type") != Some(&json!("object")) {
            return self.cannot("", "a root that is no object");
        }
        for table in ["$defs", "definitions"] {
            if let Some(Value::Object(defs)) = schema.get(table) {
                let mut out = Map::new();
                for (name, def) in defs {
                    out.insert(name.clone(), self.node(def, &format!("/{table}/{name}"))?);
                }
                root.insert(table.to_owned(), Value::Object(out));
            }
        }
        Some(compiled)
    }

    fn node(&mut self, schema: &Value, path: &str) -> Option<Value> {
        let Some(schema) = schema.as_object() else {
            return self.any(Map::new(), path);
        };
        let mut out = Map::new();
        if let Some(description) = self.describe(schema, path) {
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
            let [only] = all.as_slice() else {
                return self.cannot(path, "allOf of several schemas");
            };
            out.insert(
                "anyOf".to_owned(),
                Value::Array(vec![self.node(only, &format!("{path}/allOf/0"))?]),
            );
            return Some(Value::Object(out));
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(Value::Array(branches)) = schema.get(keyword) {
                if keyword == "oneOf" {
                    self.lose(path, LossKind::Replaced, "oneOf");
                }
                let branches: Option<Vec<_>> = (branches.iter().enumerate())
                    .map(|(at, branch)| self.node(branch, &format!("{path}/{keyword}/{at}")))
                    .collect();
                out.insert("anyOf".to_owned(), Value::Array(branches?));
                return Some(Value::Object(out));
            }
        }
        if let Some(value) = schema.get("const") {
            let Some(kind) = type_of(value) else {
                return self.cannot(path, "const of a list or object");
            };
            out.insert("type".to_owned(), json!(kind));
            if self.rules.no_const {
                self.lose(path, LossKind::Replaced, "const");
                out.insert("enum".to_owned(), json!([value]));
            } else {
                out.insert("const".to_owned(), value.clone());
            }
            return Some(Value::Object(out));
        }
        match schema.get("type") {
            Some(Value::String(name)) => self.typed(schema, name, out, path),
            Some(Value::Array(names)) => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                let branches = names.into_iter().map(|name| self.typed(schema, name, Map::new(), path));
                let branches: Option<Vec<_>> = branches.collect();
                out.insert("anyOf".to_owned(), Value::Array(branches?));
                Some(Value::Object(out))
            }
            _ if schema.contains_key("enum") => self.untyped_enum(schema, out, path),
            _ => self.any(out, path),
        }
    }

    fn any(&mut self, out: Map<String, Value>, path: &str) -> Option<Value> {
        if self.rules.any {
            Some(Value::Object(out))
        } else {
            self.cannot(path, "a value of any shape")
        }
    }

    fn untyped_enum(&mut self, schema: &Map<String, Value>, mut out: Map<String, Value>, path: &str) -> Option<Value> {
        let values = schema.get("enum").and_then(Value::as_array)?;
        let kind = values
            .first()
            .and_then(type_of)
            .filter(|kind| values.iter().all(|value| type_of(value) == Some(kind)));
        let Some(kind) = kind else {
            return self.cannot(path, "an enum of mixed types");
        };
        out.insert("type".to_owned(), json!(kind));
        out.insert("enum".to_owned(), schema["enum"].clone());
        Some(Value::Object(out))
    }

    fn typed(
        &mut self,
        schema: &Map<String, Value>,
        name: &str,
        mut out: Map<String, Value>,
        path: &str,
    ) -> Option<Value> {
        out.insert("type".to_owned(), json!(name));
        match name {
            "object" => return self.object(schema, out, path),
            "array" => {
                if let Some(Value::Array(tuple)) = schema.get("prefixItems") {
                    if !self.rules.tuples {
                        return self.cannot(path, "a tuple");
                    }
                    let items: Option<Vec<_>> = (tuple.iter().enumerate())
                        .map(|(at, item)| self.node(item, &format!("{path}/prefixItems/{at}")))
                        .collect();
                    out.insert("prefixItems".to_owned(), Value::Array(items?));
                } else {
                    let Some(items) = schema.get("items") else {
                        return self.cannot(path, "a list of anything");
                    };
                    out.insert("items".to_owned(), self.node(items, &format!("{path}/items"))?);
                }
            }
            "string" => {
                if let Some(format) = schema.get("format").and_then(Value::as_str) {
                    if self.rules.formats.contains(&format) {
                        out.insert("format".to_owned(), json!(format));
                    } else {
                        self.lose(path, LossKind::Dropped, format!("format {format}"));
                    }
                }
            }
            _ => {}
        }
        let kept = self.rules.bounds.iter().filter(|bound| fits_type(bound, name));
        for bound in kept {
            if let Some(limit) = schema.get(*bound) {
                out.insert((*bound).to_owned(), limit.clone());
            }
        }
        if let Some(Value::Array(values)) = schema.get("enum").filter(|_| name != "null") {
            // In a nullable enum each branch keeps the values of its own type.
            let fits = |value: &&Value| type_of(value) == Some(name) || (name == "number" && value.is_number());
            let values: Vec<_> = values.iter().filter(fits).cloned().collect();
            out.insert("enum".to_owned(), Value::Array(values));
        }
        Some(Value::Object(out))
    }

    fn object(&mut self, schema: &Map<String, Value>, mut out: Map<String, Value>, path: &str) -> Option<Value> {
        let open = schema
            .get("additionalProperties")
            .filter(|more| **more != Value::Bool(false));
        let nothing = Map::new();
        let properties = match schema.get("properties") {
            Some(Value::Object(properties)) if !properties.is_empty() => {
                if open.is_some() {
                    return self.cannot(path, "an object with properties and others");
                }
                properties
            }
            _ => match open {
                Some(values) => return self.map(values, out, path),
                // A struct without fields; an object about which nothing is said has no closed form.
                None if schema.contains_key("additionalProperties") || schema.contains_key("title") => &nothing,
                None => return self.cannot(path, "an object of any shape"),
            },
        };
        let required: Vec<&str> = match schema.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut closed = Map::new();
        for (name, property) in properties {
            let below = format!("{path}/properties/{name}");
            let rendered = self.node(property, &below)?;
            let is_optional = self.rules.all_required && !required.contains(&name.as_str());
            let rendered = if is_optional {
                self.lose(&below, LossKind::MadeNullable, "an optional property");
                nullable(rendered)
            } else {
                rendered
            };
            closed.insert(name.clone(), rendered);
        }
        let required: Value = if self.rules.all_required {
            closed.keys().cloned().collect()
        } else {
            required.into_iter().filter(|name| closed.contains_key(*name)).collect()
        };
        out.insert("required".to_owned(), required);
        out.insert("properties".to_owned(), Value::Object(closed));
        out.insert("additionalProperties".to_owned(), json!(false));
        Some(Value::Object(out))
    }

    /// A map; as an array of pairs where objects name every key.
    fn map(&mut self, values: &Value, mut out: Map<String, Value>, path: &str) -> Option<Value> {
        let values = self.node(values, &format!("{path}/additionalProperties"))?;
        if !self.rules.maps_as_pairs {
            out.insert("additionalProperties".to_owned(), values);
            return Some(Value::Object(out));
        }
        self.lose(path, LossKind::MadePairs, "a map");
        let item = json!({
            "type": "object",
            "properties": { "key": { "type": "string" }, "value": values },
            "required": ["key", "value"],
            "additionalProperties": false,
        });
        out.insert("type".to_owned(), json!("array"));
        out.insert("items".to_owned(), item);
        Some(Value::Object(out))
    }

    /// The description, with the bounds the dialect cannot say.
    fn describe(&mut self, schema: &Map<String, Value>, path: &str) -> Option<String> {
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let untold: Vec<String> = BOUNDS
            .iter()
            .filter(|bound| !self.rules.bounds.contains(bound))
            .filter_map(|bound| Some(format!("{bound} {}", schema.get(*bound)?)))
            .collect();
        if untold.is_empty() {
            return (!text.is_empty()).then(|| text.to_owned());
        }
        for bound in &untold {
            self.lose(path, LossKind::MovedToDescription, bound);
        }
        let gap = if text.is_empty() { "" } else { " " };
        Some(format!("{text}{gap}({})", untold.join(", ")))
    }
}

fn fits_type(bound: &str, name: &str) -> bool {
    match name {
        "array" => bound.ends_with("Items"),
        "integer" | "number" => bound.ends_with("imum"),
        _ => false,
    }
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

use serde_json::{Value, json};

use super::*;

fn compiled(schema: Value, dialect: SchemaDialect) -> Value {
    compile_schema(&schema, dialect).schema.unwrap()
}

fn kinds(schema: Value, dialect: SchemaDialect) -> Vec<(String, LossKind)> {
    let losses = compile_schema(&schema, dialect).losses;
    losses.into_iter().map(|loss| (loss.path, loss.kind)).collect()
}

fn page() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Page",
        "type": "object",
        "properties": {
            "title": { "type": "string", "description": "The title.", "maxLength": 60, "pattern": "^A" },
            "score": { "type": "number", "minimum": 0, "exclusiveMaximum": 1, "format": "double" },
            "tags": { "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 3 },
            "kind": { "const": "page" },
            "note": { "type": ["string", "null"], "format": "uri" },
            "facts": { "type": "object", "additionalProperties": { "type": "integer" } },
            "next": { "$ref": "#/$defs/Link", "description": "Where to go." },
            "shape": { "oneOf": [{ "$ref": "#/$defs/Link" }, { "type": "null" }] },
        },
        "required": ["title", "score", "tags", "kind", "facts", "next", "shape"],
        "$defs": { "Link": { "type": "object", "properties": { "url": { "type": "string" } }, "required": ["url"] } },
    })
}

#[test]
fn openai_closes_requires_and_says_bounds_in_words() {
    let want = json!({
        "type": "object",
        "properties": {
            "title": { "type": "string", "description": "The title. (maxLength 60, pattern \"^A\")" },
            "score": { "type": "number", "description": "(minimum 0, exclusiveMaximum 1)" },
            "tags": { "type": "array", "items": { "type": "string" }, "description": "(minItems 1, maxItems 3)" },
            "kind": { "type": "string", "enum": ["page"] },
            "note": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
            "facts": { "type": "array", "items": { "type": "object", "additionalProperties": false,
                "properties": { "key": { "type": "string" }, "value": { "type": "integer" } }, "required": ["key", "value"] } },
            "next": { "description": "Where to go.", "anyOf": [{ "$ref": "#/$defs/Link" }] },
            "shape": { "anyOf": [{ "$ref": "#/$defs/Link" }, { "type": "null" }] },
        },
        "required": ["facts", "kind", "next", "note", "score", "shape", "tags", "title"],
        "additionalProperties": false,
        "$defs": { "Link": { "type": "object", "properties": { "url": { "type": "string" } }, "required": ["url"],
            "additionalProperties": false } },
    });
    assert_eq!(compiled(page(), SchemaDialect::OpenAi), want);
    let losses = kinds(page(), SchemaDialect::OpenAi);
    for loss in [
        ("/properties/title", LossKind::MovedToDescription),
        ("/properties/note", LossKind::MadeNullable),
        ("/properties/note", LossKind::Dropped),
        ("/properties/facts", LossKind::MadePairs),
        ("/properties/kind", LossKind::Replaced),
        ("/properties/shape", LossKind::Replaced),
    ] {
        assert!(losses.contains(&(loss.0.to_owned(), loss.1)), "{loss:?} in {losses:?}");
    }
}

#[test]
fn anthropic_keeps_what_is_optional_and_const() {
    let schema = compiled(page(), SchemaDialect::Anthropic);
    assert_eq!(
        schema["properties"]["kind"],
        json!({ "type": "string", "const": "page" })
    );
    let note = json!({ "anyOf": [{ "type": "string", "format": "uri" }, { "type": "null" }] });
    assert_eq!(schema["properties"]["note"], note);
    assert!(!schema["required"].as_array().unwrap().contains(&json!("note")));
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["facts"]["type"], "array");
}

#[test]
fn gemini_keeps_maps_tuples_and_some_bounds() {
    let schema = compiled(page(), SchemaDialect::Gemini);
    assert_eq!(
        schema["properties"]["facts"]["additionalProperties"],
        json!({ "type": "integer" })
    );
    let tags = json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 3 });
    assert_eq!(schema["properties"]["tags"], tags);
    let score = json!({ "type": "number", "minimum": 0, "description": "(exclusiveMaximum 1)" });
    assert_eq!(schema["properties"]["score"], score);
    assert_eq!(
        schema["properties"]["kind"],
        json!({ "type": "string", "enum": ["page"] })
    );
    let pair =
        json!({ "type": "object", "properties": { "p": { "type": "array", "prefixItems": [{ "type": "string" }] } } });
    assert!(compile_schema(&pair, SchemaDialect::Gemini).schema.is_some());
}

#[test]
fn what_cannot_be_said_is_told_and_not_sent_as_enforced() {
    for (schema, what) in [
        (json!({ "type": "array", "items": {} }), "any shape"),
        (json!({ "type": "array", "items": { "type": "string" } }), "root"),
        (json!({ "type": "object", "properties": { "a": {} } }), "any shape"),
        (
            json!({ "type": "object", "properties": { "a": { "type": "object" } } }),
            "any shape",
        ),
        (
            json!({ "type": "object", "properties": { "a": { "type": "array" } } }),
            "list of anything",
        ),
        (
            json!({ "type": "object", "properties": { "a": { "enum": [1, "a"] } } }),
            "mixed",
        ),
        (
            json!({ "type": "object", "properties": { "a": { "const": [] } } }),
            "const",
        ),
        (
            json!({ "type": "object", "properties": { "a": { "allOf": [{ "type": "null" }, { "type": "null" }] } } }),
            "allOf",
        ),
        (
            json!({ "type": "object", "properties": { "a": { "type": "null" } }, "additionalProperties": true }),
            "others",
        ),
    ] {
        let compiled = compile_schema(&schema, SchemaDialect::OpenAi);
        assert_eq!(compiled.schema, None, "{schema}");
        let last = compiled.losses.last().unwrap();
        assert!(last.is_fatal() && last.to_string().contains(what), "{schema}: {last}");
    }
}

#[test]
fn a_schema_over_the_limits_is_told() {
    let mut deep = json!({ "type": "string" });
    for _ in 0..11 {
        deep = json!({ "type": "object", "properties": { "a": deep }, "required": ["a"] });
    }
    let loss = compile_schema(&deep, SchemaDialect::OpenAi).losses.pop().unwrap();
    assert_eq!(
        (loss.kind, loss.what.as_str()),
        (LossKind::TooLarge, "11 levels of nesting (at most 10)")
    );
    let many: serde_json::Map<_, _> = (0..25)
        .map(|at| (format!("p{at}"), json!({ "type": "string" })))
        .collect();
    let many = json!({ "type": "object", "properties": many });
    assert_eq!(
        kinds(many.clone(), SchemaDialect::Anthropic),
        [(String::new(), LossKind::TooLarge)]
    );
    assert!(compile_schema(&many, SchemaDialect::Gemini).losses.is_empty());
}

//! Shapes rendered text by the schema, and words what went wrong.

use serde_json::Value;

/// The value of one field, `None` when an optional one rendered to nothing. The error is a reason.
pub(super) fn shape(text: &str, field: &str, root: &Value) -> Result<Option<Value>, String> {
    let text = text.trim();
    let required = root
        .get("required")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().any(|name| name == field));
    let Some(schema) = root.get("properties").and_then(|properties| properties.get(field)) else {
        return Err("the schema does not know this field".to_owned());
    };
    if text.is_empty() && !required {
        return Ok(None);
    }
    value(text, schema, root).map(Some)
}

fn value(text: &str, schema: &Value, root: &Value) -> Result<Value, String> {
    let (schema, kind) = kind(schema, root);
    match kind {
        "string" => Ok(Value::String(text.to_owned())),
        "array" => {
            let any = Value::Null;
            let items = schema.get("items").unwrap_or(&any);
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines
                .map(|line| value(line, items, root))
                .collect::<Result<_, _>>()
                .map(Value::Array)
        }
        _ => serde_json::from_str(text).map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            format!("`{shown}` is not {kind}")
        }),
    }
}

/// The schema behind references and nullable unions, and its type; text when nothing says otherwise.
fn kind<'a>(schema: &'a Value, root: &'a Value) -> (&'a Value, &'a str) {
    let mut schema = schema;
    // Each step goes one level in; a chain longer than this is a cycle.
    for _ in 0..16 {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            match reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
                Some(target) => schema = target,
                None => break,
            }
            continue;
        }
        let unions = ["anyOf", "oneOf", "allOf"]
            .iter()
            .find_map(|keyword| schema.get(*keyword)?.as_array());
        match unions.and_then(|branches| {
            branches
                .iter()
                .find(|branch| branch.get("type") != Some(&"null".into()))
        }) {
            Some(branch) => schema = branch,
            None => break,
        }
    }
    let kind = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    };
    (schema, kind.unwrap_or("string"))
}

/// ` line 3`, where it is known.
pub(super) fn place(error: &minijinja::Error) -> String {
    error.line().map_or_else(String::new, |line| format!(" line {line}"))
}

/// What is wrong, with the placeholder it is wrong with.
pub(super) fn reason(error: &minijinja::Error) -> String {
    if let Some(detail) = error.detail() {
        return format!("{}: {detail}", error.kind());
    }
    let source = error.template_source().unwrap_or_default();
    match error
        .range()
        .and_then(|range| source.get(range))
        .filter(|placeholder| !placeholder.trim().is_empty())
    {
        Some(placeholder) => format!("{} in `{}`", error.kind(), placeholder.trim()),
        None => error.kind().to_string(),
    }
}

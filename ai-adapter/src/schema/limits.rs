//! How large a schema may be.

use serde_json::Value;

use super::{Loss, LossKind, SchemaDialect};

/// OpenAI's limits, as three independent restatements agree on them; the server's message names the one that was met.
const OPENAI_LEVELS: usize = 10;
const OPENAI_PROPERTIES: usize = 5_000;
const OPENAI_ENUM_VALUES: usize = 1_000;
const OPENAI_NAME_CHARS: usize = 120_000;
/// Anthropic's, from a third-party comparison: past them the grammar is likely to be refused as too large.
const ANTHROPIC_OPTIONAL: usize = 24;
const ANTHROPIC_UNIONS: usize = 16;

#[derive(Default)]
struct Size {
    levels: usize,
    properties: usize,
    optional: usize,
    unions: usize,
    enum_values: usize,
    name_chars: usize,
}

/// What of a compiled schema is over the dialect's limits.
pub(super) fn too_large(schema: &Value, dialect: SchemaDialect) -> Vec<Loss> {
    let mut size = Size::default();
    size.measure(schema, 0);
    let rows: &[(&str, usize, usize)] = match dialect {
        SchemaDialect::OpenAi => &[
            ("levels of nesting", size.levels, OPENAI_LEVELS),
            ("properties", size.properties, OPENAI_PROPERTIES),
            ("enum values", size.enum_values, OPENAI_ENUM_VALUES),
            (
                "characters of names and enum values",
                size.name_chars,
                OPENAI_NAME_CHARS,
            ),
        ],
        SchemaDialect::Anthropic => &[
            ("optional properties", size.optional, ANTHROPIC_OPTIONAL),
            ("unions", size.unions, ANTHROPIC_UNIONS),
        ],
        // Google publishes none: "too many states" depends on the model.
        SchemaDialect::Gemini => &[],
    };
    let over = rows.iter().filter(|(_, count, limit)| count > limit);
    over.map(|(what, count, limit)| Loss {
        path: String::new(),
        kind: LossKind::TooLarge,
        what: format!("{count} {what} (at most {limit})"),
    })
    .collect()
}

impl Size {
    fn measure(&mut self, schema: &Value, level: usize) {
        let Some(object) = schema.as_object() else { return };
        let list = |name: &str| {
            object
                .get(name)
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice)
        };
        let mut level = level;
        if let Some(Value::Object(properties)) = object.get("properties") {
            level += 1;
            self.levels = self.levels.max(level);
            self.properties += properties.len();
            self.optional += properties.len().saturating_sub(list("required").len());
            for (name, property) in properties {
                self.name_chars += name.chars().count();
                self.measure(property, level);
            }
        }
        self.enum_values += list("enum").len();
        self.name_chars += list("enum")
            .iter()
            .filter_map(Value::as_str)
            .map(|text| text.chars().count())
            .sum::<usize>();
        self.unions += usize::from(list("anyOf").len() > 1);
        for branch in list("anyOf").iter().chain(list("prefixItems")) {
            self.measure(branch, level);
        }
        for name in ["items", "additionalProperties"] {
            if let Some(below) = object.get(name) {
                self.measure(below, level);
            }
        }
        for table in ["$defs", "definitions"] {
            for def in object
                .get(table)
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(|defs| defs.values())
            {
                self.measure(def, level);
            }
        }
    }
}

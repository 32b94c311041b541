//! JSON schemas in the dialects providers enforce, and what each dialect cannot say.

mod compile;
mod limits;
mod rules;

use std::fmt;

use schemars::JsonSchema;
use serde_json::Value;

use crate::ResponseSchema;

/// What a provider understands of JSON schema when it enforces one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SchemaDialect {
    /// OpenAI's strict mode and the servers that copy it: every object closed, every property required, no bounds that a server
    /// might refuse ([structured outputs](https://platform.openai.com/docs/guides/structured-outputs), and the transformer in OpenAI's client).
    OpenAi,
    /// Anthropic's `output_config.format`: objects closed, properties may be optional, `const` allowed, bounds not
    /// ([structured outputs](https://platform.claude.com/docs/en/build-with-claude/structured-outputs)).
    Anthropic,
    /// Gemini's `responseJsonSchema`: maps, tuples and the bounds on numbers and items allowed
    /// ([structured output](https://ai.google.dev/gemini-api/docs/structured-output)).
    Gemini,
}

impl SchemaDialect {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];
}

/// What became of a part of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LossKind {
    /// The dialect has no word for it: the description says it, and the local validation checks it.
    MovedToDescription,
    /// The optional property became required and nullable; a null is turned back into absence.
    MadeNullable,
    /// The map became a list of `{key, value}`; the list is turned back into a map.
    MadePairs,
    /// It became the nearest word the dialect has: `oneOf` is `anyOf`, `const` a one-word `enum`.
    Replaced,
    /// It was left out; only the local validation checks it.
    Dropped,
    /// The dialect cannot say it: the schema goes out unenforced, as it is.
    Inexpressible,
    /// The schema is larger than the dialect allows; a server may refuse it.
    TooLarge,
}

/// One thing a dialect could not say as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// Where in the original schema, as a JSON pointer; empty for its root.
    pub path: String,
    /// What became of it.
    pub kind: LossKind,
    /// What it was: `maxLength 60`.
    pub what: String,
}

impl Loss {
    /// Whether a provider will not enforce the schema because of it, or may refuse it.
    pub fn is_fatal(&self) -> bool {
        matches!(self.kind, LossKind::Inexpressible | LossKind::TooLarge)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let became = match self.kind {
            LossKind::MovedToDescription => "moved to the description",
            LossKind::MadeNullable => "made nullable",
            LossKind::MadePairs => "made a list of pairs",
            LossKind::Replaced => "replaced",
            LossKind::Dropped => "dropped",
            LossKind::Inexpressible => "cannot be said",
            LossKind::TooLarge => "is too large",
        };
        let path = if self.path.is_empty() { "/" } else { &self.path };
        write!(f, "{path}: {} {became}", self.what)
    }
}

/// A schema in a provider's dialect, and what was lost on the way.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CompiledSchema {
    /// The schema, `None` when the dialect cannot say it.
    pub schema: Option<Value>,
    /// Everything that changed, in the order of the schema.
    pub losses: Vec<Loss>,
}

impl CompiledSchema {
    #[cfg(feature = "__http")]
    pub(crate) fn unenforceable(&self) -> Option<&Loss> {
        self.losses.iter().find(|loss| loss.kind == LossKind::Inexpressible)
    }
}

/// Renders a JSON schema (draft 2020-12, as schemars writes it) in a dialect.
///
/// ```
/// use presswork_ai_adapter::{LossKind, SchemaDialect, compile_schema};
/// use serde_json::json;
///
/// let title = json!({ "type": "string", "maxLength": 60 });
/// let schema = json!({ "type": "object", "properties": { "title": title }, "required": ["title"] });
/// let compiled = compile_schema(&schema, SchemaDialect::OpenAi);
/// assert_eq!(compiled.losses[0].kind, LossKind::MovedToDescription);
/// assert_eq!(compiled.schema.unwrap()["properties"]["title"]["description"], "(maxLength 60)");
/// ```
pub fn compile_schema(schema: &Value, dialect: SchemaDialect) -> CompiledSchema {
    compile::compile(schema, dialect)
}

/// What keeps `T` from being enforced by the targets: nothing, for a type that every one of them can express.
///
/// Put it in a test, so that a type no provider enforces fails the build and not the bill:
///
/// ```
/// use presswork_ai_adapter::{SchemaDialect, lint_schema, schemars};
///
/// #[derive(schemars::JsonSchema)]
/// struct Draft {
///     title: String,
///     subtitle: Option<String>,
/// }
///
/// #[derive(schemars::JsonSchema)]
/// struct Anything {
///     value: std::collections::BTreeMap<String, serde_json::Value>,
/// }
///
/// assert!(lint_schema::<Draft>(&SchemaDialect::ALL).is_empty());
/// assert!(!lint_schema::<Anything>(&[SchemaDialect::OpenAi]).is_empty());
/// ```
pub fn lint_schema<T: JsonSchema>(targets: &[SchemaDialect]) -> Vec<(SchemaDialect, Loss)> {
    let schema = ResponseSchema::of::<T>().schema;
    let losses = targets.iter().flat_map(|target| {
        let losses = compile_schema(&schema, *target).losses;
        losses.into_iter().map(|loss| (*target, loss))
    });
    losses.filter(|(_, loss)| loss.is_fatal()).collect()
}

#[cfg(test)]
mod tests;

//! The dialects as data.

use super::SchemaDialect;

/// What a dialect can say.
pub(super) struct Rules {
    /// Every property is required; an optional one becomes nullable.
    pub(super) all_required: bool,
    /// Maps are lists of pairs, because every object is closed.
    pub(super) maps_as_pairs: bool,
    /// `const` is a one-word `enum`.
    pub(super) no_const: bool,
    /// `prefixItems`.
    pub(super) tuples: bool,
    /// Values of any shape.
    pub(super) any: bool,
    /// String formats that are enforced; others move to the description.
    pub(super) formats: &'static [&'static str],
    /// Bounds that are enforced; others move to the description.
    pub(super) bounds: &'static [&'static str],
}

const OPENAI_FORMATS: [&str; 9] = [
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
const ANTHROPIC_FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];
const GEMINI_FORMATS: [&str; 3] = ["date-time", "date", "time"];

impl Rules {
    pub(super) const fn of(dialect: SchemaDialect) -> Self {
        match dialect {
            SchemaDialect::OpenAi => Self {
                all_required: true,
                maps_as_pairs: true,
                no_const: true,
                tuples: false,
                any: false,
                formats: &OPENAI_FORMATS,
                // Base models take them and fine-tuned ones do not; saying them in words works everywhere.
                bounds: &[],
            },
            SchemaDialect::Anthropic => Self {
                all_required: false,
                maps_as_pairs: true,
                no_const: false,
                tuples: false,
                any: false,
                formats: &ANTHROPIC_FORMATS,
                bounds: &[],
            },
            SchemaDialect::Gemini => Self {
                all_required: false,
                maps_as_pairs: false,
                no_const: true,
                tuples: true,
                any: true,
                formats: &GEMINI_FORMATS,
                bounds: &["minimum", "maximum", "minItems", "maxItems"],
            },
        }
    }
}

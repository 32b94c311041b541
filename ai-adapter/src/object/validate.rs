//! The local check of an answer against the original schema: whole with the feature `jsonschema`, of the structure without.

use serde_json::Value;

/// More errors than this only cost tokens: they repeat one mistake.
pub(super) const MAX_ERRORS: usize = 10;

pub(super) use imp::Validator;

#[cfg(feature = "jsonschema")]
mod imp {
    use super::{MAX_ERRORS, Value};

    #[derive(Debug)]
    pub(in crate::object) struct Validator(jsonschema::Validator);

    impl Validator {
        pub(in crate::object) fn new(schema: &Value) -> Result<Self, String> {
            let validator = jsonschema::validator_for(schema);
            validator.map(Self).map_err(|error| error.to_string())
        }

        pub(in crate::object) fn errors(&self, value: &Value) -> Vec<String> {
            let errors = self.0.iter_errors(value).take(MAX_ERRORS);
            errors
                .map(|error| {
                    let path = error.instance_path().to_string();
                    let path = if path.is_empty() { "/" } else { &path };
                    // Long texts are echoed by the validator; the model has its own answer before it.
                    format!("{path}: {}", error.masked())
                })
                .collect()
        }
    }
}

#[cfg(not(feature = "jsonschema"))]
mod imp {
    use super::super::structure;
    use super::{MAX_ERRORS, Value};

    #[derive(Debug)]
    pub(in crate::object) struct Validator(Value);

    impl Validator {
        pub(in crate::object) fn new(schema: &Value) -> Result<Self, String> {
            Ok(Self(schema.clone()))
        }

        pub(in crate::object) fn errors(&self, value: &Value) -> Vec<String> {
            structure::errors(value, &self.0, MAX_ERRORS)
        }
    }
}

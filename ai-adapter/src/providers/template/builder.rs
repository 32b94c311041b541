//! Compiles the templates, all of them before the first is used.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::{NAME, Template, fill};
use crate::{Error, Failure, Result};

/// Collects objects and their fields; [`build`](TemplateBuilder::build) compiles them.
#[derive(Debug, Default)]
pub struct TemplateBuilder {
    objects: Vec<(String, Vec<(String, String)>)>,
}

impl TemplateBuilder {
    /// Adds an object: its fields and the minijinja template of each. The name is that of the
    /// [`ResponseSchema`](crate::ResponseSchema) it answers.
    #[must_use]
    pub fn object<F, S>(mut self, name: impl Into<String>, fields: impl IntoIterator<Item = (F, S)>) -> Self
    where
        F: Into<String>,
        S: Into<String>,
    {
        let fields = fields
            .into_iter()
            .map(|(field, source)| (field.into(), source.into()))
            .collect();
        self.objects.push((name.into(), fields));
        self
    }

    /// Compiles every template.
    ///
    /// # Errors
    /// [`Error::Config`] for a writer without objects, an object without fields, a name given twice, or a template that does
    /// not compile, naming object, field and line.
    pub fn build(self) -> Result<Template> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_debug(true);
        environment.set_auto_escape_callback(|name| {
            if name.ends_with("_html") {
                AutoEscape::Html
            } else {
                AutoEscape::None
            }
        });
        if self.objects.is_empty() {
            return Err(bad("a writer needs at least one object"));
        }
        let mut objects: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (object, sources) in self.objects {
            if sources.is_empty() {
                return Err(bad(format!("object `{object}` has no field")));
            }
            let mut fields: Vec<String> = Vec::with_capacity(sources.len());
            for (field, source) in sources {
                if fields.contains(&field) {
                    return Err(bad(format!("field `{object}.{field}` is given twice")));
                }
                environment
                    .add_template_owned(template_name(&object, &field), source)
                    .map_err(|error| {
                        let message = format!(
                            "field `{object}.{field}`{}: {}",
                            fill::place(&error),
                            fill::reason(&error)
                        );
                        Error::Config(Failure::new(NAME, message).source(error).boxed())
                    })?;
                fields.push(field);
            }
            if objects.insert(object.clone(), fields).is_some() {
                return Err(bad(format!("object `{object}` is given twice")));
            }
        }
        Ok(Template { environment, objects })
    }
}

pub(super) fn template_name(object: &str, field: &str) -> String {
    format!("{object}.{field}")
}

fn bad(message: impl AsRef<str>) -> Error {
    Error::Config(Failure::new(NAME, message).boxed())
}

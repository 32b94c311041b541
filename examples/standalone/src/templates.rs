//! The offline writer's templates.

use std::path::Path;

use presswork_ai_adapter::Template;
use serde::Deserialize;

use crate::exit::BadSettings;

const SAMPLE: &str = include_str!("../sample/templates.toml");

/// `[page]` and `[post]`, each field a minijinja template.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    page: toml::Table,
    post: toml::Table,
}

/// Compiles the templates of `path`, or the built-in sample's.
///
/// # Errors
/// [`BadSettings`] with the file, and the line or the field of the template that cannot be used.
pub(crate) fn writer(path: Option<&Path>) -> anyhow::Result<Template> {
    let (name, text) = match path {
        None => ("built-in templates".to_owned(), SAMPLE.to_owned()),
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|error| BadSettings(format!("{}: {error}", path.display())))?;
            (path.display().to_string(), text)
        }
    };
    let file: File = toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        BadSettings(format!("{name}:{line}: {}", error.message()))
    })?;
    let mut builder = Template::builder();
    for (object, table) in [("page", &file.page), ("post", &file.post)] {
        let mut fields = Vec::new();
        for (field, template) in table {
            let template = template
                .as_str()
                .ok_or_else(|| BadSettings(format!("{name}: {object}.{field} is not text")))?;
            fields.push((field.clone(), template.to_owned()));
        }
        builder = builder.object(object, fields);
    }
    Ok(builder
        .build()
        .map_err(|error| BadSettings(format!("{name}: {error}")))?)
}

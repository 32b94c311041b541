//! The model that the settings name.

use std::sync::Arc;

use presswork_ai_adapter::{LanguageModel, LanguageModelExt, OpenAi};

use super::{bad, secret};
use crate::exit::BadSettings;
use crate::settings::Settings;
use crate::templates;

/// Builds the model that writes.
///
/// # Errors
/// [`BadSettings`] for an unknown provider or one that lacks its model or key.
pub(crate) fn model(settings: &Settings) -> anyhow::Result<Arc<dyn LanguageModel>> {
    let model = &settings.pipeline.model;
    match model.provider.as_str() {
        "template" => {
            if let Some(name) = &model.name {
                return Err(bad("model.name", name, "no name with the provider template"));
            }
            if let Some(url) = &model.base_url {
                return Err(bad("model.base_url", url, "no address with the provider template"));
            }
            Ok(Arc::new(templates::writer(settings.templates.as_deref())?))
        }
        "openai" => {
            if let Some(file) = &settings.templates {
                let message = format!(
                    "templates is {}, which only the provider template reads",
                    file.display()
                );
                return Err(BadSettings(message).into());
            }
            let name = model.name.as_deref().ok_or_else(|| {
                BadSettings("model.name is missing, expected the model's id, e.g. gpt-5.4-mini".into())
            })?;
            let key = secret("OPENAI_API_KEY");
            let mut builder = OpenAi::builder(name);
            match (&model.base_url, key) {
                (None, None) => {
                    let message = "the environment variable OPENAI_API_KEY is missing; set it, or set model.base_url to a server that needs no key";
                    return Err(BadSettings(message.into()).into());
                }
                (base_url, key) => {
                    if let Some(url) = base_url {
                        builder = builder.base_url(url);
                    }
                    if let Some(key) = key {
                        builder = builder.api_key(key);
                    }
                }
            }
            let openai = builder.build().map_err(|error| BadSettings(error.to_string()))?;
            Ok(Arc::new(openai.retry(Default::default())))
        }
        other => Err(bad("model.provider", other, "template or openai")),
    }
}

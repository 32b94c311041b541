//! The model that the settings name.

use std::sync::Arc;

use presswork_ai_adapter::providers::openai::Preset;
use presswork_ai_adapter::{Anthropic, Gemini, LanguageModel, LanguageModelExt, OpenAi, WorkersAi};

use super::{bad, secret};
use crate::exit::BadSettings;
use crate::settings::Settings;
use crate::templates;

/// A model behind a server, patient with its passing faults. The builders are alike and of different types.
macro_rules! served {
    ($builder:expr, $settings:expr, $key:expr) => {{
        let (mut builder, key): (_, &str) = ($builder, $key);
        if let Some(url) = &$settings.base_url {
            builder = builder.base_url(url);
        }
        let found = secret(key);
        let keyless = found.is_none() && $settings.base_url.is_none();
        if let Some(key) = found {
            builder = builder.api_key(key);
        }
        // A provider's own server needs a key, and the builder knows which do.
        let model = builder.build().map_err(|error| match keyless {
            true => BadSettings(format!("{error}; {}", missing(key))),
            false => BadSettings(error.to_string()),
        })?;
        Ok(Arc::new(model.retry(Default::default())))
    }};
}

/// Builds the model that writes.
///
/// # Errors
/// [`BadSettings`] for an unknown provider or one that lacks its model or key.
pub(crate) fn model(settings: &Settings) -> anyhow::Result<Arc<dyn LanguageModel>> {
    let model = &settings.pipeline.model;
    if model.provider == "template" {
        if let Some(name) = &model.name {
            return Err(bad("model.name", name, "no name with the provider template"));
        }
        if let Some(url) = &model.base_url {
            return Err(bad("model.base_url", url, "no address with the provider template"));
        }
        return Ok(Arc::new(templates::writer(settings.templates.as_deref())?));
    }
    let preset = Preset::named(&model.provider);
    if preset.is_none() && !matches!(model.provider.as_str(), "anthropic" | "gemini" | "workers-ai") {
        let presets: Vec<_> = Preset::ALL.iter().map(|preset| preset.name).collect();
        let expected = format!("template, anthropic, gemini, workers-ai, {}", presets.join(", "));
        return Err(bad("model.provider", &model.provider, &expected));
    }
    if let Some(file) = &settings.templates {
        let message = format!(
            "templates is {}, which only the provider template reads",
            file.display()
        );
        return Err(BadSettings(message).into());
    }
    let name = model
        .name
        .as_deref()
        .ok_or_else(|| BadSettings("model.name is missing, expected the model's id, e.g. gpt-5.4-mini".into()))?;
    match (preset, model.provider.as_str()) {
        (None, "anthropic") => served!(Anthropic::builder(name), model, "ANTHROPIC_API_KEY"),
        (None, "gemini") => served!(Gemini::builder(name), model, "GEMINI_API_KEY"),
        (None, _) => {
            let account = secret("CLOUDFLARE_ACCOUNT_ID").ok_or_else(|| missing("CLOUDFLARE_ACCOUNT_ID"))?;
            served!(WorkersAi::builder(name).account(account), model, "CLOUDFLARE_API_TOKEN")
        }
        // Any other server that speaks Chat Completions, by its address.
        (Some(preset), "openai") if model.base_url.is_some() => {
            served!(OpenAi::builder(name).name(preset.name), model, "OPENAI_API_KEY")
        }
        (Some(preset), provider) => {
            let key = format!("{}_API_KEY", provider.to_uppercase().replace(['-', '.'], "_"));
            served!(OpenAi::builder(name).preset(*preset), model, &key)
        }
    }
}

fn missing(variable: &str) -> BadSettings {
    BadSettings(format!(
        "the environment variable {variable} is missing; set it, or set model.base_url to a server that needs no key"
    ))
}

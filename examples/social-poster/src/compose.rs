//! Chooses the providers and reads the settings.

use std::sync::Arc;

use presswork_ai_adapter::{LanguageModel, LanguageModelExt, OpenAi};
use presswork_content_store::D1Store;
use presswork_pipeline::{Config, Poster};
use presswork_social::Mastodon;
use worker::Env;

/// The handler of pages, and how many it handles at once.
pub(crate) fn poster(env: &Env) -> Result<(Poster, usize), String> {
    let var = |name: &str| env.var(name).ok().map(|value| value.to_string());
    let need = |name: &str| var(name).ok_or_else(|| format!("the var {name} is missing"));
    let config = Config::from_lookup(var).map_err(|error| error.to_string())?;
    let store = D1Store::new(env.d1("DB").map_err(|_| "the D1 binding DB is missing")?);
    let token = secret(env, "MASTODON_ACCESS_TOKEN")?;
    let mastodon = Mastodon::builder(need("MASTODON_URL")?, token).account(need("MASTODON_ACCOUNT")?);
    let mastodon = mastodon.build().map_err(|error| error.to_string())?;
    let (model, concurrency) = (model(env, &config)?, config.poster.concurrency as usize);
    let poster = Poster::new(Arc::new(config), Arc::new(store), model, vec![Arc::new(mastodon)]);
    Ok((poster, concurrency))
}

fn model(env: &Env, config: &Config) -> Result<Arc<dyn LanguageModel>, String> {
    let model = &config.model;
    if model.provider != "openai" {
        return Err(format!("MODEL_PROVIDER is {:?}, expected openai", model.provider));
    }
    let name = model.name.as_ref().ok_or("the var MODEL_NAME is missing")?;
    let mut openai = OpenAi::builder(name).api_key(secret(env, "OPENAI_API_KEY")?);
    if let Some(url) = &model.base_url {
        openai = openai.base_url(url);
    }
    let openai = openai.build().map_err(|error| error.to_string())?;
    Ok(Arc::new(openai.retry(Default::default())))
}

fn secret(env: &Env, name: &str) -> Result<String, String> {
    let secret = env.secret(name).map_err(|_| format!("the secret {name} is missing"))?;
    Ok(secret.to_string())
}

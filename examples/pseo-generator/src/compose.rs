//! Chooses the providers and reads the settings.

use std::sync::Arc;

use presswork_ai_adapter::{LanguageModel, LanguageModelExt, OpenAi};
use presswork_content_store::D1Store;
use presswork_pipeline::{Config, Generator};
use presswork_queue::CloudflareQueue;
use worker::Env;

/// What the site needs.
pub(crate) fn site(env: &Env) -> Result<(Config, D1Store), String> {
    let config = Config::from_lookup(|name| env.var(name).ok().map(|value| value.to_string()));
    let database = env.d1("DB").map_err(|_| "the D1 binding DB is missing");
    Ok((config.map_err(|error| error.to_string())?, D1Store::new(database?)))
}

/// What a run needs.
pub(crate) fn generator(env: &Env) -> Result<Generator, String> {
    let (config, store) = site(env)?;
    let queue = env
        .queue("SOCIAL_QUEUE")
        .map_err(|_| "the queue binding SOCIAL_QUEUE is missing")?;
    let (model, queue) = (model(env, &config)?, CloudflareQueue::new(queue));
    Ok(Generator::new(
        Arc::new(config),
        Arc::new(store),
        Arc::new(queue),
        model,
    ))
}

fn model(env: &Env, config: &Config) -> Result<Arc<dyn LanguageModel>, String> {
    let model = &config.model;
    if model.provider != "openai" {
        return Err(format!("MODEL_PROVIDER is {:?}, expected openai", model.provider));
    }
    let name = model.name.as_ref().ok_or("the var MODEL_NAME is missing")?;
    let key = env
        .secret("OPENAI_API_KEY")
        .map_err(|_| "the secret OPENAI_API_KEY is missing")?;
    let mut openai = OpenAi::builder(name).api_key(key.to_string());
    if let Some(url) = &model.base_url {
        openai = openai.base_url(url);
    }
    let openai = openai.build().map_err(|error| error.to_string())?;
    Ok(Arc::new(openai.retry(Default::default())))
}

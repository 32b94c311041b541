//! The model that the settings name.

use std::sync::Arc;
use std::time::Duration;

use presswork_ai_adapter::providers::openai::Preset;
use presswork_ai_adapter::{
    Account, Anthropic, Cap, Gemini, LanguageModel, LanguageModelExt, OpenAi, Price, Prices, RetryPolicy, WorkersAi,
};
use presswork_content_store::{ContentStore, SpendQuery};
use presswork_pipeline::config::ModelConfig;

use super::{bad, secret};
use crate::exit::BadSettings;
use crate::export::FAR_FUTURE_MS;
use crate::settings::Settings;
use crate::templates;

/// What writes, and the account its calls are paid from.
pub(crate) struct Writer {
    /// The model, with every policy around it.
    pub(crate) model: Arc<dyn LanguageModel>,
    account: Option<Account>,
}

impl Writer {
    /// Enters what the spend ledger says was spent today, so that a cap holds across processes that follow each other.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn enter_spent(&self, store: &dyn ContentStore) -> anyhow::Result<()> {
        let Some(account) = &self.account else { return Ok(()) };
        let query = SpendQuery {
            // The key is paid for every site.
            site: None,
            from_ms: crate::output::midnight_ms()?,
            until_ms: FAR_FUTURE_MS,
        };
        let spent = store.spend(&query).await?.cost_micros;
        Ok(account.charge(&[], spent)?)
    }
}

/// Builds the model that writes: each of the chain patient with passing faults, the next one asked when it fails.
///
/// # Errors
/// [`BadSettings`] for an unknown provider, one that lacks its model, key or price, and a setting that nothing reads.
pub(crate) fn model(settings: &Settings) -> anyhow::Result<Writer> {
    let config = &settings.pipeline.model;
    if config.provider == "template" {
        return offline(settings);
    }
    known("model.provider", &config.provider)?;
    if let Some(file) = &settings.templates {
        let message = format!(
            "templates is {}, which only the provider template reads",
            file.display()
        );
        return Err(BadSettings(message).into());
    }
    let name = config
        .name
        .as_deref()
        .ok_or_else(|| BadSettings("model.name is missing, expected the model's id, e.g. gpt-5.4-mini".into()))?;
    let mut chain = vec![provider(
        "model.provider",
        &config.provider,
        name,
        config.base_url.as_deref(),
    )?];
    let mut keys = vec![(key_of(&config.provider), &config.base_url)];
    for other in &config.fallback {
        let key = key_of(&other.provider);
        if secret(&key).is_some() && keys.iter().any(|(name, url)| *name == key && *url != &other.base_url) {
            let message = format!(
                "two servers take their key from {key}, which would show it to the other; give one another provider name, e.g. vllm"
            );
            return Err(BadSettings(message).into());
        }
        keys.push((key, &other.base_url));
        let (name, url) = (&other.name, other.base_url.as_deref());
        chain.push(provider("model.fallback.provider", &other.provider, name, url)?);
    }
    let account = account(config, &chain)?;
    let patience = patience(config, chain.len());
    let mut chain = chain.into_iter().rev();
    let last = chain.next().ok_or_else(|| BadSettings("no model is set".into()))?;
    let last = patient(last, config, account.as_ref(), RetryPolicy::default(), None);
    let model = chain.fold(last, |next, model| {
        let model = patient(
            model,
            config,
            account.as_ref(),
            RetryPolicy::default().max_attempts(2),
            Some(patience),
        );
        // A model that is down is not asked for a while; the next one is, at once.
        Arc::new(model.circuit_breaker().or(next))
    });
    Ok(Writer { model, account })
}

/// The writer that needs no network; no policy has anything to do with it.
fn offline(settings: &Settings) -> anyhow::Result<Writer> {
    let ModelConfig {
        provider: _,
        name,
        base_url,
        timeout_seconds: _,
        max_output_tokens: _,
        fallback,
        requests_per_minute,
        tokens_per_minute,
        daily_budget_usd,
        prices,
    } = &settings.pipeline.model;
    for (field, is_set) in [
        ("name", name.is_some()),
        ("base_url", base_url.is_some()),
        ("fallback", !fallback.is_empty()),
        ("requests_per_minute", requests_per_minute.is_some()),
        ("tokens_per_minute", tokens_per_minute.is_some()),
        ("daily_budget_usd", daily_budget_usd.is_some()),
        ("prices", !prices.is_empty()),
    ] {
        if is_set {
            let message = format!("model.{field} is not used with the provider template; expected no such setting");
            return Err(BadSettings(message).into());
        }
    }
    Ok(Writer {
        model: Arc::new(templates::writer(settings.templates.as_deref())?),
        account: None,
    })
}

/// How long one call of a model may take that has others behind it, so that these have a turn: two tries and one more.
fn patience(config: &ModelConfig, models: usize) -> Duration {
    let turns = u32::try_from(2 * models - 1).unwrap_or(u32::MAX);
    Duration::from_secs(config.timeout_seconds.into()) / turns
}

/// Nearest to the provider stands what knows of each attempt: its time, its turn, its price.
fn patient(
    model: Arc<dyn LanguageModel>,
    config: &ModelConfig,
    account: Option<&Account>,
    retry: RetryPolicy,
    timeout: Option<Duration>,
) -> Arc<dyn LanguageModel> {
    let model: Arc<dyn LanguageModel> = match timeout {
        Some(time) => Arc::new(model.timeout().total(time)),
        None => model,
    };
    let mut limited = model
        .rate_limit()
        .max_wait(Duration::from_secs(config.timeout_seconds.into()));
    if let Some(requests) = config.requests_per_minute {
        limited = limited.requests_per_minute(requests.into());
    }
    if let Some(tokens) = config.tokens_per_minute {
        limited = limited.tokens_per_minute(tokens.into());
    }
    match account {
        Some(account) => Arc::new(limited.budget(account).retry(retry)),
        None => Arc::new(limited.retry(retry)),
    }
}

/// Prices and the cap; nothing where neither is set.
fn account(config: &ModelConfig, chain: &[Arc<dyn LanguageModel>]) -> anyhow::Result<Option<Account>> {
    if config.prices.is_empty() && config.daily_budget_usd.is_none() {
        return Ok(None);
    }
    let named: Vec<String> = chain
        .iter()
        .map(|model| format!("{}/{}", model.provider(), model.model()))
        .collect();
    if let Some(other) = config.prices.keys().find(|price| !named.contains(price)) {
        return Err(bad("model.prices", other, &named.join(" or ")));
    }
    let mut prices = Prices::as_of("the settings");
    for (model, named) in chain.iter().zip(&named) {
        let price = config.prices.get(named).ok_or_else(|| {
            BadSettings(format!(
                "model.prices has no {named:?}, expected its price in dollars per million tokens: \"{named}\" = {{ input = 0.25, output = 2.0 }}"
            ))
        })?;
        let price = Price::new(micros(price.input), micros(price.output));
        prices = prices.model(model.provider(), model.model(), price);
    }
    let cap = config.daily_budget_usd.map(|dollars| Cap::per_day(micros(dollars)));
    Ok(Some(Account::new(prices, cap)))
}

/// Checked with the settings: from 0 to a million.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn micros(dollars: f64) -> u64 {
    (dollars * 1e6).round() as u64
}

/// The builders are alike and of different types.
macro_rules! served {
    ($builder:expr, $base_url:expr, $key:expr) => {{
        let (mut builder, key): (_, &str) = ($builder, $key);
        if let Some(url) = $base_url {
            builder = builder.base_url(url);
        }
        let found = secret(key);
        let keyless = found.is_none() && $base_url.is_none();
        if let Some(key) = found {
            builder = builder.api_key(key);
        }
        // A provider's own server needs a key, and the builder knows which do.
        let model = builder.build().map_err(|error| match keyless {
            true => BadSettings(format!("{error}; {}", missing(key))),
            false => BadSettings(error.to_string()),
        })?;
        Ok(Arc::new(model))
    }};
}

/// The preset of a provider that speaks OpenAI's language; `None` for one that has its own.
fn known(field: &str, provider: &str) -> anyhow::Result<Option<&'static Preset>> {
    let preset = Preset::named(provider);
    if preset.is_none() && !matches!(provider, "anthropic" | "gemini" | "workers-ai") {
        let presets: Vec<_> = Preset::ALL.iter().map(|preset| preset.name).collect();
        let expected = format!("template, anthropic, gemini, workers-ai, {}", presets.join(", "));
        return Err(bad(field, provider, &expected));
    }
    Ok(preset)
}

/// One model behind a server; `field` is the setting that names it.
fn provider(field: &str, provider: &str, name: &str, base_url: Option<&str>) -> anyhow::Result<Arc<dyn LanguageModel>> {
    let preset = known(field, provider)?;
    let key = key_of(provider);
    match (preset, provider) {
        (None, "anthropic") => served!(Anthropic::builder(name), base_url, &key),
        (None, "gemini") => served!(Gemini::builder(name), base_url, &key),
        (None, _) => {
            let account = secret("CLOUDFLARE_ACCOUNT_ID").ok_or_else(|| missing("CLOUDFLARE_ACCOUNT_ID"))?;
            served!(WorkersAi::builder(name).account(account), base_url, &key)
        }
        // Any other server that speaks Chat Completions, by its address.
        (Some(preset), "openai") if base_url.is_some() => {
            served!(OpenAi::builder(name).name(preset.name), base_url, &key)
        }
        (Some(preset), _) => served!(OpenAi::builder(name).preset(*preset), base_url, &key),
    }
}

/// The variable with a provider's key.
fn key_of(provider: &str) -> String {
    match provider {
        "workers-ai" => "CLOUDFLARE_API_TOKEN".into(),
        other => format!("{}_API_KEY", other.to_uppercase().replace(['-', '.'], "_")),
    }
}

fn missing(variable: &str) -> BadSettings {
    BadSettings(format!(
        "the environment variable {variable} is missing; set it, or set model.base_url to a server that needs no key"
    ))
}

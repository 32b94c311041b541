//! Chooses the providers that the settings name.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use presswork_ai_adapter::{LanguageModel, LanguageModelExt, OpenAi};
use presswork_content_store::{ContentStore, SqliteStore};
use presswork_pipeline::config::{SiteConfig, TargetConfig};
use presswork_queue::{Consumer, DeadLetters, Inspect, Queue, SqliteQueue};
use presswork_social::{Error as SocialError, Mastodon, Outbox, SocialTarget};

use crate::exit::BadSettings;
use crate::settings::Settings;
use crate::templates;

/// Every side of one queue.
pub(crate) trait WholeQueue: Queue + Consumer + DeadLetters + Inspect {}
impl<T: Queue + Consumer + DeadLetters + Inspect> WholeQueue for T {}

/// Opens the content store. With `alone`, leases of a process that died are given back at once: the lock on the data
/// folder says that nobody else holds any.
///
/// # Errors
/// What the store says.
pub(crate) async fn store(settings: &Settings, alone: bool) -> anyhow::Result<Arc<dyn ContentStore>> {
    let store = SqliteStore::open(&settings.store)?;
    if alone {
        store.release_leases().await?;
    }
    Ok(Arc::new(store))
}

/// Opens the queue; `alone` as for [`store`].
///
/// # Errors
/// What the queue says.
pub(crate) async fn queue(settings: &Settings, alone: bool) -> anyhow::Result<Arc<dyn WholeQueue>> {
    let poster = &settings.pipeline.poster;
    let queue = SqliteQueue::builder(&settings.queue)
        .name("posts")
        .max_attempts(poster.max_attempts)
        .lease(Duration::from_secs(poster.lease_seconds.into()))
        .build()?;
    if alone {
        queue.release_leases().await?;
    }
    Ok(Arc::new(queue))
}

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

/// Builds every target; without one in the settings, posts go to a file in the data folder.
///
/// # Errors
/// [`BadSettings`] for an unknown kind, a field that kind does not take, a missing secret, a secret that two targets
/// would share, or two targets that are the same account.
pub(crate) fn targets(settings: &Settings) -> anyhow::Result<Vec<Arc<dyn SocialTarget>>> {
    if settings.pipeline.targets.is_empty() {
        return Ok(vec![outbox(settings, None)?]);
    }
    let mut targets: Vec<Arc<dyn SocialTarget>> = Vec::new();
    let mut tokens: Vec<&str> = Vec::new();
    let mut files: Vec<PathBuf> = Vec::new();
    for config in &settings.pipeline.targets {
        if config.kind == "mastodon" {
            let name = token_name(config);
            if tokens.contains(&name) {
                let message = format!(
                    "two targets take their token from {name}, which would show it to another server; give each its own token_env"
                );
                return Err(BadSettings(message).into());
            }
            tokens.push(name);
        }
        if config.kind == "outbox" {
            // Seen before the file is opened, which would be refused the second time.
            let file = outbox_path(settings, config.path.as_deref());
            if files.iter().any(|other| other.file_name() == file.file_name()) {
                let message = format!(
                    "two targets are the outbox {}; give each another file name",
                    file.display()
                );
                return Err(BadSettings(message).into());
            }
            files.push(file);
        }
        let target = target(settings, config)?;
        let (network, account) = (target.network(), target.account());
        if targets
            .iter()
            .any(|other| other.network() == network && other.account().eq_ignore_ascii_case(account))
        {
            // The ledger knows a post by page, network and account: the second would count as posted by the first.
            return Err(BadSettings(format!("two targets are the account {account:?} of {network}")).into());
        }
        targets.push(target);
    }
    Ok(targets)
}

/// Asks each target whether the credentials are good, and lets it learn the server's limits. A network that is down or
/// refuses is only a warning: pages are made all the same, and their messages wait.
///
/// # Errors
/// [`BadSettings`] when the token belongs to another account than the settings name.
pub(crate) async fn check(targets: &[Arc<dyn SocialTarget>]) -> anyhow::Result<()> {
    for target in targets {
        match target.check().await {
            Ok(_) => {}
            Err(error @ SocialError::Config { .. }) => return Err(BadSettings(error.to_string()).into()),
            Err(error) => tracing::warn!(%error, account = target.account(), "the target cannot be used now"),
        }
    }
    Ok(())
}

fn target(settings: &Settings, config: &TargetConfig) -> anyhow::Result<Arc<dyn SocialTarget>> {
    match config.kind.as_str() {
        "outbox" => {
            if config.url.is_some() || config.account.is_some() || config.token_env.is_some() {
                let message = "target outbox: url, account and token_env are not used, expected path only";
                return Err(BadSettings(message.into()).into());
            }
            outbox(settings, config.path.as_deref())
        }
        "mastodon" => {
            if config.path.is_some() {
                return Err(BadSettings("target mastodon: path is not used, expected url and account".into()).into());
            }
            let field = |value: &Option<String>, name: &str| {
                value
                    .clone()
                    .ok_or_else(|| BadSettings(format!("target mastodon: {name} is missing")))
            };
            let (url, account) = (field(&config.url, "url")?, field(&config.account, "account")?);
            let site = &settings.pipeline.site.base_url;
            if *site == SiteConfig::default().base_url {
                let message = format!(
                    "target mastodon ({url}): site.base_url is not set, posts would link to the sample site {site}; expected [site] with your site's address"
                );
                return Err(BadSettings(message).into());
            }
            let name = token_name(config);
            let token = secret(name).ok_or_else(|| {
                BadSettings(format!(
                    "the environment variable {name} is missing; target mastodon ({url}) needs it"
                ))
            })?;
            let mastodon = Mastodon::builder(&url, token).account(account).build();
            Ok(Arc::new(mastodon.map_err(|error| BadSettings(error.to_string()))?))
        }
        other => Err(bad("target.kind", other, "outbox or mastodon")),
    }
}

/// The outbox names its account by the file's name.
fn outbox_path(settings: &Settings, path: Option<&str>) -> PathBuf {
    path.map_or_else(|| settings.data.join("posts.jsonl"), Into::into)
}

fn outbox(settings: &Settings, path: Option<&str>) -> anyhow::Result<Arc<dyn SocialTarget>> {
    let path = outbox_path(settings, path);
    let outbox = Outbox::file(&path).with_context(|| format!("cannot open the post outbox {}", path.display()))?;
    Ok(Arc::new(outbox))
}

fn token_name(config: &TargetConfig) -> &str {
    config.token_env.as_deref().unwrap_or("MASTODON_ACCESS_TOKEN")
}

fn secret(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn bad(field: &str, value: &str, expected: &str) -> anyhow::Error {
    BadSettings(format!("{field} is {value:?}, expected {expected}")).into()
}

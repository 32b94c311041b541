//! The targets that the settings name.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use presswork_pipeline::config::{SiteConfig, TargetConfig};
use presswork_social::{Error as SocialError, Outbox, SocialTarget};

use super::networks::Kind;
use crate::exit::BadSettings;
use crate::settings::Settings;

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
    let mut tokens: Vec<(&str, &TargetConfig)> = Vec::new();
    let mut files: Vec<PathBuf> = Vec::new();
    for config in &settings.pipeline.targets {
        let kind = Kind::of(config)?;
        if kind.name == "outbox" {
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
        } else {
            let name = kind.variable(config);
            let elsewhere = |other: &TargetConfig| other.kind != config.kind || other.url != config.url;
            if tokens.iter().any(|(other, at)| *other == name && elsewhere(at)) {
                let message = format!(
                    "two targets take their token from {name}, which would show it to another server; give each its own token_env"
                );
                return Err(BadSettings(message).into());
            }
            tokens.push((name, config));
        }
        let target = target(settings, kind, config)?;
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

fn target(settings: &Settings, kind: &Kind, config: &TargetConfig) -> anyhow::Result<Arc<dyn SocialTarget>> {
    if kind.name == "outbox" {
        return outbox(settings, config.path.as_deref());
    }
    let site = &settings.pipeline.site.base_url;
    if *site == SiteConfig::default().base_url {
        let message = format!(
            "target {}: site.base_url is not set, posts would link to the sample site {site}; expected [site] with your site's address",
            kind.name
        );
        return Err(BadSettings(message).into());
    }
    kind.build(config, &settings.data)
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

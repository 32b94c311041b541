//! The target made of the settings of each network.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use presswork_pipeline::config::TargetConfig;
use presswork_social::providers::buffer::Service;
use presswork_social::{
    Bluesky, Buffer, FileTokens, LinkedIn, Mastodon, Result, SocialTarget, Threads, TokenSet, Webhook, X,
};

use super::Kind;
use super::secrets::Secrets;
use crate::compose::bad;
use crate::exit::BadSettings;

/// File in the data folder with tokens that networks renew.
const TOKENS: &str = "tokens.json";

/// Days before its end from which Threads' token is renewed.
const THREADS_DAYS: i64 = 20;

impl Kind {
    /// Makes the target. Whoever writes the settings owns the machine and its network, so any host is good.
    ///
    /// # Errors
    /// [`BadSettings`] for missing secrets and for whatever the target refuses.
    pub(in crate::compose) fn build(
        &self,
        config: &TargetConfig,
        data: &Path,
    ) -> anyhow::Result<Arc<dyn SocialTarget>> {
        let account = config.account.as_deref().unwrap_or_default();
        let url = config.url.as_deref();
        let mut secrets = Secrets::of(self, config);
        match self.name {
            "mastodon" => {
                let token = secrets.only();
                secrets.whole()?;
                let target = Mastodon::builder(url.unwrap_or_default(), token).account(account);
                made(target.allow_private_hosts().build())
            }
            "bluesky" => {
                let password = secrets.only();
                secrets.whole()?;
                let mut target = Bluesky::builder(account, password).token_store(tokens(data)?);
                if let Some(url) = url {
                    target = target.service(url);
                }
                made(target.allow_private_hosts().build())
            }
            "x" => x(account, url, secrets, data),
            "linkedin" => {
                let version = config.api_version.as_deref().unwrap_or_default();
                linkedin(account, version, url, secrets, data)
            }
            "threads" => {
                let token = secrets.only();
                secrets.whole()?;
                // Nobody says when this token ends. So it is renewed at once; until Threads does that, it is used as it is.
                let ends = jiff::Timestamp::now().as_millisecond() + THREADS_DAYS * 24 * 60 * 60 * 1_000;
                let first = TokenSet::new(token).expires_at_ms(ends);
                let mut target = Threads::builder(account, first).token_store(tokens(data)?);
                if let Some(url) = url {
                    target = target.base_url(url);
                }
                made(target.allow_private_hosts().build())
            }
            "webhook" => {
                let secret = secrets.only();
                secrets.whole()?;
                let mut target = Webhook::builder(url.unwrap_or_default(), secret);
                if let Some(account) = config.account.as_deref() {
                    target = target.account(account);
                }
                made(target.allow_private_hosts().build())
            }
            "buffer" => {
                let service = service(config.service.as_deref().unwrap_or_default())?;
                let key = secrets.only();
                secrets.whole()?;
                let mut target = Buffer::builder(key, account, service);
                if let Some(url) = url {
                    target = target.base_url(url);
                }
                made(target.allow_private_hosts().build())
            }
            other => Err(bad("target.kind", other, "a network")),
        }
    }
}

/// By OAuth 2.0 where there is a client, else by OAuth 1.0a.
fn x(account: &str, url: Option<&str>, mut secrets: Secrets<'_>, data: &Path) -> anyhow::Result<Arc<dyn SocialTarget>> {
    let mut target = X::builder(account);
    if let Some(url) = url {
        target = target.base_url(url);
    }
    target = match secrets.optional("CLIENT_ID") {
        None => {
            let [key, key_secret] = ["API_KEY", "API_KEY_SECRET"].map(|end| secrets.part(end));
            let [token, token_secret] = ["ACCESS_TOKEN", "ACCESS_TOKEN_SECRET"].map(|end| secrets.part(end));
            secrets.whole()?;
            target.oauth1(key, key_secret, token, token_secret)
        }
        Some(client) => {
            let [token, refresh] = ["ACCESS_TOKEN", "REFRESH_TOKEN"].map(|end| secrets.part(end));
            secrets.whole()?;
            let target = target.oauth2(client, TokenSet::new(token).refresh(refresh));
            let target = target.token_store(tokens(data)?);
            match secrets.optional("CLIENT_SECRET") {
                Some(secret) => target.client_secret(secret),
                None => target,
            }
        }
    };
    made(target.allow_private_hosts().build())
}

/// Renews its token where the application may.
fn linkedin(
    account: &str,
    version: &str,
    url: Option<&str>,
    mut secrets: Secrets<'_>,
    data: &Path,
) -> anyhow::Result<Arc<dyn SocialTarget>> {
    let token = secrets.part("ACCESS_TOKEN");
    let renewal = secrets.optional("REFRESH_TOKEN").map(|refresh| {
        let [id, secret] = ["CLIENT_ID", "CLIENT_SECRET"].map(|end| secrets.part(end));
        (id, secret, refresh)
    });
    secrets.whole()?;
    let mut target = LinkedIn::builder(account, token, version);
    if let Some((id, secret, refresh)) = renewal {
        target = target.refresh_token(id, secret, refresh).token_store(tokens(data)?);
    }
    if let Some(url) = url {
        target = target.base_url(url).oauth_url(url);
    }
    made(target.allow_private_hosts().build())
}

fn tokens(data: &Path) -> anyhow::Result<Arc<FileTokens>> {
    // `check` may be the first that renews a token, and what it gets must not be lost.
    let made = std::fs::create_dir_all(data);
    made.with_context(|| format!("cannot make the data folder {}", data.display()))?;
    Ok(Arc::new(FileTokens::new(data.join(TOKENS))))
}

fn made<T: SocialTarget + 'static>(target: Result<T>) -> anyhow::Result<Arc<dyn SocialTarget>> {
    Ok(Arc::new(target.map_err(|error| BadSettings(error.to_string()))?))
}

fn service(name: &str) -> anyhow::Result<Service> {
    Service::named(name).ok_or_else(|| bad("target.service", name, "x, mastodon, bluesky, threads or linkedin"))
}

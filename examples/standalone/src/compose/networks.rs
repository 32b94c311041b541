//! What each network takes from the settings, and the target made of it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use presswork_pipeline::config::TargetConfig;
use presswork_social::providers::buffer::Service;
use presswork_social::{
    Bluesky, Buffer, FileTokens, LinkedIn, Mastodon, Result, SocialTarget, Threads, TokenSet, Webhook, X,
};

use super::{bad, secret};
use crate::exit::BadSettings;

/// File in the data folder with tokens that networks renew.
const TOKENS: &str = "tokens.json";

/// One kind of `[[target]]`.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Fields that must be set.
    needs: &'static [&'static str],
    /// Fields that may be.
    takes: &'static [&'static str],
    /// The variable with its token, or what the names of several begin with.
    variable: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "outbox",
        needs: &[],
        takes: &["path"],
        variable: "",
    },
    Kind {
        name: "mastodon",
        needs: &["url", "account"],
        takes: &["token_env"],
        variable: "MASTODON_ACCESS_TOKEN",
    },
    Kind {
        name: "bluesky",
        needs: &["account"],
        takes: &["url", "token_env"],
        variable: "BLUESKY_APP_PASSWORD",
    },
    Kind {
        name: "x",
        needs: &["account"],
        takes: &["url", "token_env"],
        variable: "X",
    },
    Kind {
        name: "buffer",
        needs: &["account", "service"],
        takes: &["url", "token_env"],
        variable: "BUFFER_API_KEY",
    },
    Kind {
        name: "linkedin",
        needs: &["account", "api_version"],
        takes: &["url", "token_env"],
        variable: "LINKEDIN_ACCESS_TOKEN",
    },
    Kind {
        name: "threads",
        needs: &["account"],
        takes: &["url", "token_env"],
        variable: "THREADS_ACCESS_TOKEN",
    },
    Kind {
        name: "webhook",
        needs: &["url"],
        takes: &["account", "token_env"],
        variable: "WEBHOOK_SECRET",
    },
];

/// Days before its end from which Threads' token is renewed.
const THREADS_DAYS: i64 = 20;

impl Kind {
    /// The kind of a target, whose fields are those it takes.
    ///
    /// # Errors
    /// [`BadSettings`] for an unknown kind, a field that is missing, or one that nothing reads.
    pub(super) fn of(config: &TargetConfig) -> anyhow::Result<&'static Self> {
        let Some(kind) = KINDS.iter().find(|kind| kind.name == config.kind) else {
            let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
            return Err(bad("target.kind", &config.kind, &names.join(", ")));
        };
        let fields = [
            ("url", &config.url),
            ("account", &config.account),
            ("path", &config.path),
            ("token_env", &config.token_env),
            ("service", &config.service),
            ("api_version", &config.api_version),
        ];
        for (field, value) in fields {
            let (needed, taken) = (kind.needs.contains(&field), kind.takes.contains(&field));
            if needed && value.is_none() {
                return Err(BadSettings(format!("target {}: {field} is missing", kind.name)).into());
            }
            if value.is_some() && !needed && !taken {
                let used = [kind.needs, kind.takes].concat().join(", ");
                let message = format!("target {}: {field} is not used, expected {used}", kind.name);
                return Err(BadSettings(message).into());
            }
        }
        Ok(kind)
    }

    /// Where its secret is: a variable, or the beginning of several.
    pub(super) fn variable<'c>(&self, config: &'c TargetConfig) -> &'c str {
        config.token_env.as_deref().unwrap_or(self.variable)
    }

    /// Makes the target. Whoever writes the settings owns the machine and its network, so any host is good.
    ///
    /// # Errors
    /// [`BadSettings`] for a missing secret and for whatever the target refuses.
    pub(super) fn build(&self, config: &TargetConfig, data: &Path) -> anyhow::Result<Arc<dyn SocialTarget>> {
        let account = config.account.as_deref().unwrap_or_default();
        let (url, variable) = (config.url.as_deref(), self.variable(config));
        let need = |name: &str| {
            // A webhook's address may be a secret of its own.
            let what = if self.name == "webhook" {
                account
            } else {
                url.unwrap_or(account)
            };
            let what = if what.is_empty() { self.name } else { what };
            let message = format!(
                "the environment variable {name} is missing; target {} ({what}) needs it",
                self.name
            );
            secret(name).ok_or(BadSettings(message))
        };
        let tokens = || {
            // `check` may be the first that renews a token, and what it gets must not be lost.
            let made = std::fs::create_dir_all(data);
            made.with_context(|| format!("cannot make the data folder {}", data.display()))?;
            anyhow::Ok(Arc::new(FileTokens::new(data.join(TOKENS))))
        };
        match self.name {
            "mastodon" => {
                let target = Mastodon::builder(url.unwrap_or_default(), need(variable)?).account(account);
                made(target.allow_private_hosts().build())
            }
            "bluesky" => {
                let mut target = Bluesky::builder(account, need(variable)?).token_store(tokens()?);
                if let Some(url) = url {
                    target = target.service(url);
                }
                made(target.allow_private_hosts().build())
            }
            "linkedin" => {
                let version = config.api_version.as_deref().unwrap_or_default();
                let mut target = LinkedIn::builder(account, need(variable)?, version);
                if let Some(url) = url {
                    target = target.base_url(url);
                }
                made(target.allow_private_hosts().build())
            }
            "threads" => {
                // Nobody says when this token ends. So it is renewed at once; until Threads does that, it is used as it is.
                let ends = jiff::Timestamp::now().as_millisecond() + THREADS_DAYS * 24 * 60 * 60 * 1_000;
                let first = TokenSet::new(need(variable)?).expires_at_ms(ends);
                let mut target = Threads::builder(account, first).token_store(tokens()?);
                if let Some(url) = url {
                    target = target.base_url(url);
                }
                made(target.allow_private_hosts().build())
            }
            "webhook" => {
                let mut target = Webhook::builder(url.unwrap_or_default(), need(variable)?);
                if let Some(account) = config.account.as_deref() {
                    target = target.account(account);
                }
                made(target.allow_private_hosts().build())
            }
            "x" => {
                let mut target = X::builder(account);
                if let Some(url) = url {
                    target = target.base_url(url);
                }
                let named = |end: &str| format!("{variable}_{end}");
                target = match secret(&named("CLIENT_ID")) {
                    None => target.oauth1(
                        need(&named("API_KEY"))?,
                        need(&named("API_KEY_SECRET"))?,
                        need(&named("ACCESS_TOKEN"))?,
                        need(&named("ACCESS_TOKEN_SECRET"))?,
                    ),
                    Some(client) => {
                        let first = TokenSet::new(need(&named("ACCESS_TOKEN"))?);
                        let first = first.refresh(need(&named("REFRESH_TOKEN"))?);
                        let target = target.oauth2(client, first).token_store(tokens()?);
                        match secret(&named("CLIENT_SECRET")) {
                            Some(secret) => target.client_secret(secret),
                            None => target,
                        }
                    }
                };
                made(target.allow_private_hosts().build())
            }
            "buffer" => {
                let service = service(config.service.as_deref().unwrap_or_default())?;
                let mut target = Buffer::builder(need(variable)?, account, service);
                if let Some(url) = url {
                    target = target.base_url(url);
                }
                made(target.allow_private_hosts().build())
            }
            other => Err(bad("target.kind", other, "a network")),
        }
    }
}

fn made<T: SocialTarget + 'static>(target: Result<T>) -> anyhow::Result<Arc<dyn SocialTarget>> {
    Ok(Arc::new(target.map_err(|error| BadSettings(error.to_string()))?))
}

fn service(name: &str) -> anyhow::Result<Service> {
    Ok(match name {
        "x" => Service::X,
        "mastodon" => Service::Mastodon,
        "bluesky" => Service::Bluesky,
        "threads" => Service::Threads,
        "linkedin" => Service::LinkedIn,
        other => {
            return Err(bad(
                "target.service",
                other,
                "x, mastodon, bluesky, threads or linkedin",
            ));
        }
    })
}

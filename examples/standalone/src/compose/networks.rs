//! What each network takes from the settings.

mod build;
mod secrets;

use presswork_pipeline::config::TargetConfig;

use super::bad;
use crate::exit::BadSettings;

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
        variable: "LINKEDIN",
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
}

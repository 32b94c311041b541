//! The secrets of one target.

use presswork_pipeline::config::TargetConfig;

use super::Kind;
use crate::compose::secret;
use crate::exit::BadSettings;

/// Reads them from the environment; what is missing is told all at once.
pub(super) struct Secrets<'c> {
    /// The variable of the only one, or what the names of several begin with.
    variable: &'c str,
    /// The target, as its owner knows it.
    target: String,
    missing: Vec<String>,
}

impl<'c> Secrets<'c> {
    pub(super) fn of(kind: &Kind, config: &'c TargetConfig) -> Self {
        let account = config.account.as_deref();
        // A webhook's address may be a secret of its own.
        let url = config.url.as_deref().filter(|_| kind.name != "webhook");
        let what = url.or(account).unwrap_or(kind.name);
        Self {
            variable: kind.variable(config),
            target: format!("target {} ({what})", kind.name),
            missing: Vec::new(),
        }
    }

    /// The only secret of a target.
    pub(super) fn only(&mut self) -> String {
        self.needed(self.variable.to_owned())
    }

    /// One of several, by the end of its name.
    pub(super) fn part(&mut self, end: &str) -> String {
        self.needed(format!("{}_{end}", self.variable))
    }

    /// One of several that need not be there.
    pub(super) fn optional(&self, end: &str) -> Option<String> {
        secret(&format!("{}_{end}", self.variable))
    }

    fn needed(&mut self, name: String) -> String {
        let found = secret(&name);
        if found.is_none() {
            self.missing.push(name);
        }
        found.unwrap_or_default()
    }

    /// # Errors
    /// [`BadSettings`] that names whatever was asked for and is missing.
    pub(super) fn whole(&self) -> Result<(), BadSettings> {
        let (names, target) = (self.missing.join(", "), &self.target);
        match self.missing.len() {
            0 => Ok(()),
            1 => Err(BadSettings(format!(
                "the environment variable {names} is missing; {target} needs it"
            ))),
            _ => Err(BadSettings(format!(
                "the environment variables {names} are missing; {target} needs them"
            ))),
        }
    }
}

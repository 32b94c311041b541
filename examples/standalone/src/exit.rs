//! What the exit code says.

use std::fmt;
use std::process::ExitCode;

/// How a command that ran to its end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything asked for is done.
    Done,
    /// Done, but some pages or posts failed.
    SomeFailed,
    /// What was looked at cannot be used.
    Failed,
    /// What was looked at cannot be used before a setting is mended.
    BadSettings,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::SomeFailed => Self::from(3),
            Outcome::Failed => Self::FAILURE,
            Outcome::BadSettings => Self::from(USAGE),
        }
    }
}

/// The exit code of wrong usage or configuration.
pub(crate) const USAGE: u8 = 2;

/// The configuration cannot be used.
#[derive(Debug)]
pub(crate) struct BadSettings(pub(crate) String);

/// Another process works on the data folder.
#[derive(Debug)]
pub(crate) struct InUse(pub(crate) String);

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadSettings {}
impl std::error::Error for InUse {}

/// The exit code of a command that could not end.
#[must_use]
pub(crate) fn code_of(error: &anyhow::Error) -> u8 {
    if error.is::<BadSettings>() {
        USAGE
    } else if error.is::<InUse>() {
        4
    } else {
        1
    }
}

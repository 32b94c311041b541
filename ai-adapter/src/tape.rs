//! A recording of what a model was asked and answered.

mod difference;
mod entry;
mod record;
mod replay;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[cfg(feature = "cache")]
pub(crate) use self::entry::Told;
pub(crate) use self::entry::{Entry, Piece};
pub use self::record::Record;
pub use self::replay::Replay;
use crate::failure::hide_keys;
use crate::{ApiKey, Capabilities, Error, Failure, LanguageModel, Result};

/// The version of the format; another one is refused.
const VERSION: u32 = 1;

/// What [`Record`] writes and [`Replay`] plays: a value, so that it works where there are no files.
///
/// As a text it is JSON lines: the model first, then one line for each call, in the order they ended. It holds requests
/// without their labels and deadline, and answers without what changes each time (request id, rate limits, latencies).
/// It holds no header and no URL, and in texts everything is hidden that was named to [`hide`](Record::hide) or looks like a
/// key (`sk-...`, a word after `Bearer`). What else prompts and answers say stands in it.
///
/// Clones share the recording.
#[derive(Clone)]
pub struct Tape {
    pub(crate) model: Head,
    pub(crate) secrets: Vec<ApiKey>,
    entries: Arc<Mutex<Vec<Entry>>>,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    version: u32,
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) capabilities: Capabilities,
}

impl Tape {
    pub(crate) fn of<M: LanguageModel + ?Sized>(model: &M) -> Self {
        Self {
            model: Head {
                version: VERSION,
                provider: model.provider().to_owned(),
                model: model.model().to_owned(),
                capabilities: model.capabilities(),
            },
            secrets: Vec::new(),
            entries: Arc::default(),
        }
    }

    /// How many calls were recorded.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// The recording as JSON lines.
    ///
    /// # Errors
    /// [`Error::Malformed`] when an answer cannot be written as JSON.
    pub fn to_json_lines(&self) -> Result<String> {
        let entries = self.entries();
        let mut lines = vec![serde_json::to_string(&self.model)];
        lines.extend(entries.iter().map(serde_json::to_string));
        let lines: serde_json::Result<Vec<String>> = lines.into_iter().collect();
        match lines {
            Ok(lines) => Ok(lines.join("\n") + "\n"),
            Err(error) => {
                let message = format!("the recording is no JSON: {error}");
                Err(Error::Malformed(Failure::new(&self.model.provider, message).boxed()))
            }
        }
    }

    /// Reads JSON lines.
    ///
    /// # Errors
    /// [`Error::Config`] that names the line that is none of a recording.
    pub fn from_json_lines(text: &str) -> Result<Self> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let wrong = |line: usize, what: String| {
            let message = format!("line {} is none of a recording: {what}", line + 1);
            Error::Config(Failure::new("tape", message).boxed())
        };
        let (at, first) = lines.next().unwrap_or((0, ""));
        let model: Head = serde_json::from_str(first).map_err(|error| wrong(at, error.to_string()))?;
        if model.version != VERSION {
            return Err(wrong(at, format!("version {}, this reads {VERSION}", model.version)));
        }
        let entries: Result<Vec<Entry>> = lines
            .map(|(at, line)| serde_json::from_str(line).map_err(|error| wrong(at, error.to_string())))
            .collect();
        Ok(Self {
            model,
            secrets: Vec::new(),
            entries: Arc::new(Mutex::new(entries?)),
        })
    }

    pub(crate) fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hide(&mut self, secret: &str) {
        let secret = ApiKey::new(secret);
        if !secret.expose().is_empty() {
            self.secrets.push(secret);
        }
    }

    /// Hides secrets in every text.
    pub(crate) fn redact(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                for secret in &self.secrets {
                    if text.contains(secret.expose()) {
                        *text = text.replace(secret.expose(), "[redacted]");
                    }
                }
                if let Some(hidden) = hide_keys(text) {
                    *text = hidden;
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.redact(value)),
            Value::Object(map) => map.values_mut().for_each(|value| self.redact(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tape({} calls)", self.len())
    }
}

#[cfg(test)]
mod tests;

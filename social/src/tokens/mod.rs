//! Tokens that change while a program runs.

mod file;
mod rotate;

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{AccessToken, Error, Report, Result};
pub use file::FileTokens;
#[allow(unused_imports, reason = "networks without refresh do not rotate tokens")]
pub(crate) use rotate::{Refresh, Rotating};

/// An access token, what renews it, and until when it is good. `Debug` prints neither token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenSet {
    /// What requests carry.
    pub access: AccessToken,
    /// What a new pair is asked for with; without one a person has to connect the account again.
    pub refresh: Option<AccessToken>,
    /// When `access` ends, in milliseconds since 1970 (UTC), when that is known.
    pub expires_at_ms: Option<i64>,
}

impl TokenSet {
    /// A set of an access token alone.
    pub fn new(access: impl Into<AccessToken>) -> Self {
        Self {
            access: access.into(),
            refresh: None,
            expires_at_ms: None,
        }
    }

    /// Adds the refresh token.
    #[must_use]
    pub fn refresh(mut self, token: impl Into<AccessToken>) -> Self {
        self.refresh = Some(token.into());
        self
    }

    /// Says when the access token ends, in milliseconds since 1970 (UTC).
    #[must_use]
    pub fn expires_at_ms(mut self, at: i64) -> Self {
        self.expires_at_ms = Some(at);
        self
    }

    /// The tokens as JSON, **in the clear**, for a store that keeps strings. Two equal sets have the same text.
    pub fn expose_json(&self) -> String {
        let refresh = self.refresh.as_ref().map(AccessToken::expose);
        json!({"access": self.access.expose(), "refresh": refresh, "expires_at_ms": self.expires_at_ms}).to_string()
    }

    /// Reads [`expose_json`](TokenSet::expose_json) back; `None` for anything else, and for an empty access token.
    pub fn from_json(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_slice(text.as_bytes()).ok()?;
        let tokens = Self {
            access: value["access"].as_str()?.into(),
            refresh: value["refresh"].as_str().map(Into::into),
            expires_at_ms: value["expires_at_ms"].as_i64(),
        };
        (!tokens.is_empty()).then_some(tokens)
    }

    /// Whether either token is there and empty.
    pub fn is_empty(&self) -> bool {
        let refresh = self.refresh.as_ref().is_some_and(|token| token.expose().is_empty());
        self.access.expose().is_empty() || refresh
    }
}

/// Where rotated tokens are kept.
///
/// Networks spend a refresh token when they answer with the next one, so whoever loses or overwrites the next one has
/// lost the account. Hence the one write there is a compare-and-swap. Names are those of
/// [`SocialTarget::account`](crate::SocialTarget::account) and no secret; two networks never share one.
///
/// A store over SQL is one statement, for example `UPDATE tokens SET json = ?new WHERE name = ?name AND json = ?expected`
/// (`INSERT .. ON CONFLICT DO NOTHING` when nothing is expected). A store that cannot compare, such as Workers KV, may
/// be used by one writer alone.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// The tokens kept under `name`, as the last successful swap left them.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Io`] when they cannot be read.
    async fn load(&self, name: &str) -> Result<Option<TokenSet>>;

    /// Keeps `new` under `name` if what is kept there is `expected` (`None`: nothing), and says whether it was. When
    /// this returns `true`, `new` survives the end of the process.
    ///
    /// # Errors
    /// [`Error::Config`] for an empty token, which never replaces anything; [`Error::Unavailable`] or [`Error::Io`] when
    /// it cannot be written.
    async fn swap(&self, name: &str, expected: Option<&TokenSet>, new: &TokenSet) -> Result<bool>;
}

/// Tokens in memory: for tests, and for tokens that somebody else keeps. They end with the process.
#[derive(Debug, Default)]
pub struct MemoryTokens(Mutex<Vec<(String, TokenSet)>>);

impl MemoryTokens {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl TokenStore for MemoryTokens {
    async fn load(&self, name: &str) -> Result<Option<TokenSet>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(known, _)| known == name);
        Ok(found.map(|(_, tokens)| tokens.clone()))
    }

    async fn swap(&self, name: &str, expected: Option<&TokenSet>, new: &TokenSet) -> Result<bool> {
        refuse_empty(new)?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| known == name);
        let same = at.map(|at| &kept[at].1) == expected;
        match at {
            Some(at) if same => kept[at].1 = new.clone(),
            None if same => kept.push((name.to_owned(), new.clone())),
            _ => {}
        }
        Ok(same)
    }
}

fn refuse_empty(tokens: &TokenSet) -> Result<()> {
    if tokens.is_empty() {
        return Err(Error::Config {
            report: Report::new("tokens", "an empty token replaces nothing"),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;

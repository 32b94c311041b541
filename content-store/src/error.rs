//! What can go wrong.

use std::sync::Arc;
use std::time::Duration;

/// The error below one of ours. Shared, because one failed commit answers several writes.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

/// [`std::result::Result`] with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a store refused or failed.
///
/// `store` is the name of the provider (`memory`, `sqlite`, `d1`); `place` is where its data lives, for SQLite the path.
/// Messages hold at most 500 characters of foreign text and never a page's content.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value that must be unique belongs to another row. Nothing was written.
    #[error("{store}: {field} `{value}` is taken by row `{row_key}`; give one of the two another {field}")]
    Conflict {
        /// The provider.
        store: &'static str,
        /// `slug`, `primary_keyword` or `row_key`.
        field: &'static str,
        /// The value both want.
        value: String,
        /// The row key of the row that has it.
        row_key: String,
    },
    /// The row has changed since the caller read it. Read it again and decide anew.
    #[error("{store}: {what} {id} is at version {found}, not {expected}: somebody else changed it")]
    StaleVersion {
        /// The provider.
        store: &'static str,
        /// `page` or `post`.
        what: &'static str,
        /// Its id.
        id: String,
        /// The version the caller had.
        expected: u64,
        /// The version stored.
        found: u64,
    },
    /// There is no such row.
    #[error("{store}: no {what} {id}")]
    NotFound {
        /// The provider.
        store: &'static str,
        /// `page` or `post`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The life of a page or post has no such step. Nothing was written.
    #[error("{store}: a {what} that is {from} cannot become {to}")]
    IllegalTransition {
        /// The provider.
        store: &'static str,
        /// `page` or `post`.
        what: &'static str,
        /// The status stored.
        from: &'static str,
        /// The status asked for.
        to: &'static str,
    },
    /// A row to be imported is there already and says something else, or takes what another row has. That row was not
    /// written.
    #[error("{store}: {table} has another row at {key}; import into an empty store")]
    RowDiffers {
        /// The provider.
        store: &'static str,
        /// The table.
        table: &'static str,
        /// The key of the row, as a JSON list.
        key: String,
    },
    /// The op was used before, for another change. Nothing was written.
    #[error("{store}: op {op} was already used for `{used_for}`; make a new op for every change")]
    OpReused {
        /// The provider.
        store: &'static str,
        /// The op.
        op: String,
        /// What it was used for.
        used_for: String,
    },
    /// A value breaks a rule of [`limits`](crate::limits). No provider was asked.
    #[error("{field} {reason}")]
    InvalidInput {
        /// The field.
        field: &'static str,
        /// The rule, to be read after the field's name.
        reason: String,
    },
    /// A value is longer than its limit. No provider was asked.
    #[error("{field} has {found} bytes; the limit is {limit}")]
    TooLarge {
        /// The field.
        field: &'static str,
        /// Bytes allowed.
        limit: usize,
        /// Bytes given.
        found: usize,
    },
    /// The cursor is malformed or belongs to another query. Start the list anew.
    #[error("the cursor {reason}; start the list anew")]
    InvalidCursor {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No room to write. Nothing was written; reads still work.
    #[error("{store}: no space left for {place}; free disk space (or raise the size limit) and run again")]
    Full {
        /// The provider.
        store: &'static str,
        /// Where the data lives.
        place: String,
        /// The provider's own error.
        source: Source,
    },
    /// The data may be read only.
    #[error("{store}: {place} is read-only; make the file and its folder writable")]
    ReadOnly {
        /// The provider.
        store: &'static str,
        /// Where the data lives.
        place: String,
        /// The provider's own error.
        source: Source,
    },
    /// The data is not what this program writes.
    #[error(
        "{store}: {place} is damaged or not a presswork database ({detail}); restore a backup or name another file"
    )]
    Corrupt {
        /// The provider.
        store: &'static str,
        /// Where the data lives.
        place: String,
        /// What was found.
        detail: String,
        /// The provider's own error.
        source: Option<Source>,
    },
    /// Another process holds the data.
    #[error("{store}: {place} is locked by another process; stop that process or try again")]
    Busy {
        /// The provider.
        store: &'static str,
        /// Where the data lives.
        place: String,
        /// The provider's own error.
        source: Source,
    },
    /// A newer version of this program has written the data.
    #[error("{store}: {place} has schema {found}, this program knows {known}; update this program")]
    NewerSchema {
        /// The provider.
        store: &'static str,
        /// Where the data lives.
        place: String,
        /// The newest migration in the data.
        found: String,
        /// The newest migration this program has.
        known: String,
    },
    /// The provider failed before it changed anything.
    #[error("{store}: {place} failed: {message}")]
    Unavailable {
        /// The provider.
        store: &'static str,
        /// Where the data lives.
        place: String,
        /// The provider's words, bounded.
        message: String,
        /// The provider's own error.
        source: Option<Source>,
    },
    /// The provider takes no more for now. Nothing was written.
    #[error("{store}: {place} takes no more requests for now; wait {} s", retry_after.map_or(60, |after| after.as_secs()))]
    RateLimited {
        /// The provider.
        store: &'static str,
        /// Where the data lives.
        place: String,
        /// How long it asked to wait, five minutes at most.
        retry_after: Option<Duration>,
    },
    /// The provider refuses what was asked, and would refuse a repeat. Nothing was written.
    #[error("{store}: {place} refused: {message}")]
    Rejected {
        /// The provider.
        store: &'static str,
        /// Where the data lives.
        place: String,
        /// The provider's words, bounded.
        message: String,
        /// The provider's own error.
        source: Option<Source>,
    },
    /// The change may have happened. Repeat it with the same [`Op`](crate::Op).
    #[error("{store}: the answer was lost ({message}); repeat the call with the same op")]
    OutcomeUnknown {
        /// The provider.
        store: &'static str,
        /// What is known, bounded.
        message: String,
        /// The provider's own error.
        source: Option<Source>,
    },
}

impl Error {
    /// Whether the same call with the same [`Op`](crate::Op) may succeed later without anybody's help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. } | Self::Unavailable { .. } | Self::RateLimited { .. } | Self::OutcomeUnknown { .. }
        )
    }

    /// How long the provider asked to wait, where it named a time.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// At most 40 characters of what somebody gave as a name.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// At most 500 characters of somebody else's words.
#[cfg(any(
    feature = "sqlite",
    feature = "postgres",
    feature = "d1",
    feature = "d1-http",
    feature = "r2"
))]
pub(crate) fn bounded(text: &str) -> String {
    text.chars().take(500).collect()
}

const _: fn() = || {
    fn pin<T: Send + Sync + 'static>() {}
    pin::<Error>();
};

use std::{fmt, time::Duration};

use crate::Evidence;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Longest message an error or evidence carries, in characters.
const MAX_MESSAGE: usize = 500;

/// What went wrong, as a condition a caller can act on.
///
/// Every variant except [`Unknown`](Error::Unknown) and [`Duplicate`](Error::Duplicate) says that nothing was posted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Too many requests; wait and repeat.
    #[error("{report}")]
    RateLimited {
        /// What the network said.
        report: Report,
        /// How long to wait, at most a day; `None` when the network does not say.
        retry_after: Option<Duration>,
    },
    /// The credentials are missing, revoked or wrong.
    #[error("{report}")]
    Unauthenticated {
        /// What the network said.
        report: Report,
    },
    /// The credentials are good but do not allow this.
    #[error("{report}")]
    Forbidden {
        /// What the network said.
        report: Report,
    },
    /// The network does not take this content; repeating it does not help.
    #[error("{report}")]
    Rejected {
        /// What the network said.
        report: Report,
        /// The part of the post it does not take, when known.
        field: Option<String>,
    },
    /// The text is longer than the network takes.
    #[error("{network}: the text counts {count}, the limit is {max}")]
    TooLong {
        /// The network whose limit it is.
        network: String,
        /// The length as the network counts it.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// The account is suspended, disabled or out of its allowance: stop using it until a person has looked.
    #[error("{report}")]
    PauseAccount {
        /// What the network said.
        report: Report,
    },
    /// An upload is still being processed; wait and repeat.
    #[error("{report}")]
    MediaNotReady {
        /// What the network said.
        report: Report,
        /// How long to wait, when known.
        retry_after: Option<Duration>,
    },
    /// The network says that it has this post already: evidence that an earlier attempt succeeded. Reconcile.
    #[error("{report}")]
    Duplicate {
        /// What the network said.
        report: Report,
        /// The same, for the ledger.
        evidence: Box<Evidence>,
    },
    /// The network could not be reached or declined before it looked at the request; wait and repeat.
    #[error("{report}")]
    Unavailable {
        /// What happened.
        report: Report,
        /// How long to wait, when the network says so.
        retry_after: Option<Duration>,
        /// The failure underneath.
        #[source]
        source: Option<Source>,
    },
    /// The post may be visible. Never publish it again before [`reconcile`](crate::SocialTarget::reconcile) says
    /// [`Absent`](crate::Reconciled::Absent).
    #[error("{report}; the post may be visible")]
    Unknown {
        /// What happened.
        report: Report,
        /// The same, for the ledger.
        evidence: Box<Evidence>,
        /// The failure underneath.
        #[source]
        source: Option<Source>,
    },
    /// The target does not offer this; its [`Limits`](crate::Limits) say so.
    #[error("{network} does not take {what}")]
    Unsupported {
        /// The network.
        network: String,
        /// What it does not take.
        what: String,
    },
    /// A setting is wrong.
    #[error("{report}")]
    Config {
        /// Which, and why.
        report: Report,
    },
    /// A local file could not be read or written, and nothing was posted.
    #[error("{report}: {source}")]
    Io {
        /// Which file, and what was being done.
        report: Report,
        /// The failure underneath.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// Whether the same call may be repeated: nothing was posted, and the cause passes by itself.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::MediaNotReady { .. } | Self::Unavailable { .. } => true,
            Self::Io { source, .. } => matches!(
                source.kind(),
                std::io::ErrorKind::StorageFull
                    | std::io::ErrorKind::QuotaExceeded
                    | std::io::ErrorKind::Interrupted
                    | std::io::ErrorKind::WouldBlock
                    | std::io::ErrorKind::ResourceBusy
            ),
            _ => false,
        }
    }

    /// How long to wait before the call is repeated, when the network says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. }
            | Self::MediaNotReady { retry_after, .. }
            | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the post may be visible, so that only [`reconcile`](crate::SocialTarget::reconcile) may follow.
    /// `true` for [`Unknown`](Error::Unknown) and [`Duplicate`](Error::Duplicate).
    pub fn is_unknown(&self) -> bool {
        self.evidence().is_some()
    }

    /// What an unknown outcome left behind, for the ledger.
    pub fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::Unknown { evidence, .. } | Self::Duplicate { evidence, .. } => Some(evidence),
            _ => None,
        }
    }

    /// The network the error comes from.
    pub fn network(&self) -> &str {
        match self {
            Self::TooLong { network, .. } | Self::Unsupported { network, .. } => network,
            Self::RateLimited { report, .. }
            | Self::Unauthenticated { report }
            | Self::Forbidden { report }
            | Self::Rejected { report, .. }
            | Self::PauseAccount { report }
            | Self::MediaNotReady { report, .. }
            | Self::Duplicate { report, .. }
            | Self::Unavailable { report, .. }
            | Self::Unknown { report, .. }
            | Self::Config { report }
            | Self::Io { report, .. } => &report.network,
        }
    }

    /// An unknown outcome whose evidence says what the report says.
    pub fn unknown(report: Report, source: Option<Source>) -> Self {
        Self::Unknown {
            evidence: Box::new(report.evidence()),
            report,
            source,
        }
    }

    /// A duplicate whose evidence says what the report says.
    pub fn duplicate(report: Report) -> Self {
        let mut evidence = report.evidence();
        evidence.duplicate = true;
        Self::Duplicate {
            evidence: Box::new(evidence),
            report,
        }
    }

    /// Adds the network's id of the post to the evidence of an unknown outcome or a duplicate; others stay as they are.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        if let Self::Unknown { evidence, .. } | Self::Duplicate { evidence, .. } = &mut self {
            evidence.id = Some(id.into());
        }
        self
    }
}

/// Who said what: the part every error shares.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The network, for example `"mastodon"`.
    pub network: String,
    /// The HTTP status, when an answer arrived.
    pub status: Option<u16>,
    /// The network's id of the request, when it names one.
    pub request_id: Option<String>,
    /// What happened: one line of at most 500 characters.
    pub message: String,
}

impl Report {
    /// A report by `network`. The message is made one line and cut to 500 characters; it must hold no secret.
    pub fn new(network: impl Into<String>, message: impl AsRef<str>) -> Self {
        Self {
            network: network.into(),
            status: None,
            request_id: None,
            message: bounded(message.as_ref()),
        }
    }

    /// Adds the status of the answer.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds the network's id of the request.
    #[must_use]
    pub fn request_id(mut self, id: Option<impl AsRef<str>>) -> Self {
        self.request_id = id.map(|id| bounded(id.as_ref()));
        self
    }

    fn evidence(&self) -> Evidence {
        Evidence {
            status: self.status,
            request_id: self.request_id.clone(),
            note: self.message.clone(),
            ..Evidence::default()
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.network)?;
        match (self.status, self.request_id.as_deref()) {
            (Some(status), Some(id)) => write!(f, " ({status}, request {id})")?,
            (Some(status), None) => write!(f, " ({status})")?,
            (None, Some(id)) => write!(f, " (request {id})")?,
            (None, None) => {}
        }
        write!(f, ": {}", self.message)
    }
}

/// One line of at most [`MAX_MESSAGE`] characters.
pub(crate) fn bounded(message: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in message.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
            length += 1;
        }
        for c in word.chars() {
            if length >= MAX_MESSAGE - 1 {
                out.push('…');
                return out;
            }
            out.push(c);
            length += 1;
        }
    }
    out
}

const _: fn() = || {
    fn is_shareable<T: Send + Sync + 'static>() {}
    is_shareable::<Error>();
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_bounded_line() {
        let report = Report::new("mastodon", format!("a\n\tb\u{7}{}", "é".repeat(600))).status(422);
        assert!(report.message.chars().count() <= MAX_MESSAGE);
        assert!(report.to_string().starts_with("mastodon (422): a b é"), "{report}");
        assert_eq!(bounded(&"ab ".repeat(300)).chars().count(), MAX_MESSAGE);
    }

    #[test]
    fn only_what_was_not_posted_is_retryable() {
        let report = || Report::new("x", "m");
        let wait = Some(Duration::from_secs(3));
        let limited = Error::RateLimited {
            report: report(),
            retry_after: wait,
        };
        assert!(limited.is_retryable() && !limited.is_unknown());
        assert_eq!(limited.retry_after(), wait);
        for unknown in [Error::unknown(report(), None), Error::duplicate(report())] {
            assert!(unknown.is_unknown() && !unknown.is_retryable());
            assert_eq!(unknown.evidence().unwrap().note, "m");
            assert_eq!(unknown.network(), "x");
        }
        let full = Error::Io {
            report: report(),
            source: std::io::ErrorKind::StorageFull.into(),
        };
        assert!(full.is_retryable());
        let denied = Error::Io {
            report: report(),
            source: std::io::ErrorKind::PermissionDenied.into(),
        };
        assert!(!denied.is_retryable());
    }
}

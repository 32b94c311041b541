//! The one place that turns an answer of the server into an error.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::{PROVIDER, connection::Failure};
use crate::{Error, error::bounded};

/// The server forgot the script: it was restarted or flushed.
pub(super) fn is_no_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// The server became a replica: whoever took over is found by connecting anew.
pub(super) fn moves_on(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// The error of a call that changes something.
pub(super) fn classify(address: &str, failure: Failure) -> Error {
    let provider = PROVIDER;
    let (sent, error) = match failure {
        Failure::NotSent(error) => (false, error),
        Failure::Sent(error) => (true, error),
    };
    let message = |what: &str| bounded(&format!("{address}: {what}")).to_owned();
    let code = error.code().unwrap_or_default().to_owned();
    let said = message(&error.to_string());
    let source: Option<crate::Source> = Some(Box::new(error.clone()));
    let unavailable = |message| Error::Unavailable {
        provider,
        message,
        retry_after: None,
        source: None,
    };
    match (error.kind(), code.as_str()) {
        (_, "OOM") => Error::Full {
            provider,
            message: message("the server's memory is full (maxmemory); make room or raise it"),
            source,
        },
        (_, "NOAUTH" | "WRONGPASS" | "NOPERM")
        | (ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig | ErrorKind::RESP3NotSupported, _) => {
            Error::Config {
                provider,
                message: said,
            }
        }
        (ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::CrossSlot), _) => {
            let message =
                message("the server is a node of a cluster and the queue lives on another one; name that node");
            Error::Config { provider, message }
        }
        (
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly,
            ),
            _,
        )
        | (_, "BUSY" | "MISCONF" | "NOREPLICAS" | "UNBLOCKED" | "MAXCLIENTS") => unavailable(said),
        // What rustls says of a certificate: time does not mend it.
        (ErrorKind::Io, _) if said.contains("invalid peer certificate") => Error::Config {
            provider,
            message: said,
        },
        (ErrorKind::Io, _) if sent => Error::OutcomeUnknown {
            provider,
            message: said,
            source,
        },
        (ErrorKind::Io, _) => Error::Unavailable {
            provider,
            message: message(&format!("the server cannot be reached: {error}")),
            retry_after: None,
            source,
        },
        _ if said.contains("max number of clients") => unavailable(said),
        _ => Error::Storage {
            provider,
            message: said,
            source,
        },
    }
}

/// The error of a call that only reads: without an answer nothing happened.
pub(super) fn classify_read(address: &str, failure: Failure) -> Error {
    match classify(address, failure) {
        Error::OutcomeUnknown {
            provider,
            message,
            source,
        } => Error::Unavailable {
            provider,
            message,
            retry_after: None,
            source,
        },
        other => other,
    }
}

/// An answer that does not read as it should.
pub(super) fn garbled(what: &'static str) -> Error {
    Error::Storage {
        provider: PROVIDER,
        message: format!("the server's answer does not read as {what}; do other programs write the queue's keys?"),
        source: None,
    }
}

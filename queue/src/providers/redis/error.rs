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
    code(error) == "READONLY"
}

/// The code of a refusal. Up to Redis 6.2 what refused a command inside a script stands in the text, behind a dash:
/// `Error running script (call to f_...): @user_script:30: @user_script: 30: -OOM command not allowed ...`.
fn code(error: &RedisError) -> &str {
    let inside = error
        .detail()
        .filter(|detail| detail.starts_with("Error running script"))
        .and_then(|detail| detail.split_once(": -"))
        .and_then(|(_, refusal)| refusal.split_whitespace().next());
    inside.or_else(|| error.code()).unwrap_or_default()
}

/// The error of a call that changes something.
pub(super) fn classify(address: &str, failure: Failure) -> Error {
    let provider = PROVIDER;
    let (sent, error) = match failure {
        Failure::NotSent(error) => (false, error),
        Failure::Sent(error) => (true, error),
    };
    let message = |what: &str| bounded(&format!("{address}: {what}")).to_owned();
    let said = message(&error.to_string());
    let source: Option<crate::Source> = Some(Box::new(error.clone()));
    let unavailable = |message| Error::Unavailable {
        provider,
        message,
        retry_after: None,
        source: None,
    };
    match (error.kind(), code(&error)) {
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
                | ServerErrorKind::MasterDown,
            ),
            _,
        )
        | (_, "BUSY" | "MISCONF" | "NOREPLICAS" | "READONLY" | "UNBLOCKED" | "MAXCLIENTS") => unavailable(said),
        // What rustls says of a certificate: time does not mend it.
        (ErrorKind::Io, _) if said.contains("invalid peer certificate") => Error::Config {
            provider,
            message: said,
        },
        // An answer cut in the middle does not parse.
        (ErrorKind::Io | ErrorKind::Parse, _) if sent => Error::OutcomeUnknown {
            provider,
            message: said,
            source,
        },
        (ErrorKind::Io | ErrorKind::Parse, _) => Error::Unavailable {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What the server wrote, as the driver hands it on.
    fn refused(line: &str) -> RedisError {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err()
    }

    #[test]
    fn a_refusal_inside_a_script_is_told_apart_on_every_version() {
        let inside = "ERR Error running script (call to f_f5b8): @user_script:30: @user_script: 30: -";
        let after = " script: f5b8, on @user_script:30.";
        for (code, text) in [
            ("OOM", "OOM command not allowed when used memory > 'maxmemory'."),
            ("READONLY", "READONLY You can't write against a read only replica."),
            ("MISCONF", "MISCONF Redis is configured to save RDB snapshots."),
            ("NOREPLICAS", "NOREPLICAS Not enough good replicas to write."),
        ] {
            for line in [format!("{inside}{text}"), format!("{text}{after}")] {
                let error = refused(&line);
                assert_eq!(moves_on(&error), code == "READONLY", "{line}");
                let error = classify("host", Failure::Sent(error));
                let expected = if code == "OOM" {
                    matches!(error, Error::Full { .. })
                } else {
                    matches!(error, Error::Unavailable { .. })
                };
                assert!(expected && error.is_retryable(), "{line}: {error:?}");
            }
        }
        let wrong = classify("host", Failure::Sent(refused("ERR unknown command 'EVALSHA'")));
        assert!(matches!(wrong, Error::Storage { .. }), "{wrong:?}");
    }
}

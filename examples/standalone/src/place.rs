//! Where the store and the queue are: a URL that names the backend.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::exit::BadSettings;

/// One backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A SQLite file on this machine; one process at a time.
    Sqlite(PathBuf),
    /// A Postgres server that any number of processes share.
    Postgres(ServerUrl),
    /// A Redis server that any number of processes share; queues only.
    Redis(ServerUrl),
}

/// The address of a server, which may hold a password and so is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl(String);

impl ServerUrl {
    /// The whole address, for the client.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The server's name and port.
    fn host(&self) -> &str {
        let authority = self.0.split_once("//").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?']).next().unwrap_or_default();
        authority.rsplit('@').next().unwrap_or_default()
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerUrl(..)")
    }
}

impl fmt::Display for Place {
    /// The file, or the server's name without what may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "SQLite in {}", file.display()),
            Self::Postgres(url) => write!(f, "Postgres at {}", url.host()),
            Self::Redis(url) => write!(f, "Redis at {}", url.host()),
        }
    }
}

/// What a setting may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Store,
    Queue,
}

impl Kind {
    const fn expected(self) -> &'static str {
        match self {
            Self::Store => "sqlite:PATH or postgres://...",
            Self::Queue => "sqlite:PATH, postgres://... or redis://...",
        }
    }
}

impl Place {
    /// Reads the URL that `field` holds; a path in it is relative to `folder`. What SQLite itself reads as a database in
    /// memory is refused: pages would be lost between a store that stays and a queue that does not.
    ///
    /// # Errors
    /// [`BadSettings`] for another scheme or an empty path. The message holds no part of a server's address behind the
    /// scheme.
    pub(crate) fn parse(kind: Kind, field: &str, url: &str, folder: &Path) -> anyhow::Result<Self> {
        let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
        let server = rest.strip_prefix("//").is_some_and(|rest| !rest.is_empty());
        match (scheme, kind) {
            ("sqlite", _) if !rest.trim().is_empty() && !rest.starts_with(':') && !rest.starts_with("file:") => {
                Ok(Self::Sqlite(folder.join(rest)))
            }
            ("postgres" | "postgresql", _) if server => Ok(Self::Postgres(ServerUrl(url.to_owned()))),
            ("redis" | "rediss", Kind::Queue) if server => Ok(Self::Redis(ServerUrl(url.to_owned()))),
            _ => {
                let shown = if url.contains('@') {
                    format!("{scheme}:...")
                } else {
                    url.to_owned()
                };
                let message = format!("{field} is {shown:?}, expected {}", kind.expected());
                Err(BadSettings(message).into())
            }
        }
    }

    /// Refuses an address of the file that holds a password: the file is shared and kept, the environment is not.
    ///
    /// # Errors
    /// [`BadSettings`] that names the variable to use.
    pub(crate) fn no_password(self, field: &str, variable: &str) -> anyhow::Result<Self> {
        let (Self::Postgres(url) | Self::Redis(url)) = &self else {
            return Ok(self);
        };
        let authority = url.0.split_once("//").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        if user.contains(':') || url.0.contains("password=") {
            let message = format!("{field} holds a password; give the address by the environment variable {variable}");
            return Err(BadSettings(message).into());
        }
        Ok(self)
    }

    /// The file, when the backend is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) | Self::Redis(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let url = "postgres://me:s3cret@db.example/x";
        let place = Place::parse(Kind::Store, "store", url, Path::new("")).unwrap();
        assert!(!format!("{place:?}").contains("s3cret"));
        assert_eq!(place.to_string(), "Postgres at db.example");
        let error = place.no_password("store", "PRESSWORK_STORE").unwrap_err().to_string();
        assert!(
            error.contains("PRESSWORK_STORE") && !error.contains("s3cret"),
            "{error}"
        );
        for bad in ["mysql://me:s3cret@x", "redis://me:s3cret@x"] {
            let error = Place::parse(Kind::Store, "store", bad, Path::new("")).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        let open = Place::parse(Kind::Queue, "queue", "redis://localhost:6379/1", Path::new("")).unwrap();
        open.no_password("queue", "PRESSWORK_QUEUE").unwrap();
    }
}

//! Sets up a [`RedisQueue`].

use std::{fmt, sync::Arc, time::Duration};

use redis::{Client, ConnectionAddr, IntoConnectionInfo, TlsCertificates};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::{Inner, PROVIDER, RedisQueue, connection::Link, error::classify_read, script::Keys};
use crate::{Error, Result, limits::Settings};

/// Sets up a [`RedisQueue`]. Prints no URL: it may hold a password.
#[derive(Clone)]
#[must_use]
pub struct RedisQueueBuilder {
    url: String,
    name: String,
    settings: Settings,
    timeout: Duration,
    roots: Option<Vec<u8>>,
}

impl RedisQueueBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            name: "default".to_owned(),
            settings: Settings::default(),
            timeout: Duration::from_secs(5),
            roots: None,
        }
    }

    /// Which queue of the server; 1 to 200 bytes. Default `default`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How long a delivery is leased. Default 30 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// After how many deliveries a message becomes a dead letter; at least 1. Default 4.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.settings.max_attempts = attempts;
        self
    }

    /// How long a retry waits that names no time. Default 0.
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.settings.retry_delay = delay;
        self
    }

    /// How long an idempotency key is remembered. Default 24 h.
    pub fn idempotency_ttl(mut self, ttl: Duration) -> Self {
        self.settings.idempotency_ttl = ttl;
        self
    }

    /// How long to wait for a connection, and for the answer to a call that does not block; at most an hour. Default 5 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The certificates to trust instead of the system's, as PEM, for `rediss://`.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Connects and checks that the server evicts nothing.
    ///
    /// # Errors
    /// - [`Error::Config`] for a bad URL or setting, a refused login, a certificate of the server that is not trusted or
    ///   not its, or a server that may evict messages (`maxmemory-policy` other than `noeviction`).
    /// - [`Error::Unavailable`] when the server cannot be reached.
    pub async fn build(self) -> Result<RedisQueue> {
        self.settings.check(PROVIDER)?;
        let config = |message: &str| Error::Config {
            provider: PROVIDER,
            message: message.to_owned(),
        };
        if self.name.is_empty() || self.name.len() > 200 {
            return Err(config("the name of a queue has 1 to 200 bytes"));
        }
        if self.timeout < Duration::from_millis(1) || self.timeout > Duration::from_secs(3600) {
            return Err(config("timeout must be between 1 ms and one hour"));
        }
        // The parser's own words may quote the URL, and with it a password.
        let bad = |_| config("the URL must read redis://[user:password@]host[:port][/database], or rediss:// for TLS");
        let info = self.url.as_str().into_connection_info().map_err(bad)?;
        let tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        if self.roots.is_some() && !tls {
            return Err(config("root certificates are for a URL that begins with rediss://"));
        }
        if tls && rustls::crypto::CryptoProvider::get_default().is_none() {
            // Without it the client panics when a program holds two implementations. Whoever is first stays.
            drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        }
        let client = match self.roots {
            None => Client::open(info).map_err(bad)?,
            Some(roots) => {
                let mut certificates = CertificateDer::pem_slice_iter(&roots).peekable();
                if certificates.peek().is_none() || certificates.any(|certificate| certificate.is_err()) {
                    return Err(config(
                        "the root certificates do not read as PEM with at least one certificate",
                    ));
                }
                let trusted = TlsCertificates {
                    client_tls: None,
                    root_cert: Some(roots),
                };
                let unusable = |_| config("the root certificates cannot be used");
                Client::build_with_tls(info, trusted).map_err(unusable)?
            }
        };
        let link = Link::new(client, self.timeout);
        let inner = Inner {
            address: link.address(),
            settings: self.settings,
            keys: Keys::of(&self.name),
            link,
        };
        inner.check_server().await?;
        Ok(RedisQueue(Arc::new(inner)))
    }
}

impl Inner {
    /// A server that evicts would lose messages and forget idempotency keys without a word.
    /// <https://redis.io/docs/latest/develop/reference/eviction/>
    async fn check_server(&self) -> Result<()> {
        let memory = self.link.send::<String>(redis::cmd("INFO").arg("memory")).await;
        let memory = match memory.map_err(|failure| classify_read(&self.address, failure)) {
            Ok(memory) => memory,
            // Some services keep INFO to themselves; what they cannot say cannot be checked.
            Err(Error::Config { message, .. }) if message.contains("permissions") => {
                tracing::warn!(server = %self.address, "the eviction policy cannot be read; it must be noeviction");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let policy = memory
            .lines()
            .find_map(|line| line.trim().strip_prefix("maxmemory_policy:"));
        match policy {
            None | Some("noeviction") => Ok(()),
            Some(policy) => Err(Error::Config {
                provider: PROVIDER,
                message: format!(
                    "{}: maxmemory-policy is {policy} and would evict messages; set it to noeviction",
                    self.address
                ),
            }),
        }
    }
}

impl fmt::Debug for RedisQueueBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisQueueBuilder")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

//! The URL of a database, read without ever repeating its password.
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>

use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::tls::Check;
use crate::{Result, text};

/// What a URL says.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) check: Check,
    pub(super) roots: Option<PathBuf>,
    /// Hosts and database, for errors: no user, no password.
    pub(super) place: String,
}

/// Reads a URL. `sslmode` and `sslrootcert` are read here, because the driver knows less of them than libpq.
pub(super) fn read(url: &str) -> Result<Address> {
    let wrong = |reason: String| text::invalid("url", reason);
    if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return Err(wrong("does not start with `postgres://`".to_owned()));
    }
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut roots, mut others) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => roots = Some(PathBuf::from(decode(value))),
            _ => others.push(pair),
        }
    }
    let base = if others.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", others.join("&"))
    };
    // The driver's error names the setting, never its value.
    let mut config: Config = base.parse().map_err(|error: tokio_postgres::Error| {
        use std::error::Error as _;
        let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        wrong(format!("is no address of Postgres{source}"))
    })?;
    let (mode, check) = match mode.as_deref() {
        Some("disable") => (SslMode::Disable, Check::Nothing),
        None | Some("allow" | "prefer") => (SslMode::Prefer, Check::Nothing),
        // As libpq has it: with a root certificate at hand the chain is looked at.
        Some("require") if roots.is_some() => (SslMode::Require, Check::Chain),
        Some("require") => (SslMode::Require, Check::Nothing),
        Some("verify-ca") => (SslMode::Require, Check::Chain),
        Some("verify-full") => (SslMode::Require, Check::ChainAndName),
        Some(_) => {
            return Err(wrong(
                "has an `sslmode` other than disable, allow, prefer, require, verify-ca, verify-full".to_owned(),
            ));
        }
    };
    config.ssl_mode(mode);
    if config.get_hosts().is_empty() {
        return Err(wrong("names no host".to_owned()));
    }
    if config.get_application_name().is_none() {
        config.application_name("presswork");
    }
    let place = place(&config);
    Ok(Address {
        config,
        check,
        roots,
        place,
    })
}

fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(n, host)| {
            let port = ports.get(n).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(path) => format!("{}:{port}", path.display()),
            }
        })
        .collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{}/{database}", hosts.join(","))
}

/// Percent signs undone; what is malformed stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_mean_what_libpq_means() {
        for (query, mode, check) in [
            ("", SslMode::Prefer, Check::Nothing),
            ("?sslmode=disable", SslMode::Disable, Check::Nothing),
            ("?sslmode=require", SslMode::Require, Check::Nothing),
            ("?sslmode=require&sslrootcert=%2Fca.pem", SslMode::Require, Check::Chain),
            ("?sslmode=verify-ca", SslMode::Require, Check::Chain),
            (
                "?connect_timeout=3&sslmode=verify-full",
                SslMode::Require,
                Check::ChainAndName,
            ),
        ] {
            let address = read(&format!("postgres://me:pw@db.example/site{query}")).unwrap();
            assert_eq!((address.config.get_ssl_mode(), address.check), (mode, check), "{query}");
            assert_eq!(address.place, "postgres://db.example:5432/site");
        }
        let address = read("postgresql://a:1,b:2/x?sslrootcert=%2Fa%20b&application_name=mine").unwrap();
        assert_eq!(address.roots.as_deref(), Some(std::path::Path::new("/a b")));
        assert_eq!(address.config.get_application_name(), Some("mine"));
        assert_eq!(address.place, "postgres://a:1,b:2/x");
    }

    #[test]
    fn no_error_repeats_the_password() {
        for url in [
            "mysql://me:s3cret@host/db",
            "postgres://me:s3cret@host:notaport/db",
            "postgres://me:s3cret@host/db?sslmode=s3cret",
            "postgres://me:s3cret@host/db?nonsense=s3cret",
            "postgres://me:s3cret%ZZ@/db",
            "postgres:///db?password=s3cret",
        ] {
            let error = read(url).unwrap_err();
            assert!(
                matches!(error, crate::Error::InvalidInput { field: "url", .. }),
                "{url}: {error:?}"
            );
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
        let address = read("postgres://me:s3cret@host/db").unwrap();
        assert!(!format!("{address:?}").contains("s3cret"));
    }
}

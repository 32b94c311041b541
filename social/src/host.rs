//! Which hosts may be asked. Addresses that users give must not lead into the network that the code runs in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::platform;

/// How far a target may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What everybody can reach, over `https`.
    Public,
    /// Loopback and private networks, too; over `http` loopback alone.
    Private,
}

/// A URL and its parts, as the [standard](https://url.spec.whatwg.org) writes them: a host that was written as `0x7f.1` is
/// `127.0.0.1` here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) url: String,
    pub(crate) scheme: String,
    /// Whether a user name or a password stands in front of the host.
    pub(crate) user: bool,
    /// An address of version 6 stands in brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) fragment: bool,
}

impl Address {
    /// The host, and the port when it is not that of the scheme.
    pub(crate) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

/// The URL, when a request may be made to it.
pub(crate) fn check(url: &str, reach: Reach) -> Result<Address, &'static str> {
    let url = platform::parse_url(url).ok_or("is no absolute URL")?;
    if url.user {
        return Err("carries a user name");
    }
    let host = url.host.strip_suffix('.').unwrap_or(&url.host).trim_matches(['[', ']']);
    if host.is_empty() {
        return Err("has no host");
    }
    let (loopback, public) = match host.parse::<IpAddr>() {
        Ok(address) => (address.to_canonical().is_loopback(), is_public(address)),
        Err(_) => (
            host == "localhost" || host.ends_with(".localhost"),
            is_public_name(host),
        ),
    };
    match (url.scheme.as_str(), reach) {
        ("https", Reach::Public) if public => Ok(url),
        ("https", Reach::Private) => Ok(url),
        ("http", Reach::Private) if loopback => Ok(url),
        ("https", Reach::Public) => Err("names a host that the public cannot reach"),
        ("http", Reach::Public) if loopback => Err("names a host that the public cannot reach"),
        _ => Err("must begin with https://"),
    }
}

/// The URL of a server, without path, query and fragment, and without a `/` at its end.
pub(crate) fn check_server(url: &str, reach: Reach) -> Result<Address, &'static str> {
    let mut url = check(url, reach)?;
    if url.path == "/" && url.url.ends_with('/') && url.query.is_empty() && !url.fragment {
        url.url.pop();
        return Ok(url);
    }
    Err("must name the server alone, such as https://server.example")
}

/// Names that are looked up inside of a network only.
fn is_public_name(host: &str) -> bool {
    const INSIDE: [&str; 7] = ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "test"];
    let ends = |suffix: &str| {
        host.strip_suffix(suffix)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    host.contains('.') && !INSIDE.iter().any(|suffix| ends(suffix))
}

/// Whether everybody can reach `address`, by the special-purpose registries of
/// [IPv4](https://www.iana.org/assignments/iana-ipv4-special-registry/) and
/// [IPv6](https://www.iana.org/assignments/iana-ipv6-special-registry/).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b) {
        // This network, private, loopback, multicast, reserved and broadcast.
        (0 | 10 | 127 | 224..=255, _) => true,
        // Shared by carriers (also a metadata service), link-local (metadata services), private, private, benchmarks.
        (100, 64..=127) | (169, 254) | (172, 16..=31) | (192, 168) | (198, 18..=19) => true,
        // Protocol assignments and documentation, 6to4 relays, documentation.
        (192, 0) => matches!(c, 0 | 2),
        (192, 88) => c == 99,
        (198, 51) => c == 100,
        (203, 0) => c == 113,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [.., high, low] = segments;
    let embedded = Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match segments {
        // IPv4-mapped, and translated by NAT64: as public as what is inside.
        [0, 0, 0, 0, 0, 0xFFFF, ..] | [0x64, 0xFF9B, 0, 0, 0, 0, ..] => is_public_v4(embedded),
        // Protocol assignments with Teredo, documentation, 6to4: a way to an IPv4 address of the sender's choice.
        [0x2001, 0..=0x1FF | 0xDB8, ..] | [0x2002 | 0x3FFF, ..] => false,
        // Global unicast; all else is loopback, private, link-local, multicast or unassigned.
        [first, ..] => first >> 13 == 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_refused_in_every_form() {
        let inside = [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://0.0.0.0/",
            "https://10.1.2.3/",
            "https://100.64.0.1/",
            "https://100.100.100.200/",
            "https://169.254.169.254/latest/meta-data",
            "https://172.16.0.1/",
            "https://172.31.255.255/",
            "https://192.168.1.1/",
            "https://192.0.0.192/",
            "https://198.18.0.1/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[::]/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[64:ff9b:1::7f00:1]/",
            "https://[::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001:0:7f00:1::]/",
            "https://[fe80::1]/",
            "https://[fc00::1]/",
            "https://[fd00:ec2::254]/",
            "https://[fec0::1]/",
            "https://[ff02::1]/",
            "https://[2001:db8::1]/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "https://printer/",
            "https://nas.local/",
            "https://metadata.google.internal/",
            "https://router.lan/",
            "http://localhost/",
        ];
        for url in inside {
            assert_eq!(
                check(url, Reach::Public).unwrap_err(),
                "names a host that the public cannot reach",
                "{url}"
            );
        }
        for url in [
            "https://example.com/",
            "https://1.1.1.1/",
            "https://[2606:4700::1111]/",
            "https://[::ffff:1.1.1.1]/",
            "https://172.32.0.1/",
            "https://100.128.0.1/",
            "https://local.example/",
            "https://xn--nxasmq6b.example/",
        ] {
            assert!(check(url, Reach::Public).is_ok(), "{url}");
        }
        for url in [
            "http://example.com",
            "ftp://example.com",
            "https://a:b@example.com",
            "https://a@example.com",
            "/x",
            "file:///etc/passwd",
            "data:,x",
        ] {
            assert!(check(url, Reach::Private).is_err(), "{url}");
        }
        for url in [
            "http://127.0.0.1:80/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost/",
            "https://10.0.0.1/",
        ] {
            assert!(check(url, Reach::Private).is_ok(), "{url}");
        }
        assert!(check("http://10.0.0.1/", Reach::Private).is_err());
        for url in [
            "https://example.com/a",
            "https://example.com/?",
            "https://example.com/#",
            "https://example.com/?q=/",
            "https://example.com/#/",
        ] {
            assert!(check_server(url, Reach::Public).is_err(), "{url}");
        }
        let server = check_server("HTTPS://EXAMPLE.com:8443", Reach::Public).unwrap();
        assert_eq!(
            (server.url.as_str(), server.authority().as_str()),
            ("https://example.com:8443", "example.com:8443")
        );
    }

    proptest::proptest! {
        /// However an address of the loopback network is written.
        #[test]
        fn loopback_is_refused_however_it_is_written(low in 0_u32..0x100_0000) {
            let number = 0x7F00_0000 | low;
            let [a, b, c, d] = number.to_be_bytes();
            let hosts = [
                format!("{a}.{b}.{c}.{d}"), number.to_string(), format!("0x{number:x}"), format!("0{a:o}.{b}.{c}.{d}"),
                format!("[::ffff:{a}.{b}.{c}.{d}]"), format!("[64:ff9b::{a}.{b}.{c}.{d}]"),
            ];
            for host in hosts {
                proptest::prop_assert!(check(&format!("https://{host}/"), Reach::Public).is_err(), "{}", host);
            }
        }
    }
}

//! One provider's server: where it is, how it is addressed, and one exchange with it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url};

use super::{Answer, Peer, answered, transport, words};
use crate::{ApiKey, Error, Failure, Result, platform};

/// The vendors' own clients wait this long for an answer.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Room for a prompt of a few sentences; a longer one grows from there.
const SHORT_REQUEST: usize = 1024;

/// What an exchange is expected to bring.
pub(crate) const JSON: &str = "application/json";
/// As [`JSON`], piece by piece.
pub(crate) const EVENTS: &str = "text/event-stream";

/// How a key is shown to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Auth {
    /// The header it goes in.
    pub(crate) header: &'static str,
    /// Whether the word `Bearer` stands before it.
    pub(crate) bearer: bool,
    /// The host that answers nobody without a key, the provider's own; with a dot before it, all hosts that end so.
    pub(crate) needed_by: Option<&'static str>,
}

impl Auth {
    fn is_needed_by(&self, host: &str) -> bool {
        self.needed_by.is_some_and(|needed| match needed.strip_prefix('.') {
            Some(_) => host.ends_with(needed),
            None => host == needed,
        })
    }
}

/// Where a request goes. A path may hold a secret, a gateway's token, so `Debug` shows none.
#[derive(Clone)]
pub(crate) struct Endpoint(pub(crate) Url);

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint(..)")
    }
}

/// The settings every HTTP provider shares.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) model: String,
    pub(crate) name: Option<String>,
    pub(crate) base_url: Option<String>,
    pub(crate) api_key: Option<ApiKey>,
    /// The values may be secrets, so they are kept like one.
    pub(crate) headers: Vec<(String, ApiKey)>,
    pub(crate) client: Option<Client>,
    pub(crate) timeout: Duration,
}

/// The methods of [`Settings`], for a builder whose field `settings` holds them.
macro_rules! shared_settings {
    () => {
        /// Sets the key. The provider's own server needs one; many local servers take none.
        pub fn api_key(mut self, key: impl Into<crate::ApiKey>) -> Self {
            self.settings.api_key = Some(key.into());
            self
        }

        /// Sets the server, up to and including its version, with or without a slash at the end; a gateway's URL works here.
        pub fn base_url(mut self, url: impl Into<String>) -> Self {
            self.settings.base_url = Some(url.into());
            self
        }

        /// Sets the provider's name in errors, ledgers and prices.
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.settings.name = Some(name.into());
            self
        }

        /// Adds a header to every request (`OpenAI-Organization`, `cf-aig-authorization`). Its value is treated as a secret.
        pub fn header(mut self, name: impl Into<String>, value: impl Into<crate::ApiKey>) -> Self {
            self.settings.headers.push((name.into(), value.into()));
            self
        }

        /// Shares a client. One costs as much to make as hundreds of calls, so models of one process better share theirs.
        /// Give it no redirects: a followed POST becomes a GET.
        pub fn client(mut self, client: reqwest::Client) -> Self {
            self.settings.client = Some(client);
            self
        }

        /// Sets how long a call may take whose request says nothing; 10 minutes without it.
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.settings.timeout = timeout;
            self
        }
    };
}
pub(crate) use shared_settings;

/// Neither the base URL nor the client, whose default headers may be secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("model", &self.model)
            .field("name", &self.name)
            .field("api_key", &self.api_key)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Settings {
    pub(crate) fn new(model: String) -> Self {
        Self {
            model,
            name: None,
            base_url: None,
            api_key: None,
            headers: Vec::new(),
            client: None,
            timeout: TIMEOUT,
        }
    }

    fn is_signed(&self, header: &str) -> bool {
        let shows = |name: &str| name.eq_ignore_ascii_case(header) || name.eq_ignore_ascii_case("authorization");
        self.headers.iter().any(|(name, _)| shows(name))
    }

    /// Checks everything, and returns the server and the model's id.
    pub(crate) fn server(self, name: &str, base: Option<&str>, auth: Auth) -> Result<(Server, String)> {
        let provider = self.name.clone().unwrap_or_else(|| name.to_owned());
        if provider.trim().is_empty() {
            return Err(bad(name, "the name is empty"));
        }
        if self.model.trim().is_empty() {
            return Err(bad(&provider, "the model id is empty"));
        }
        if self.timeout.is_zero() {
            return Err(bad(&provider, "the timeout is zero"));
        }
        let base = self.base_url.as_deref().or(base);
        let base = base.ok_or_else(|| bad(&provider, "the base URL is missing"))?;
        let (base, host) = split(base).map_err(|what| bad(&provider, what))?;
        let mut headers = HeaderMap::new();
        match &self.api_key {
            Some(key) if key.expose().is_empty() => return Err(bad(&provider, "the API key is empty")),
            Some(key) => {
                let bearer = if auth.bearer { "Bearer " } else { "" };
                let value = secret(&format!("{bearer}{}", key.expose()));
                let value = value.ok_or_else(|| bad(&provider, "the API key holds characters no header can"))?;
                headers.insert(auth.header, value);
            }
            // A header may carry what stands for a key: a token of the platform's own accounts.
            None if auth.is_needed_by(&host) && !self.is_signed(auth.header) => {
                return Err(bad(&provider, format!("{host} needs an API key")));
            }
            None => {}
        }
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| bad(&provider, "a header's name holds characters no header can"))?;
            let value = secret(value.expose());
            let value =
                value.ok_or_else(|| bad(&provider, format!("header `{name}` holds characters no header can")))?;
            headers.insert(name, value);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(ACCEPT, HeaderValue::from_static(JSON));
        let is_shared = self.client.is_some();
        // Somebody else's client may follow a redirect to another host.
        if platform::TAKES_HOST
            && !is_shared
            && !headers.contains_key(HOST)
            && let Ok(value) = HeaderValue::try_from(&host)
        {
            headers.insert(HOST, value);
        }
        let client = match self.client {
            Some(client) => client,
            None => platform::client().map_err(|error| {
                let failure = Failure::new(&provider, "no HTTP client can be made").source(error.without_url());
                Error::Config(failure.boxed())
            })?,
        };
        let peer = Peer {
            provider,
            host,
            is_cloudflare: false,
            secrets: secrets(self.api_key.as_ref(), &self.headers),
        };
        let server = Server {
            client,
            is_shared,
            base,
            peer: Arc::new(peer),
            headers,
            timeout: self.timeout,
        };
        Ok((server, self.model))
    }
}

/// One provider's server.
#[derive(Clone)]
pub(crate) struct Server {
    client: Client,
    /// Somebody else made the client.
    is_shared: bool,
    base: String,
    pub(crate) peer: Arc<Peer>,
    /// Sensitive values are marked, so that `Debug` does not show them.
    headers: HeaderMap,
    timeout: Duration,
}

/// As [`Settings`] shows itself.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("peer", &self.peer)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// The URL of a path below the base.
    pub(crate) fn url(&self, path: &str) -> Result<Endpoint> {
        let url = format!("{}{path}", self.base);
        Url::parse(&url)
            .map(Endpoint)
            .map_err(|_| self.bad("the base URL cannot be extended"))
    }

    /// A setting that is wrong.
    pub(crate) fn bad(&self, what: &str) -> Error {
        bad(&self.peer.provider, what)
    }

    /// How long a call may take: what the request says, or the builder.
    pub(crate) fn patience(&self, asked: Option<Duration>) -> Result<Duration> {
        let timeout = asked.unwrap_or(self.timeout);
        if timeout.is_zero() {
            let failure = Failure::new(&self.peer.provider, "no time left to ask");
            return Err(Error::Timeout(failure.boxed()));
        }
        Ok(timeout)
    }

    /// Posts `body` as JSON and returns the answer if its status is a success.
    pub(crate) async fn post<T: serde::Serialize + Sync + ?Sized>(
        &self,
        url: &Endpoint,
        timeout: Option<Duration>,
        accept: &'static str,
        body: &T,
    ) -> Result<Answer> {
        let body = self.json(body)?;
        self.post_bytes(url, timeout, accept, None, body).await
    }

    /// Posts a body of this content type, JSON without one.
    pub(crate) async fn post_bytes(
        &self,
        url: &Endpoint,
        timeout: Option<Duration>,
        accept: &'static str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Answer> {
        let timeout = self.patience(timeout)?;
        let request = self.request(url, timeout, accept, content_type, body)?;
        #[cfg(fuzzing)]
        if let Some((status, headers, body)) = crate::fuzzing::answer() {
            return answered(&self.peer, status, headers, body).await;
        }
        let exchanged = platform::exchange(&self.client, request, timeout).await;
        let (status, headers, body) = exchanged.map_err(|error| transport(&self.peer, error))?;
        answered(&self.peer, status, headers, body).await
    }

    fn request(
        &self,
        url: &Endpoint,
        timeout: Duration,
        accept: &'static str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Result<reqwest::Request> {
        let mut request = reqwest::Request::new(Method::POST, url.0.clone());
        if self.is_shared {
            // A client may have a time limit for everything, which a model does not keep to.
            *request.timeout_mut() = Some(timeout);
        }
        *request.body_mut() = Some(body.into());
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        if accept != JSON {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        if let Some(content_type) = content_type {
            let content_type = HeaderValue::try_from(content_type);
            headers.insert(
                CONTENT_TYPE,
                content_type.map_err(|_| self.bad("no header can hold the content type"))?,
            );
        }
        Ok(request)
    }

    /// The body's bytes.
    pub(crate) fn json<T: serde::Serialize + ?Sized>(&self, body: &T) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(SHORT_REQUEST);
        match words::write(&mut bytes, body) {
            Ok(()) => Ok(bytes),
            Err(error) => {
                let failure = Failure::new(&self.peer.provider, "the request cannot be written as JSON");
                Err(Error::Config(failure.source(error).boxed()))
            }
        }
    }
}

/// Shorter values are words such as `true`, which say nothing and would be cut out of every message.
const SHORTEST_SECRET: usize = 8;

/// What must not be repeated: each value, and its last word alone, for a server that leaves `Bearer` out; both also as
/// they stand in a text that was escaped for JSON or for a URL.
fn secrets(key: Option<&ApiKey>, headers: &[(String, ApiKey)]) -> Arc<[ApiKey]> {
    let values = key.into_iter().chain(headers.iter().map(|(_, value)| value));
    let mut secrets: Vec<ApiKey> = values
        .flat_map(|value| [value.expose(), value.expose().rsplit(' ').next().unwrap_or_default()])
        .filter(|text| text.len() >= SHORTEST_SECRET)
        .flat_map(|text| [text.to_owned(), text.replace('/', "\\/"), percent_encoded(text)])
        .map(ApiKey::new)
        .collect();
    secrets.sort_by(|a, b| (b.expose().len(), b.expose()).cmp(&(a.expose().len(), a.expose())));
    secrets.dedup();
    secrets.into()
}

/// As in the query of a URL.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The base without its last slashes, and the host as errors name it. Reasons never repeat the URL: it may hold a secret.
fn split(base: &str) -> Result<(String, String), &'static str> {
    let url = Url::parse(base).map_err(|_| "the base URL is not a URL; expected something like https://host/v1")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the base URL is neither http nor https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the base URL holds credentials; give them as the API key");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the base URL has a query or fragment; it ends with its path");
    }
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return Err("the base URL has no host"),
    };
    Ok((url.as_str().trim_end_matches('/').to_owned(), host))
}

fn bad(provider: &str, what: impl AsRef<str>) -> Error {
    Error::Config(Failure::new(provider, what).boxed())
}

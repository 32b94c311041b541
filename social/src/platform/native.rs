use std::time::Duration;

pub(crate) fn now_ms() -> i64 {
    let now = std::time::SystemTime::now();
    match now.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    }
}

pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// The text in composed form (NFC); text that is composed already is not copied.
pub(crate) fn composed(text: &str) -> std::borrow::Cow<'_, str> {
    use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text.into();
    }
    text.nfc().collect::<String>().into()
}

#[cfg(feature = "__http")]
pub(crate) use web::*;

#[cfg(feature = "__http")]
mod web {
    use std::{error::Error, time::Duration};

    use futures_util::StreamExt;
    use reqwest::{Client, Method, Url, header::HeaderValue};

    use crate::{
        host::{Address, Reach},
        http::{Answer, Failure, MAX_BODY, Request},
    };

    pub(crate) fn parse_url(text: &str) -> Option<Address> {
        let url = Url::parse(text).ok()?;
        Some(Address {
            scheme: url.scheme().to_owned(),
            user: !url.username().is_empty() || url.password().is_some(),
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port(),
            path: url.path().to_owned(),
            query: url.query().unwrap_or_default().to_owned(),
            fragment: url.fragment().is_some(),
            url: url.into(),
        })
    }

    /// What makes requests.
    pub(crate) struct Fetcher(Client);

    impl Fetcher {
        pub(crate) fn new(reach: Reach) -> Result<Self, String> {
            let builder = match reach {
                Reach::Public => Client::builder().dns_resolver(PublicOnly),
                Reach::Private => Client::builder(),
            };
            let client = builder
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(10))
                // Servers close idle connections when they like, some after each answer, and not all say so. A post written
                // into one of those is an unknown outcome, and to look for it costs more than a handshake.
                .pool_max_idle_per_host(0)
                // An attempt is one request, also where HTTP/2 says that it was not looked at.
                .retry(reqwest::retry::never().max_retries_per_request(0))
                .build();
            Ok(Self(client.map_err(|error| describe(&error))?))
        }

        /// Makes one exchange and follows no redirect.
        pub(crate) async fn exchange(&self, request: Request, timeout: Duration) -> Result<Answer, Failure> {
            let method = Method::from_bytes(request.method.as_bytes()).unwrap_or_default();
            let mut sent = self.0.request(method, &request.url).timeout(timeout);
            for (name, value) in &request.headers {
                sent = match HeaderValue::from_str(value) {
                    Ok(mut value) => {
                        value.set_sensitive(*name == "authorization");
                        sent.header(*name, value)
                    }
                    // Refused with its name when the request is built.
                    Err(_) => sent.header(*name, value),
                };
            }
            let response = sent.body(request.body).send().await.map_err(failure)?;
            let headers = response.headers().iter();
            let headers = headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
            let (status, headers) = (response.status().as_u16(), headers.collect());
            let redirected = Url::parse(&request.url).is_ok_and(|asked| asked != *response.url());
            let mut stream = response.bytes_stream();
            let mut body = Ok(Vec::new());
            while let (Ok(read), Some(chunk)) = (&mut body, stream.next().await) {
                match chunk {
                    Ok(chunk) if read.len() + chunk.len() <= MAX_BODY => read.extend_from_slice(&chunk),
                    Ok(_) => body = Err(format!("the answer is longer than {MAX_BODY} bytes")),
                    Err(error) => body = Err(describe(&error.without_url())),
                }
            }
            Ok(Answer {
                status,
                headers,
                body,
                redirected,
            })
        }
    }

    /// Looks names up and refuses those with an address that the public cannot reach: also a name that answers with
    /// a public address when it is checked and with another when it is used.
    struct PublicOnly;

    #[derive(Debug)]
    struct NotPublic;

    impl std::fmt::Display for NotPublic {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an address that the public cannot reach")
        }
    }

    impl Error for NotPublic {}

    impl reqwest::dns::Resolve for PublicOnly {
        fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
            Box::pin(async move {
                let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
                if found.iter().any(|address| !crate::host::is_public(address.ip())) {
                    return Err(NotPublic.into());
                }
                Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
            })
        }
    }

    fn failure(error: reqwest::Error) -> Failure {
        let error = error.without_url();
        let not_public = causes(&error).any(|cause| cause.is::<NotPublic>());
        Failure {
            sent: !error.is_connect() && !error.is_builder(),
            not_public,
            message: describe(&error),
            source: Some(error.into()),
        }
    }

    fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
        std::iter::successors(error.source(), |&cause| cause.source())
    }

    /// The error and everything underneath it on one line; the outermost message alone says next to nothing.
    fn describe(error: &reqwest::Error) -> String {
        let mut text = error.to_string();
        for cause in causes(error) {
            text.push_str(": ");
            text.push_str(&cause.to_string());
        }
        text
    }
}

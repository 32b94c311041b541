//! The one place that knows the target.

use std::time::Duration;

#[cfg(all(target_arch = "wasm32", target_feature = "atomics"))]
compile_error!("presswork-social wraps futures of the JavaScript thread; wasm32 with atomics is not supported");

#[cfg(not(target_arch = "wasm32"))]
mod imp {
    use super::*;

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
    pub(crate) fn local<F: Future + Send>(future: F) -> impl Future<Output = F::Output> + Send {
        future
    }

    #[cfg(feature = "__http")]
    pub(crate) fn http_client(reach: crate::host::Reach) -> reqwest::Result<reqwest::Client> {
        let builder = match reach {
            crate::host::Reach::Public => reqwest::Client::builder().dns_resolver(PublicOnly),
            crate::host::Reach::Private => reqwest::Client::builder(),
        };
        builder
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            // Servers drop idle connections after some seconds; a write into one of those is an unknown outcome.
            .pool_idle_timeout(Duration::from_secs(5))
            .build()
    }

    /// Looks names up and refuses those with an address that the public cannot reach: also a name that answers with
    /// a public address when it is checked and with another when it is used.
    #[cfg(feature = "__http")]
    struct PublicOnly;

    #[cfg(feature = "__http")]
    #[derive(Debug)]
    struct NotPublic;

    #[cfg(feature = "__http")]
    impl std::fmt::Display for NotPublic {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an address that the public cannot reach")
        }
    }

    #[cfg(feature = "__http")]
    impl std::error::Error for NotPublic {}

    #[cfg(feature = "__http")]
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

    /// Whether the name of the server led to an address that the public cannot reach.
    #[cfg(feature = "__http")]
    pub(crate) fn not_public(error: &reqwest::Error) -> bool {
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            if cause.is::<NotPublic>() {
                return true;
            }
            source = cause.source();
        }
        false
    }

    /// Whether the request cannot have reached the server.
    #[cfg(feature = "__http")]
    pub(crate) fn never_sent(error: &reqwest::Error) -> bool {
        error.is_connect() || error.is_builder()
    }
}

#[cfg(target_arch = "wasm32")]
mod imp {
    use super::*;

    pub(crate) fn now_ms() -> i64 {
        js_sys::Date::now() as i64
    }

    /// `setTimeout` takes 31 bits of milliseconds, almost 25 days: longer than any isolate lives.
    const MAX_TIMER: Duration = Duration::from_millis(i32::MAX as u64);

    pub(crate) fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        send_wrapper::SendWrapper::new(gloo_timers::future::sleep(duration.min(MAX_TIMER)))
    }

    /// The text in composed form (NFC), by the host's own tables: ours would weigh more than the rest of the counters.
    pub(crate) fn composed(text: &str) -> std::borrow::Cow<'_, str> {
        String::from(js_sys::JsString::from(text).normalize("NFC")).into()
    }

    #[cfg(feature = "__http")]
    pub(crate) fn local<F: Future>(future: F) -> impl Future<Output = F::Output> + Send {
        send_wrapper::SendWrapper::new(future)
    }

    /// The runtime's `fetch` follows redirects on its own; the caller compares the final URL.
    #[cfg(feature = "__http")]
    pub(crate) fn http_client(_: crate::host::Reach) -> reqwest::Result<reqwest::Client> {
        reqwest::Client::builder().build()
    }

    /// `fetch` looks names up out of sight.
    #[cfg(feature = "__http")]
    pub(crate) fn not_public(_: &reqwest::Error) -> bool {
        false
    }

    /// `fetch` does not tell how far a failed request got.
    #[cfg(feature = "__http")]
    pub(crate) fn never_sent(error: &reqwest::Error) -> bool {
        error.is_builder()
    }
}

pub(crate) use imp::*;

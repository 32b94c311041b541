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

    #[cfg(feature = "mastodon")]
    pub(crate) fn local<F: Future + Send>(future: F) -> impl Future<Output = F::Output> + Send {
        future
    }

    #[cfg(feature = "mastodon")]
    pub(crate) fn http_client() -> reqwest::Result<reqwest::Client> {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            // Servers drop idle connections after some seconds; a write into one of those is an unknown outcome.
            .pool_idle_timeout(Duration::from_secs(5))
            .build()
    }

    /// Whether the request cannot have reached the server.
    #[cfg(feature = "mastodon")]
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

    pub(crate) fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        send_wrapper::SendWrapper::new(gloo_timers::future::sleep(duration))
    }

    /// The text in composed form (NFC), by the host's own tables: ours would weigh more than the rest of the counters.
    pub(crate) fn composed(text: &str) -> std::borrow::Cow<'_, str> {
        String::from(js_sys::JsString::from(text).normalize("NFC")).into()
    }

    #[cfg(feature = "mastodon")]
    pub(crate) fn local<F: Future>(future: F) -> impl Future<Output = F::Output> + Send {
        send_wrapper::SendWrapper::new(future)
    }

    /// The runtime's `fetch` follows redirects on its own; the caller compares the final URL.
    #[cfg(feature = "mastodon")]
    pub(crate) fn http_client() -> reqwest::Result<reqwest::Client> {
        reqwest::Client::builder().build()
    }

    /// `fetch` does not tell how far a failed request got.
    #[cfg(feature = "mastodon")]
    pub(crate) fn never_sent(error: &reqwest::Error) -> bool {
        error.is_builder()
    }
}

pub(crate) use imp::*;

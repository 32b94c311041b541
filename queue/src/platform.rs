//! Time, as the target has it. The only place that asks which target this is.

use std::time::Duration;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn now_ms() -> i64 {
    match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(_) => 0,
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[cfg(target_arch = "wasm32")]
pub(crate) fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

#[cfg(target_arch = "wasm32")]
pub(crate) async fn sleep(duration: Duration) {
    // setTimeout takes a signed 32-bit count of milliseconds and fires at once above it.
    let ms = u32::try_from(duration.as_millis())
        .unwrap_or(u32::MAX)
        .min(i32::MAX as u32);
    send_wrapper::SendWrapper::new(gloo_timers::future::TimeoutFuture::new(ms)).await;
}

#[cfg(all(feature = "cloudflare-http", not(target_arch = "wasm32")))]
mod http {
    use std::time::Duration;

    pub(crate) fn local<F: Future + Send>(future: F) -> impl Future<Output = F::Output> + Send {
        future
    }

    pub(crate) fn http_client() -> reqwest::Result<reqwest::Client> {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            // Servers drop idle connections after some seconds; a write into one of those is an unknown outcome.
            .pool_idle_timeout(Duration::from_secs(5))
            .build()
    }

    /// Whether the request cannot have reached the server.
    pub(crate) fn never_sent(error: &reqwest::Error) -> bool {
        error.is_connect() || error.is_builder()
    }
}

#[cfg(all(feature = "cloudflare-http", target_arch = "wasm32"))]
mod http {
    pub(crate) fn local<F: Future>(future: F) -> impl Future<Output = F::Output> + Send {
        send_wrapper::SendWrapper::new(future)
    }

    pub(crate) fn http_client() -> reqwest::Result<reqwest::Client> {
        reqwest::Client::builder().build()
    }

    /// `fetch` does not tell how far a failed request got.
    pub(crate) fn never_sent(error: &reqwest::Error) -> bool {
        error.is_builder()
    }
}

#[cfg(feature = "cloudflare-http")]
pub(crate) use http::*;

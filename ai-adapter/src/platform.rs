//! The one place that knows which target it runs on: time, sleep, and what HTTP needs of either.

pub(crate) use imp::*;

/// Native: tokio's timer and the operating system's clock.
#[cfg(not(target_arch = "wasm32"))]
mod imp {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now_ms() -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    pub(crate) async fn sleep(duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    #[cfg(feature = "__http")]
    pub(crate) use http::*;

    #[cfg(feature = "__http")]
    mod http {
        use std::future::Future;
        use std::time::Duration;

        use bytes::Bytes;

        /// A name the resolver cannot reach must not eat the whole call; ten seconds cover a slow handshake.
        const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

        pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
            reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                // A followed POST becomes a GET; the caller is told to mend the URL instead.
                .redirect(reqwest::redirect::Policy::none())
                .build()
        }

        /// Makes a future of HTTP `Send`; natively it is already.
        pub(crate) fn local<F: Future + Send>(future: F) -> F {
            future
        }

        /// A response's body, chunk by chunk.
        pub(crate) struct Body(reqwest::Response);

        impl Body {
            pub(crate) fn new(response: reqwest::Response) -> Self {
                Self(response)
            }

            pub(crate) async fn chunk(&mut self) -> reqwest::Result<Option<Bytes>> {
                self.0.chunk().await
            }
        }

        pub(crate) fn is_timeout(error: &reqwest::Error) -> bool {
            error.is_timeout()
        }

        pub(crate) fn is_connect(error: &reqwest::Error) -> bool {
            error.is_connect()
        }
    }
}

/// Workers and browsers: `Date.now()`, `setTimeout` and `fetch`. One thread, so wrapped futures never move.
#[cfg(target_arch = "wasm32")]
mod imp {
    use std::time::Duration;

    #[cfg(target_feature = "atomics")]
    compile_error!("futures are declared `Send` because wasm32 has one thread here; with atomics that is not true");

    /// Milliseconds since the Unix epoch; frozen between I/O on Workers.
    pub(crate) fn now_ms() -> i64 {
        js_sys::Date::now() as i64
    }

    pub(crate) async fn sleep(duration: Duration) {
        send_wrapper::SendWrapper::new(gloo_timers::future::sleep(duration)).await;
    }

    #[cfg(feature = "__http")]
    pub(crate) use http::*;

    #[cfg(feature = "__http")]
    mod http {
        use std::future::Future;
        use std::pin::Pin;

        use bytes::Bytes;
        use futures_util::{Stream, StreamExt};
        use send_wrapper::SendWrapper;

        pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
            reqwest::Client::builder().build()
        }

        /// Makes a future of HTTP `Send`: it holds JS promises, which never leave their thread.
        pub(crate) fn local<F: Future>(future: F) -> SendWrapper<F> {
            SendWrapper::new(future)
        }

        type Chunks = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>>>>;

        /// A response's body, chunk by chunk.
        pub(crate) struct Body(SendWrapper<Chunks>);

        impl Body {
            pub(crate) fn new(response: reqwest::Response) -> Self {
                let chunks: Chunks = Box::pin(response.bytes_stream());
                Self(SendWrapper::new(chunks))
            }

            pub(crate) async fn chunk(&mut self) -> reqwest::Result<Option<Bytes>> {
                self.0.next().await.transpose()
            }
        }

        /// workerd wraps the abort reason, so `is_timeout()` is false there although the time-out fired.
        pub(crate) fn is_timeout(error: &reqwest::Error) -> bool {
            error.is_timeout() || format!("{error:?}").contains("errors::TimedOut")
        }

        /// `fetch` tells no connection failure apart from another failure to send.
        pub(crate) fn is_connect(error: &reqwest::Error) -> bool {
            error.is_request() && !is_timeout(error)
        }
    }
}

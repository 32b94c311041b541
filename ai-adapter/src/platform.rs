//! The one place that knows which target it runs on: time, sleep, and what HTTP needs of either.

pub(crate) use imp::*;

/// Sorts an error of reqwest; the two targets tell time-outs and connections differently.
#[cfg(feature = "__http")]
fn told_by(
    error: reqwest::Error,
    is_timeout: fn(&reqwest::Error) -> bool,
    is_connect: fn(&reqwest::Error) -> bool,
) -> (crate::http::Break, String, Option<reqwest::Error>) {
    use crate::http::Break;
    let error = error.without_url();
    let what = match (is_timeout(&error), is_connect(&error)) {
        (true, true) => Break::ConnectTimeout,
        (true, false) => Break::Timeout,
        _ if error.is_builder() => Break::Build,
        (false, true) => Break::Connect,
        _ if error.is_body() || error.is_decode() => Break::Body,
        (false, false) => Break::Other,
    };
    let mut root: &dyn std::error::Error = &error;
    while let Some(next) = root.source() {
        root = next;
    }
    let root = root.to_string();
    (what, root, Some(error))
}

/// The binding of Workers AI, which exists in a Worker only.
#[cfg(all(feature = "workers-ai", target_arch = "wasm32"))]
mod ai;

#[cfg(all(feature = "workers-ai", target_arch = "wasm32"))]
pub use self::ai::AiBinding;
#[cfg(all(feature = "workers-ai", target_arch = "wasm32"))]
pub(crate) use self::ai::run_binding;

/// A Worker's `AI` binding: `AiBinding::from(JsValue)` of `env.AI`. There is none outside a Worker, and no way to make one.
#[cfg(all(feature = "workers-ai", not(target_arch = "wasm32")))]
#[derive(Debug, Clone)]
pub enum AiBinding {}

#[cfg(all(feature = "workers-ai", not(target_arch = "wasm32")))]
pub(crate) async fn run_binding(
    binding: &AiBinding,
    _model: &str,
    _inputs: &str,
    _options: &str,
    _timeout: std::time::Duration,
) -> Result<(u16, reqwest::header::HeaderMap, Body), Broken> {
    match *binding {}
}

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
        use std::future::{Future, poll_fn};
        use std::pin::{Pin, pin};
        use std::task::{Context, Poll};
        use std::time::Duration;

        use bytes::Bytes;
        use reqwest::header::HeaderMap;
        use tokio::time::{Instant, Sleep};

        use crate::http::Break;

        /// A name the resolver cannot reach must not eat the whole call; ten seconds cover a slow handshake.
        const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

        /// The header `host` may be made once; if it is left out, every request makes its own.
        pub(crate) const TAKES_HOST: bool = true;

        pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
            reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                // A followed POST becomes a GET; the caller is told to mend the URL instead.
                .redirect(reqwest::redirect::Policy::none())
                // Whoever repeats writes it into the ledger; a client that repeats on its own would not.
                .retry(reqwest::retry::never().max_retries_per_request(0))
                .build()
        }

        /// Sends, and gives the answer as soon as its headers are there. The time is that of the whole exchange, the body
        /// included. It is kept here: told to the client it is copied with the request, three times.
        pub(crate) fn exchange(
            client: &reqwest::Client,
            request: reqwest::Request,
            timeout: Duration,
        ) -> impl Future<Output = Result<(u16, HeaderMap, Body), Broken>> + Send {
            let sent = client.execute(request);
            async move {
                let mut sleep = pin!(tokio::time::sleep(timeout));
                let deadline = sleep.deadline();
                let mut response = before(sent, |cx| sleep.as_mut().poll(cx)).await?;
                let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
                let body = Body {
                    response,
                    deadline,
                    sleep: None,
                };
                Ok((status, headers, body))
            }
        }

        /// What the future gives, unless the time is over first.
        async fn before<T>(
            future: impl Future<Output = reqwest::Result<T>>,
            mut time: impl FnMut(&mut Context<'_>) -> Poll<()>,
        ) -> Result<T, Broken> {
            let mut future = pin!(future);
            poll_fn(|cx| match future.as_mut().poll(cx) {
                Poll::Ready(result) => Poll::Ready(result.map_err(Broken::Http)),
                Poll::Pending => time(cx).map(|()| Err(Broken::TimedOut)),
            })
            .await
        }

        /// A response's body, chunk by chunk.
        pub(crate) struct Body {
            response: reqwest::Response,
            deadline: Instant,
            /// Made for the first chunk that is not there yet; one timer serves all.
            sleep: Option<Pin<Box<Sleep>>>,
        }

        impl Body {
            #[cfg(fuzzing)]
            pub(crate) fn new(response: reqwest::Response) -> Self {
                Self {
                    response,
                    deadline: Instant::now() + Duration::from_secs(600),
                    sleep: None,
                }
            }

            pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
                // A server that always has something to say does not outlive the deadline, either.
                let is_over = match &self.sleep {
                    Some(sleep) => sleep.is_elapsed(),
                    None => Instant::now() >= self.deadline,
                };
                if is_over {
                    return Err(Broken::TimedOut);
                }
                let (sleep, deadline) = (&mut self.sleep, self.deadline);
                before(self.response.chunk(), |cx| {
                    let sleep = sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
                    sleep.as_mut().poll(cx)
                })
                .await
            }
        }

        /// Why an exchange ended.
        #[derive(Debug)]
        pub(crate) enum Broken {
            Http(reqwest::Error),
            TimedOut,
        }

        /// What broke, the words of its first cause, and the error to keep.
        pub(crate) fn broken(broken: Broken) -> (Break, String, Option<reqwest::Error>) {
            match broken {
                Broken::Http(error) => {
                    super::super::told_by(error, reqwest::Error::is_timeout, reqwest::Error::is_connect)
                }
                Broken::TimedOut => (Break::Timeout, String::new(), None),
            }
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

    /// `setTimeout` takes 31 bits of milliseconds, almost 25 days: longer than any isolate lives.
    pub(crate) const MAX_TIMER: Duration = Duration::from_millis(i32::MAX as u64);

    pub(crate) async fn sleep(duration: Duration) {
        send_wrapper::SendWrapper::new(gloo_timers::future::sleep(duration.min(MAX_TIMER))).await;
    }

    #[cfg(feature = "__http")]
    pub(crate) use http::*;

    #[cfg(feature = "__http")]
    pub(crate) mod http {
        use std::pin::Pin;
        use std::time::Duration;

        use bytes::Bytes;
        use futures_util::{Stream, StreamExt};
        use reqwest::header::HeaderMap;
        use send_wrapper::SendWrapper;

        use crate::http::Break;

        /// `fetch` forbids the header `host`.
        pub(crate) const TAKES_HOST: bool = false;

        pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
            reqwest::Client::builder().build()
        }

        /// Sends, and gives the answer as soon as its headers are there. The time is that of the whole exchange, the body
        /// included.
        pub(crate) async fn exchange(
            client: &reqwest::Client,
            mut request: reqwest::Request,
            timeout: Duration,
        ) -> Result<(u16, HeaderMap, Body), Broken> {
            *request.timeout_mut() = Some(timeout);
            // The future holds JS promises, which never leave their thread.
            let mut response = SendWrapper::new(client.execute(request)).await.map_err(Broken::Http)?;
            let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
            Ok((status, headers, Body::new(response)))
        }

        type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, Broken>>>>;

        /// A response's body, chunk by chunk.
        pub(crate) struct Body(SendWrapper<Chunks>);

        impl Body {
            pub(crate) fn new(response: reqwest::Response) -> Self {
                let chunks: Chunks = Box::pin(response.bytes_stream().map(|chunk| chunk.map_err(Broken::Http)));
                Self(SendWrapper::new(chunks))
            }

            #[cfg(feature = "workers-ai")]
            pub(crate) fn of(chunks: Chunks) -> Self {
                Self(SendWrapper::new(chunks))
            }

            pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
                self.0.next().await.transpose()
            }
        }

        /// Why an exchange ended.
        #[derive(Debug)]
        pub(crate) enum Broken {
            Http(reqwest::Error),
            /// A binding threw.
            #[cfg(feature = "workers-ai")]
            Js(String),
            #[cfg(feature = "workers-ai")]
            TimedOut,
        }

        impl From<reqwest::Error> for Broken {
            fn from(error: reqwest::Error) -> Self {
                Self::Http(error)
            }
        }

        /// What broke, the words of its first cause, and the error to keep.
        pub(crate) fn broken(broken: Broken) -> (Break, String, Option<reqwest::Error>) {
            match broken {
                Broken::Http(error) => super::super::told_by(error, is_timeout, is_connect),
                #[cfg(feature = "workers-ai")]
                Broken::Js(thrown) => (Break::Other, thrown, None),
                #[cfg(feature = "workers-ai")]
                Broken::TimedOut => (Break::Timeout, String::new(), None),
            }
        }

        /// workerd wraps the abort reason, so `is_timeout()` is false there although the time-out fired.
        fn is_timeout(error: &reqwest::Error) -> bool {
            error.is_timeout() || format!("{error:?}").contains("errors::TimedOut")
        }

        /// `fetch` tells no connection failure apart from another failure to send.
        fn is_connect(error: &reqwest::Error) -> bool {
            error.is_request() && !is_timeout(error)
        }
    }
}

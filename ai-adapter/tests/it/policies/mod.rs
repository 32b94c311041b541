//! The wrappers, in virtual time.

mod budget;
#[cfg(feature = "cache")]
mod cache;
#[cfg(feature = "cache")]
mod cache_streams;
mod circuit_breaker;
mod composed;
mod rate_limit;
mod timeout;
#[cfg(feature = "tracing")]
mod traced;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use presswork_ai_adapter::{Clock, Error, Failure, TextRequest};

/// tokio's clock, which a test with paused time moves when everybody sleeps.
#[derive(Debug)]
pub(crate) struct PausedClock(tokio::time::Instant);

impl PausedClock {
    /// To be made in a test with `start_paused`. It starts at 0.
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self(tokio::time::Instant::now()))
    }
}

#[async_trait]
impl Clock for PausedClock {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn random(&self) -> f64 {
        0.5
    }
}

pub(crate) fn hello() -> TextRequest {
    TextRequest::user("Hi")
}

pub(crate) fn failure() -> Box<Failure> {
    Failure::new("scripted", "no luck").boxed()
}

pub(crate) fn down() -> Error {
    Error::Unavailable(failure())
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

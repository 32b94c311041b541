use std::time::Duration;

use async_trait::async_trait;

use crate::platform;

/// Time and waiting, as a value: tests give a target their own.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970 (UTC).
    fn now_ms(&self) -> i64;

    /// Waits for `duration`.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock. On native targets its `sleep` needs a running tokio runtime with time enabled.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        platform::now_ms()
    }

    async fn sleep(&self, duration: Duration) {
        platform::sleep(duration).await;
    }
}

//! Time, sleep and chance, injectable.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};

use crate::platform;

/// What a policy needs of the world: the time, a way to wait, and a random number.
#[async_trait]
pub trait Clock: Send + Sync + fmt::Debug {
    /// Milliseconds since the Unix epoch; a clock for tests may begin where it likes.
    fn now_ms(&self) -> i64;

    /// Waits.
    async fn sleep(&self, duration: Duration);

    /// A number from 0 up to, not including, 1.
    fn random(&self) -> f64;
}

/// The real world, natively and on wasm32.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        platform::now_ms()
    }

    async fn sleep(&self, duration: Duration) {
        platform::sleep(duration).await;
    }

    fn random(&self) -> f64 {
        fastrand::f64()
    }
}

/// A world for tests: it starts at 0, a sleep returns at once and moves the time, chance is a constant.
#[derive(Debug)]
pub struct VirtualClock {
    random: f64,
    state: Mutex<(i64, Vec<Duration>)>,
}

impl VirtualClock {
    /// A clock whose every random number is `random`, which belongs to `[0, 1)`.
    pub fn new(random: f64) -> Self {
        Self {
            random,
            state: Mutex::default(),
        }
    }

    /// Moves the time.
    pub fn advance(&self, duration: Duration) {
        self.lock().0 += millis(duration);
    }

    /// Every sleep so far, in order.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.lock().1.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (i64, Vec<Duration>)> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.lock().0
    }

    async fn sleep(&self, duration: Duration) {
        let mut state = self.lock();
        state.0 += millis(duration);
        state.1.push(duration);
    }

    fn random(&self) -> f64 {
        self.random
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// How much of `timeout` is left since `started_ms`: `None` without a timeout, zero when it is over.
pub(crate) fn remaining(timeout: Option<Duration>, started_ms: i64, now_ms: i64) -> Option<Duration> {
    timeout.map(|timeout| timeout.saturating_sub(elapsed(started_ms, now_ms)))
}

/// The time between two readings; a clock that was set back gives zero.
pub(crate) fn elapsed(started_ms: i64, now_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(now_ms.saturating_sub(started_ms)).unwrap_or(0))
}

/// What the future gives, or `None` when `left` was over first. At the very last moment the future wins.
pub(crate) async fn in_time<T: Send>(
    clock: &dyn Clock,
    left: Option<Duration>,
    future: impl Future<Output = T> + Send,
) -> Option<T> {
    let Some(left) = left else {
        return Some(future.await);
    };
    match select(pin!(future), clock.sleep(left)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

//! Time as a value, so that it can be turned by hand in tests.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use crate::{platform, signal::Signal};

/// Tells the time and waits for it.
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// Now, in milliseconds of Unix time.
    fn now_ms(&self) -> i64;

    /// Returns once `duration` has passed on this clock.
    async fn sleep(&self, duration: Duration);
}

/// The clock of the system: wall time, and a sleep that really waits.
///
/// Natively the sleep needs a tokio runtime with its timer enabled; on wasm32 it is `setTimeout`.
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

/// A clock that stands still until [`advance`](Self::advance) moves it. Clones share their time.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    now_ms: Arc<AtomicI64>,
    moved: Arc<Signal>,
}

impl VirtualClock {
    /// A clock that stands at 1 January 2026, 00:00 UTC.
    pub fn new() -> Self {
        Self {
            now_ms: Arc::new(AtomicI64::new(1_767_225_600_000)),
            moved: Arc::default(),
        }
    }

    /// Moves the time forward and wakes every sleep that is over; parts of a millisecond round up.
    pub fn advance(&self, by: Duration) {
        self.now_ms.fetch_add(millis(by), Ordering::SeqCst);
        self.moved.notify();
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now_ms().saturating_add(millis(duration));
        loop {
            let moved = self.moved.listen();
            if self.now_ms() >= until {
                return;
            }
            moved.await;
        }
    }
}

/// Whole milliseconds, rounded up: a time never comes early.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

/// The time from `now_ms` to `until_ms`; zero when it is past.
pub(crate) fn until(now_ms: i64, until_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(until_ms.saturating_sub(now_ms)).unwrap_or(0))
}

const _: fn(&dyn Clock) = |_| {};

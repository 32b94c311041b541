//! Time travel for services that go by their own clock: instead of waiting, the suite moves what is stored into the past
//! and its own clock into the future by as much.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use presswork_queue::{Clock, SystemClock};
use tokio::sync::Notify;

/// The wall clock, some way ahead, and perhaps faster.
#[derive(Clone, Debug)]
pub(crate) struct Ahead(Arc<State>);

#[derive(Debug)]
struct State {
    start: i64,
    speed: u32,
    ms: AtomicI64,
    moved: Notify,
}

impl Default for Ahead {
    fn default() -> Self {
        Self::fast(1)
    }
}

impl Ahead {
    /// A clock that runs `speed` times as fast as the wall's.
    pub(crate) fn fast(speed: u32) -> Self {
        Self(Arc::new(State {
            start: SystemClock.now_ms(),
            speed,
            ms: AtomicI64::new(0),
            moved: Notify::new(),
        }))
    }

    pub(crate) fn move_by(&self, by: Duration) {
        self.0
            .ms
            .fetch_add(by.as_nanos().div_ceil(1_000_000) as i64, Ordering::SeqCst);
        self.0.moved.notify_waiters();
    }
}

#[async_trait]
impl Clock for Ahead {
    fn now_ms(&self) -> i64 {
        let passed = (SystemClock.now_ms() - self.0.start) * i64::from(self.0.speed);
        self.0.start + passed + self.0.ms.load(Ordering::SeqCst)
    }

    async fn sleep(&self, duration: Duration) {
        let until = self
            .now_ms()
            .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
        loop {
            let moved = self.0.moved.notified();
            let left = until.saturating_sub(self.now_ms());
            if left <= 0 {
                return;
            }
            let left = Duration::from_millis(left as u64).min(Duration::from_secs(3600)) / self.0.speed;
            drop(tokio::time::timeout(left.max(Duration::from_millis(1)), moved).await);
        }
    }
}

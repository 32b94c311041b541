use std::{
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use presswork_social::Clock;

/// 2026-11-23T12:00:00Z.
pub(crate) const START_MS: i64 = 1_795_435_200_000;

/// A clock that stands still until it is moved; sleeping moves it and is written down.
#[derive(Debug)]
pub(crate) struct ManualClock {
    now_ms: AtomicI64,
    pub(crate) slept: Mutex<Vec<Duration>>,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self {
            now_ms: AtomicI64::new(START_MS),
            slept: Mutex::default(),
        }
    }
}

impl ManualClock {
    pub(crate) fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.now_ms.fetch_add(millis, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    async fn sleep(&self, duration: Duration) {
        self.slept.lock().unwrap().push(duration);
        self.advance(duration);
    }
}

/// `2026-11-23T12:00:00.000Z`, for times of that day and the next ones of the month.
pub(crate) fn iso(ms: i64) -> String {
    let seconds = (ms - START_MS).div_euclid(1_000) + 12 * 3_600;
    let (day, of_day) = (23 + seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    assert!((1..=30).contains(&day), "outside of the month");
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!(
        "2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        ms.rem_euclid(1_000)
    )
}

/// Milliseconds since 1970 of such a time.
pub(crate) fn rfc3339_ms(text: &str) -> i64 {
    let (date, time) = text.trim_end_matches('Z').split_once('T').unwrap();
    let day: i64 = date.strip_prefix("2026-11-").unwrap().parse().unwrap();
    let mut parts = time.split(':');
    let mut next = || parts.next().unwrap().parse::<f64>().unwrap();
    let seconds = next() * 3_600.0 + next() * 60.0 + next();
    START_MS + (day - 23) * 86_400_000 - 43_200_000 + (seconds * 1_000.0).round() as i64
}

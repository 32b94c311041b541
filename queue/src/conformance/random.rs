//! Chance that can be repeated, and how long it is tried.

use std::time::Duration;

use crate::platform;

/// Runs random cases longer than the suite has time for: milliseconds for each, `PRESSWORK_QUEUE_SOAK_MS`.
const SOAK: &str = "PRESSWORK_QUEUE_SOAK_MS";
/// Repeats what was seen: the number that a random case prints, `PRESSWORK_QUEUE_SEED`.
const SEED: &str = "PRESSWORK_QUEUE_SEED";

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A source of chance (xorshift64*).
pub(super) struct Chance(u64);

impl Chance {
    /// From the setting, or from the time of day.
    pub(super) fn new(case: &str) -> Self {
        let seed = setting(SEED).unwrap_or(platform::now_ms() as u64).max(1);
        println!("{case}: {SEED}={seed}");
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        number as usize % most.max(1)
    }

    /// True once in `often` times.
    pub(super) fn once_in(&mut self, often: usize) -> bool {
        self.below(often) == 0
    }
}

/// When a random case is over.
pub(super) struct Until(i64);

impl Until {
    pub(super) fn after(default: Duration) -> Self {
        let ms = setting(SOAK).unwrap_or(default.as_millis() as u64);
        Self(platform::now_ms() + ms as i64)
    }

    pub(super) fn is_over(&self) -> bool {
        platform::now_ms() >= self.0
    }
}

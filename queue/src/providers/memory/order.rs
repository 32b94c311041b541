//! What is due when. Most messages are sent due at once and leased for the same time, so they become due in the order in
//! which they came; only what does not is sorted.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
};

use super::state::Entry;

/// The messages by their number.
pub(super) type Live = HashMap<u64, Entry, BuildHasherDefault<NumberHasher>>;

/// When a message is due, and which.
pub(super) type Due = (i64, u64);

/// Spreads numbers that nobody from outside chooses.
#[derive(Default)]
pub(super) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // The golden ratio, as https://www.kernel.org/doc/html/latest/core-api/kernel-api.html#c.hash_64 uses it.
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Each message that waits has its current entry in one of these; entries that it had before are passed over.
#[derive(Default)]
pub(super) struct Order {
    ready: VecDeque<Due>,
    leases: VecDeque<Due>,
    others: BTreeSet<Due>,
    /// How many entries are no longer current, at most.
    passed: usize,
}

impl Order {
    /// Adds a message that is due about now.
    pub(super) fn ready(&mut self, due: Due) {
        if self.ready.back().is_some_and(|last| *last > due) {
            self.others.insert(due);
        } else {
            self.ready.push_back(due);
        }
    }

    /// Adds a message that is leased until then.
    pub(super) fn leased(&mut self, due: Due) {
        if self.leases.back().is_some_and(|last| *last > due) {
            self.others.insert(due);
        } else {
            self.leases.push_back(due);
        }
    }

    /// Adds a message for some other time.
    pub(super) fn at(&mut self, due: Due) {
        self.others.insert(due);
    }

    /// Removes the entry of a message that was leased; `live` is what goes on.
    pub(super) fn remove(&mut self, due: Due, live: &Live) {
        if self.leases.front() == Some(&due) {
            self.leases.pop_front();
            return;
        }
        if self.others.remove(&due) {
            return;
        }
        self.passed += 1;
        if self.passed > 64 + 2 * live.len() {
            self.leases.retain(|due| is_current(*due, live));
            self.passed = 0;
        }
    }

    /// The entry that is due first; it may be one that is passed over.
    pub(super) fn first(&self) -> Option<Due> {
        let heads = [self.ready.front(), self.leases.front(), self.others.first()];
        heads.into_iter().flatten().min().copied()
    }

    /// The message that is due first.
    pub(super) fn next(&mut self, live: &Live) -> Option<Due> {
        while let Some(first) = self.first() {
            if is_current(first, live) {
                return Some(first);
            }
            self.take(first);
        }
        None
    }

    /// Takes the entry out that is due first.
    pub(super) fn take(&mut self, first: Due) {
        if self.ready.front() == Some(&first) {
            self.ready.pop_front();
        } else if self.leases.front() == Some(&first) {
            self.leases.pop_front();
        } else if self.others.first() == Some(&first) {
            self.others.pop_first();
        }
    }

    /// All that wait, the first due first.
    pub(super) fn all(&self, live: &Live) -> Vec<Due> {
        let all = self.ready.iter().chain(&self.leases).chain(&self.others);
        let mut all: Vec<_> = all.filter(|due| is_current(**due, live)).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn is_current((due, seq): Due, live: &Live) -> bool {
    live.get(&seq).is_some_and(|entry| entry.visible_at == due)
}

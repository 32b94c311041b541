//! The cache of one process.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::CacheStore;

/// Keeps the answers used last, up to a number of bytes.
pub struct MemoryCache {
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<String, (u64, String)>,
    /// Keys by the time of their last use, the oldest first.
    uses: BTreeMap<u64, String>,
    clock: u64,
    bytes: usize,
}

impl MemoryCache {
    /// Room for so many bytes of keys and answers. An answer larger than that is not kept.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            state: Mutex::default(),
        }
    }

    /// How many bytes of keys and answers are kept.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, key: &str) -> Option<String> {
        let (used, answer) = self.entries.remove(key)?;
        self.uses.remove(&used);
        self.bytes -= key.len() + answer.len();
        Some(answer)
    }

    fn put(&mut self, key: &str, answer: String) {
        self.clock += 1;
        self.bytes += key.len() + answer.len();
        self.uses.insert(self.clock, key.to_owned());
        self.entries.insert(key.to_owned(), (self.clock, answer));
    }
}

#[async_trait]
impl CacheStore for MemoryCache {
    async fn get(&self, key: &str) -> Option<String> {
        let mut state = self.lock();
        let answer = state.take(key)?;
        state.put(key, answer.clone());
        Some(answer)
    }

    async fn put(&self, key: &str, answer: &str) {
        let mut state = self.lock();
        state.take(key);
        if key.len() + answer.len() > self.max_bytes {
            return;
        }
        state.put(key, answer.to_owned());
        while state.bytes > self.max_bytes {
            let Some((_, oldest)) = state.uses.first_key_value() else {
                break;
            };
            let oldest = oldest.clone();
            state.take(&oldest);
        }
    }
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        write!(f, "MemoryCache({} answers, {} bytes)", state.entries.len(), state.bytes)
    }
}

//! When each call may start: a sliding minute, and what the provider says is left.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use crate::limits::Window;
use crate::{Error, Limits};

const MINUTE_MS: i64 = 60_000;

/// The limits that were set.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PerMinute {
    pub(super) requests: Option<u64>,
    pub(super) tokens: Option<u64>,
}

/// The calls of the last minute and those that wait, in the order they came.
#[derive(Debug, Default)]
pub(super) struct Plan {
    calls: VecDeque<Planned>,
    next_id: u64,
    told: Option<(i64, Limits)>,
    blocked_until_ms: i64,
    moved: Vec<Waker>,
}

#[derive(Debug)]
struct Planned {
    id: u64,
    at_ms: i64,
    tokens: u64,
    waiter: Option<Waker>,
}

/// Changes or reads the plan, then wakes those whose turn it moved, with the lock released.
pub(super) fn with<T>(plan: &Mutex<Plan>, change: impl FnOnce(&mut Plan) -> T) -> T {
    let (value, moved) = {
        let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
        (change(&mut plan), std::mem::take(&mut plan.moved))
    };
    for waiter in moved {
        waiter.wake();
    }
    value
}

impl Plan {
    /// When a call of so many tokens could start, behind all others.
    pub(super) fn earliest(&self, now_ms: i64, tokens: u64, limits: PerMinute) -> i64 {
        let last = self.calls.back().map_or(now_ms, |call| call.at_ms);
        let mut at = now_ms.max(last).max(self.blocked_until_ms);
        if let Some(requests) = limits.requests {
            let full = usize::try_from(requests.max(1)).unwrap_or(usize::MAX);
            if let Some(oldest) = self.calls.len().checked_sub(full) {
                at = at.max(self.calls[oldest].at_ms + MINUTE_MS);
            }
        }
        if let Some(most) = limits.tokens {
            // A call larger than a whole minute starts when the minute is empty.
            let room = most.saturating_sub(tokens.min(most));
            let mut held: u64 = self.calls.iter().map(|call| call.tokens).sum();
            for call in &self.calls {
                if held <= room {
                    break;
                }
                held -= call.tokens;
                at = at.max(call.at_ms + MINUTE_MS);
            }
        }
        at.max(self.told_earliest(tokens))
    }

    /// When the provider has room again by its own last word. Its windows fill evenly: OpenAI, Anthropic and Groq
    /// count with token buckets.
    fn told_earliest(&self, tokens: u64) -> i64 {
        let Some((told_ms, limits)) = self.told else {
            return i64::MIN;
        };
        let since = || self.calls.iter().filter(|call| call.at_ms > told_ms);
        let requests = ready(told_ms, limits.requests, since().count() as u64, 1);
        let tokens = ready(told_ms, limits.tokens, since().map(|call| call.tokens).sum(), tokens);
        requests.max(tokens)
    }

    /// Plans a call, and names it.
    pub(super) fn add(&mut self, now_ms: i64, tokens: u64, limits: PerMinute) -> u64 {
        while self.calls.front().is_some_and(|call| call.at_ms + MINUTE_MS <= now_ms) {
            self.calls.pop_front();
        }
        let at_ms = self.earliest(now_ms, tokens, limits);
        self.next_id += 1;
        self.calls.push_back(Planned {
            id: self.next_id,
            at_ms,
            tokens,
            waiter: None,
        });
        self.next_id
    }

    /// When a planned call may start. One that was forgotten is long over.
    pub(super) fn start_of(&self, id: u64) -> i64 {
        let call = self.calls.iter().rev().find(|call| call.id == id);
        call.map_or(i64::MIN, |call| call.at_ms)
    }

    /// Whether a call's start is another than `start` by now; if not, `waiter` is woken when it changes.
    pub(super) fn has_moved(&mut self, id: u64, start: i64, waiter: &Waker) -> bool {
        match self.calls.iter_mut().rev().find(|call| call.id == id) {
            Some(call) if call.at_ms == start => {
                call.waiter = Some(waiter.clone());
                false
            }
            _ => true,
        }
    }

    /// Takes a call out that will not be made, and lets those behind it move up.
    pub(super) fn cancel(&mut self, id: u64, now_ms: i64, limits: PerMinute) {
        self.calls.retain(|call| call.id != id);
        self.replan(now_ms, limits);
    }

    /// Enters what a call really took.
    pub(super) fn settle(&mut self, id: u64, tokens: u64) {
        if let Some(call) = self.calls.iter_mut().rev().find(|call| call.id == id) {
            call.tokens = tokens;
        }
    }

    /// Takes the provider's word for what is left.
    pub(super) fn learn(&mut self, now_ms: i64, told: Limits, error: Option<&Error>, limits: PerMinute) {
        if told != Limits::default() {
            self.told = Some((now_ms, told));
        }
        if let Some(Error::RateLimited(failure)) = error
            && let Some(wait) = failure.retry_after
        {
            let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            self.blocked_until_ms = self.blocked_until_ms.max(now_ms.saturating_add(wait));
        }
        self.replan(now_ms, limits);
    }

    /// Plans everything that has not started anew, in the same order.
    fn replan(&mut self, now_ms: i64, limits: PerMinute) {
        let started = self.calls.partition_point(|call| call.at_ms <= now_ms);
        for mut call in self.calls.split_off(started) {
            let at_ms = self.earliest(now_ms, call.tokens, limits);
            if at_ms != call.at_ms {
                call.at_ms = at_ms;
                self.moved.extend(call.waiter.take());
            }
            self.calls.push_back(call);
        }
    }
}

/// When a window told of at `told_ms`, of which `taken` was taken since, holds `need`.
fn ready(told_ms: i64, window: Window, taken: u64, need: u64) -> i64 {
    let (Some(remaining), Some(reset)) = (window.remaining, window.reset) else {
        return i64::MIN;
    };
    let need = window.limit.map_or(need, |limit| need.min(limit));
    let missing = (taken + need).saturating_sub(remaining);
    if missing == 0 {
        return i64::MIN;
    }
    let reset = i64::try_from(reset.as_millis()).unwrap_or(i64::MAX);
    let used = window.limit.unwrap_or(0).saturating_sub(remaining);
    let wait = if used == 0 {
        reset
    } else {
        let wait = i128::from(reset) * i128::from(missing) / i128::from(used);
        i64::try_from(wait).unwrap_or(i64::MAX).min(reset)
    };
    told_ms.saturating_add(wait)
}

//! Places that are taken in the order they were asked for.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A fair semaphore without a runtime. Whoever gives up waiting leaves the queue, and whoever drops its [`Pass`] lets
/// the next one in.
pub(crate) struct Gate(Mutex<State>);

struct State {
    free: usize,
    next_ticket: u64,
    queue: VecDeque<(u64, Option<Waker>)>,
}

/// A place, held until dropped.
pub(crate) struct Pass(Arc<Gate>);

impl Gate {
    pub(crate) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            free: places.max(1),
            next_ticket: 0,
            queue: VecDeque::new(),
        })))
    }

    /// Waits for a place, behind everybody who came earlier.
    pub(crate) async fn enter(self: &Arc<Self>) -> Pass {
        let mut turn = Turn {
            gate: self.clone(),
            ticket: None,
        };
        poll_fn(|cx| turn.poll(cx)).await
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then wakes whoever is first and may enter, with the lock released: a waker may run code.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (value, first) = {
            let mut state = self.lock();
            let value = change(&mut state);
            let first = match state.queue.front() {
                Some((_, waker)) if state.free > 0 => waker.clone(),
                _ => None,
            };
            (value, first)
        };
        if let Some(first) = first {
            first.wake();
        }
        value
    }
}

/// A turn in the queue.
struct Turn {
    gate: Arc<Gate>,
    ticket: Option<u64>,
}

impl Turn {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<Pass> {
        let Self { gate, ticket } = self;
        let is_in = gate.change(|state| {
            let mine = *ticket.get_or_insert_with(|| {
                state.next_ticket += 1;
                state.queue.push_back((state.next_ticket, None));
                state.next_ticket
            });
            if state.free > 0 && state.queue.front().is_some_and(|(first, _)| *first == mine) {
                state.queue.pop_front();
                state.free -= 1;
                *ticket = None;
                return true;
            }
            if let Some((_, waker)) = state.queue.iter_mut().find(|(waiting, _)| *waiting == mine) {
                *waker = Some(cx.waker().clone());
            }
            false
        });
        if is_in {
            Poll::Ready(Pass(gate.clone()))
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(mine) = self.ticket {
            self.gate
                .change(|state| state.queue.retain(|(waiting, _)| *waiting != mine));
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.change(|state| state.free += 1);
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        write!(f, "Gate({} free, {} waiting)", state.free, state.queue.len())
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pass(..)")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn places_go_out_in_order_and_come_back_when_a_waiter_leaves() {
        let gate = Gate::new(1);
        let held = gate.enter().now_or_never().unwrap();
        let mut first = Box::pin(gate.enter());
        let mut second = Box::pin(gate.enter());
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        drop(held);
        assert!(second.as_mut().now_or_never().is_none(), "the first one is before it");
        // The first was woken and leaves: the place must not leave with it.
        drop(first);
        let pass = second.as_mut().now_or_never().unwrap();
        assert!(gate.enter().now_or_never().is_none());
        drop(pass);
        assert!(gate.enter().now_or_never().is_some());
        assert_eq!(format!("{gate:?}"), "Gate(1 free, 0 waiting)");
    }
}

//! A wake-up for any number of waiters, without a runtime.

use std::{
    future::Future,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// Wakes everyone who listens. A listener made before the wake-up never misses it.
#[derive(Debug, Default)]
pub(crate) struct Signal(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    generation: u64,
    next_listener: u64,
    wakers: Vec<(u64, Waker)>,
}

impl Signal {
    pub(crate) fn notify(&self) {
        let wakers = {
            let mut state = self.lock();
            state.generation += 1;
            std::mem::take(&mut state.wakers)
        };
        for (_, waker) in wakers {
            waker.wake();
        }
    }

    pub(crate) fn listen(&self) -> Listener<'_> {
        let mut state = self.lock();
        state.next_listener += 1;
        Listener {
            signal: self,
            id: state.next_listener,
            generation: state.generation,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[must_use]
pub(crate) struct Listener<'a> {
    signal: &'a Signal,
    id: u64,
    generation: u64,
}

impl Future for Listener<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.signal.lock();
        if state.generation != self.generation {
            return Poll::Ready(());
        }
        match state.wakers.iter_mut().find(|(id, _)| *id == self.id) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => state.wakers.push((self.id, cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        self.signal.lock().wakers.retain(|(id, _)| *id != self.id);
    }
}

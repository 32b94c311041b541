//! Calls that end even when nobody waits for them any more.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::BoxFuture};

/// A call that, once begun, runs to its end: one that is dropped before goes on in the background, and its result is
/// dropped. Where there is no runtime to go on in, it ends where it is.
pub(crate) struct Finishing<T: Send + 'static> {
    call: Option<BoxFuture<'static, T>>,
    begun: bool,
}

impl<T: Send + 'static> Finishing<T> {
    pub(crate) fn new(call: impl Future<Output = T> + Send + 'static) -> Self {
        Self {
            call: Some(call.boxed()),
            begun: false,
        }
    }

    /// Takes the call out, if it was begun and has not ended.
    pub(crate) fn take(&mut self) -> Option<BoxFuture<'static, T>> {
        self.call.take().filter(|_| self.begun)
    }
}

impl<T: Send + 'static> Future for Finishing<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.begun = true;
        let Some(call) = &mut self.call else {
            return Poll::Pending;
        };
        let result = call.poll_unpin(cx);
        if result.is_ready() {
            self.call = None;
        }
        result
    }
}

impl<T: Send + 'static> Drop for Finishing<T> {
    fn drop(&mut self) {
        if let Some(call) = self.take() {
            in_background(call.map(drop));
        }
    }
}

/// Leaves work to the runtime, where there is one.
pub(crate) fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        drop(runtime.spawn(work));
    }
}

//! One stream for all who ask the same at once.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::Stream;
use futures_util::future::BoxFuture;

use crate::tape::Told;
use crate::{Error, Failure, Result, StreamEvent, TextStream};

/// The streams that are running, by the keys of their requests.
pub(super) type Running = Arc<Mutex<HashMap<String, Weak<Shared>>>>;

/// A stream and what it said so far. Whichever reader is polled drives it, so it needs none of them in particular.
pub(super) struct Shared {
    key: String,
    running: Running,
    state: Mutex<State>,
    wakers: Arc<Wakers>,
}

struct State {
    /// `None` once it ended.
    stream: Option<TextStream>,
    events: Vec<StreamEvent>,
    /// How it failed, for those who were not polled then.
    failed: Option<Told>,
    /// Somebody was given the answer with what it took; for all others it took nothing.
    is_paid: bool,
}

/// Wakes every reader: the one that polled last may be gone.
#[derive(Default)]
struct Wakers(Mutex<(u64, BTreeMap<u64, Waker>)>);

impl Wakers {
    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Waker>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        let wakers = std::mem::take(&mut self.lock().1);
        wakers.into_values().for_each(Waker::wake);
    }
}

impl Shared {
    /// Begins to share a stream.
    pub(super) fn new(key: &str, running: &Running, stream: TextStream) -> Arc<Self> {
        let shared = Arc::new(Self {
            key: key.to_owned(),
            running: running.clone(),
            state: Mutex::new(State {
                stream: Some(stream),
                events: Vec::new(),
                failed: None,
                is_paid: false,
            }),
            wakers: Arc::default(),
        });
        lock(running).insert(key.to_owned(), Arc::downgrade(&shared));
        shared
    }

    /// The stream that is running under this key.
    pub(super) fn find(key: &str, running: &Running) -> Option<Arc<Self>> {
        lock(running).get(key)?.upgrade()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody joins any more.
    fn leave(&self) {
        let mut running = lock(&self.running);
        // Another one may have begun under the key.
        if running
            .get(&self.key)
            .is_some_and(|other| std::ptr::eq(other.as_ptr(), self))
        {
            running.remove(&self.key);
        }
    }
}

fn lock(running: &Running) -> MutexGuard<'_, HashMap<String, Weak<Shared>>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What makes an answer one that was paid by somebody else.
pub(super) type Repeat = Box<dyn Fn(&mut crate::TextResponse) + Send + Sync>;

/// One reader, from the beginning of the stream.
pub(super) struct Reader {
    shared: Arc<Shared>,
    id: u64,
    at: usize,
    is_over: bool,
    repeat: Repeat,
    provider: String,
    /// Over when this reader may wait no longer.
    deadline: Option<BoxFuture<'static, ()>>,
}

impl Reader {
    pub(super) fn new(
        shared: Arc<Shared>,
        provider: &str,
        repeat: Repeat,
        deadline: Option<BoxFuture<'static, ()>>,
    ) -> Self {
        let id = {
            let mut wakers = shared.wakers.lock();
            wakers.0 += 1;
            wakers.0
        };
        Self {
            shared,
            id,
            at: 0,
            is_over: false,
            repeat,
            provider: provider.to_owned(),
            deadline,
        }
    }

    fn failure(&self, message: &str) -> Box<Failure> {
        Failure::new(&self.provider, message).boxed()
    }

    /// What there is already.
    fn said(&mut self, state: &mut State) -> Option<Result<StreamEvent>> {
        if let Some(event) = state.events.get(self.at) {
            self.at += 1;
            let mut event = event.clone();
            if let StreamEvent::Done(response) = &mut event {
                self.is_over = true;
                if std::mem::replace(&mut state.is_paid, true) {
                    (self.repeat)(response);
                }
            }
            return Some(Ok(event));
        }
        let error = state.failed.as_ref()?.error();
        self.is_over = true;
        Some(Err(error))
    }

    /// Reads on, for everybody.
    fn drive(&mut self, state: &mut State) -> Poll<Option<Result<StreamEvent>>> {
        let waker = Waker::from(self.shared.wakers.clone());
        let polled = match &mut state.stream {
            Some(stream) => Pin::new(stream).poll_next(&mut Context::from_waker(&waker)),
            None => Poll::Ready(None),
        };
        let event = match polled {
            Poll::Pending => return Poll::Pending,
            // A sign of life to whoever was polled; kept, an endless number of them would be.
            Poll::Ready(Some(Ok(StreamEvent::Ping))) => return Poll::Ready(Some(Ok(StreamEvent::Ping))),
            Poll::Ready(Some(event)) => event,
            Poll::Ready(None) => Err(Error::Incomplete(
                self.failure("the stream ended without its last event"),
            )),
        };
        let is_end = !matches!(event, Ok(ref event) if !matches!(event, StreamEvent::Done(_)));
        if is_end {
            state.stream = None;
            self.shared.leave();
        }
        let event = match event {
            Ok(event) => {
                state.events.push(event);
                self.said(state)
            }
            Err(error) => {
                state.failed = Some(Told::of(&error));
                self.is_over = true;
                Some(Err(error))
            }
        };
        Poll::Ready(event)
    }
}

impl Stream for Reader {
    type Item = Result<StreamEvent>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        let shared = this.shared.clone();
        let polled = {
            let mut state = shared.lock();
            if let Some(event) = this.said(&mut state) {
                return Poll::Ready(Some(event));
            }
            if this
                .deadline
                .as_mut()
                .is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready())
            {
                this.is_over = true;
                let message = "the stream had not ended when the time was over";
                return Poll::Ready(Some(Err(Error::Timeout(this.failure(message)))));
            }
            // Before the stream is polled: it may wake at once.
            shared.wakers.lock().1.insert(this.id, cx.waker().clone());
            this.drive(&mut state)
        };
        if polled.is_ready() {
            // There is something new for the others, too.
            shared.wakers.clone().wake();
        }
        polled
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.wakers.lock().1.remove(&self.id);
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader(..)")
    }
}

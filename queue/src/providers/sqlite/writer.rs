//! The thread that owns the connection, and its group commit.

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

use super::{
    PROVIDER,
    error::{classify, classify_commit},
    store::Store,
};
use crate::{Delivery, Error, Outcome, Result, Settlement, signal::Signal};

/// The most jobs of one transaction: bounds how long the first waits for the last.
const GROUP: usize = 256;

/// Tells one caller how its job ended, once the transaction has.
type Finish = Box<dyn FnOnce(Result<(), Arc<rusqlite::Error>>) + Send>;

enum Command {
    Job(Box<dyn FnOnce(&Store) -> Finish + Send>),
    Close,
}

/// The handle on the thread; dropping it commits what waits and closes the file.
pub(super) struct Writer {
    path: Arc<PathBuf>,
    commands: Sender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(store: Store, path: &Path, changed: Arc<Signal>) -> Result<Self> {
        let (commands, waiting) = mpsc::channel();
        let path = Arc::new(path.to_owned());
        let thread = thread::Builder::new()
            .name("presswork-queue".to_owned())
            .spawn(move || {
                let mut open = true;
                while open && let Ok(first) = waiting.recv() {
                    open = group(&store, first, || waiting.try_recv().ok());
                    if store.take_changed() {
                        changed.notify();
                    }
                }
            })
            .map_err(|error| Error::Storage {
                provider: PROVIDER,
                message: format!("{}: the writer's thread does not start: {error}", path.display()),
                source: Some(Box::new(error)),
            })?;
        Ok(Self {
            path,
            commands,
            thread: Some(thread),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Hands `work` to the thread now and returns a future of its result.
    pub(super) fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send + 'static {
        let (reply, answer) = oneshot::channel();
        let path = self.path.clone();
        let file = path.clone();
        let job = move |store: &Store| -> Finish {
            let result = work(store);
            Box::new(move |committed| {
                let answer = match (result, committed) {
                    (Err(error), _) => Err(classify(&path, Arc::new(error))),
                    (Ok(_), Err(error)) => Err(classify_commit(&path, error)),
                    (Ok(value), Ok(())) => Ok(value),
                };
                // A caller that went away wants no answer; what it would have held gives itself back.
                drop(reply.send(answer));
            })
        };
        let sent = self.commands.send(Command::Job(Box::new(job)));
        async move {
            let gone = |what: &str| format!("{}: the writer's thread has ended {what}", file.display());
            if sent.is_err() {
                return Err(Error::Storage {
                    provider: PROVIDER,
                    message: gone("before this call"),
                    source: None,
                });
            }
            answer.await.unwrap_or_else(|closed| {
                let message = gone("during this call");
                Err(Error::OutcomeUnknown {
                    provider: PROVIDER,
                    message,
                    source: Some(Box::new(closed)),
                })
            })
        }
    }

    /// Leases up to `max` messages and says when the next is due.
    pub(super) async fn reserve(&self, max: usize) -> Result<(Reserved, Option<i64>)> {
        let commands = self.commands.clone();
        self.call(move |store| {
            let (deliveries, next_due) = store.reserve(max)?;
            Ok((Reserved { deliveries, commands }, next_due))
        })
        .await
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.commands.send(Command::Close));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(path = %self.path.display(), "the writer's thread had panicked");
        }
    }
}

/// Runs what waits as one transaction; false when the queue was closed.
fn group(store: &Store, first: Command, mut next: impl FnMut() -> Option<Command>) -> bool {
    let mut finishes = Vec::new();
    let mut waiting = Some(first);
    let mut open = true;
    while let Some(command) = waiting.take() {
        match command {
            Command::Close => open = false,
            Command::Job(job) => finishes.push(job(store)),
        }
        if open && finishes.len() < GROUP {
            waiting = next();
        }
    }
    let committed = store.commit();
    for finish in finishes {
        finish(committed.clone());
    }
    open
}

/// Deliveries on their way to a consumer. When the consumer went away, they go back uncounted.
pub(super) struct Reserved {
    deliveries: Vec<Delivery>,
    commands: Sender<Command>,
}

impl Reserved {
    pub(super) fn take(mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.deliveries)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.deliveries.is_empty() {
            return;
        }
        let release = |delivery: Delivery| Settlement::new(delivery.lease().clone(), Outcome::Release);
        let settlements: Vec<_> = std::mem::take(&mut self.deliveries).into_iter().map(release).collect();
        let job = move |store: &Store| -> Finish {
            if let Err(error) = store.write(|| store.settle(&settlements)) {
                tracing::warn!(%error, "abandoned deliveries come back only when their leases end");
            }
            Box::new(|_| {})
        };
        // A closed queue needs no release: the leases end by themselves.
        drop(self.commands.send(Command::Job(Box::new(job))));
    }
}

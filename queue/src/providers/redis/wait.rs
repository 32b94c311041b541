//! Waiting: a dedicated connection blocks on the wake token and reserves in the same breath.
//!
//! Both commands travel together, so that a message costs one round trip from its arrival to its delivery. The token
//! is a list of at most one item: it wakes one consumer, and one that leaves something behind puts it back.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_util::future::{Either, poll_fn, select};
use redis::{RedisError, Value, aio::ConnectionLike};

use super::{
    Inner,
    calls::{Found, Group},
    connection::{Dedicated, Failure},
    error::{classify, is_no_script},
    script::NUDGE,
};
use crate::{
    Delivery, Outcome, Result, Settlement,
    finishing::{Finishing, in_background},
};

/// The longest a consumer blocks before it looks by itself. Only what a killed process alone had known waits for
/// this: a lease of its own that ended, a delayed message whose token it had taken.
const RECHECK: Duration = Duration::from_secs(10);

/// A consumer that blocks. Dropped before its end, it is woken and gives back what it got.
pub(super) struct Blocked {
    inner: Arc<Inner>,
    call: Finishing<Result<Reserved>>,
    /// What the server knows the connection by, once there is one.
    client: Arc<AtomicI64>,
}

impl Blocked {
    /// Blocks for at most `wait`, for up to `max` messages. Needs a tokio runtime.
    pub(super) fn start(inner: &Arc<Inner>, max: usize, wait: Duration) -> Self {
        let wait = wait
            .min(RECHECK)
            .min(inner.settings.lease)
            .max(Duration::from_millis(1));
        let client = Arc::<AtomicI64>::default();
        let (task, shared) = (Arc::clone(inner), Arc::clone(&client));
        // In the consumer's own task: to wake another one first would cost more than the server takes for all of it.
        let call = Finishing::new(async move {
            let found = block(&task, &shared, max, wait).await?;
            Ok(Reserved { inner: task, found })
        });
        Self {
            inner: Arc::clone(inner),
            call,
            client,
        }
    }

    pub(super) async fn finish(&mut self) -> Result<Found> {
        (&mut self.call).await.map(Reserved::take)
    }

    /// Ends the wait, so that the call looks now; false when it could not be told. A look of one's own beside it would
    /// leave a call behind that leases what nobody asked for.
    pub(super) fn wake(&self) -> impl Future<Output = bool> + Send + use<> {
        let (inner, client) = (Arc::clone(&self.inner), self.client.load(Ordering::SeqCst));
        async move { client > 0 && matches!(inner.link.send::<i64>(&unblock(client)).await, Ok(1)) }
    }
}

fn unblock(client: i64) -> redis::Cmd {
    let mut unblock = redis::cmd("CLIENT");
    unblock.arg("UNBLOCK").arg(client);
    unblock
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let Some(mut call) = self.call.take() else {
            return;
        };
        let (inner, client) = (Arc::clone(&self.inner), Arc::clone(&self.client));
        in_background(async move {
            // The call may still be on its way; one that has ended needs no waking.
            for _ in 0..50 {
                let client = client.load(Ordering::SeqCst);
                let woken = client > 0 && !matches!(inner.link.send::<i64>(&unblock(client)).await, Ok(0));
                if woken || client < 0 {
                    break;
                }
                let pause = pin!(tokio::time::sleep(Duration::from_millis(20)));
                match select(call, pause).await {
                    // A consumer that went away wants nothing; what it would have got goes back.
                    Either::Left(_) => return,
                    Either::Right((_, waiting)) => call = waiting,
                }
            }
            drop(call.await);
        });
    }
}

/// Blocks and reserves on a dedicated connection; one that turns out to be dead is replaced once.
async fn block(inner: &Inner, client: &AtomicI64, max: usize, wait: Duration) -> Result<Found> {
    let mut blpop = redis::cmd("BLPOP");
    blpop.arg(&inner.keys.token).arg(wait.as_secs_f64());
    let mut both = redis::pipe();
    let (reserving, group) = inner.reserving(max);
    both.add_command(blpop).add_command(reserving);
    let failed = |failure| classify(&inner.address, failure);
    let mut last = None;
    for _ in 0..2 {
        let opened = inner.link.dedicated().await;
        let mut dedicated = opened.map_err(|error| failed(Failure::NotSent(error)))?;
        client.store(dedicated.id, Ordering::SeqCst);
        // A server that is gone without a word would keep it waiting for ever.
        let asking = tokio::time::timeout(wait + inner.link.timeout(), ask(&mut dedicated, &both));
        let late = |_| (false, Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
        let (refused, result) = asking.await.unwrap_or_else(late);
        match result {
            Ok(answers) => {
                inner.link.give_back(dedicated);
                return read(inner, answers, &group, max).await;
            }
            Err(error) if refused => last = Some(error),
            Err(error) => return Err(failed(Failure::Sent(error))),
        }
    }
    Err(failed(Failure::NotSent(last.unwrap_or_else(|| {
        RedisError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
    }))))
}

/// Whether the connection refused before anything was sent, and what came of it.
async fn ask(dedicated: &mut Dedicated, both: &redis::Pipeline) -> (bool, Result<Vec<Value>, RedisError>) {
    let mut asking = dedicated.connection.req_packed_commands(both, 0, 2);
    match poll_fn(|cx| Poll::Ready(asking.as_mut().poll(cx))).await {
        Poll::Ready(result) => (result.is_err(), result),
        Poll::Pending => (false, asking.await),
    }
}

async fn read(inner: &Inner, answers: Vec<Value>, group: &Group, max: usize) -> Result<Found> {
    for answer in answers {
        match answer {
            Value::ServerError(error) => {
                let error = RedisError::from(error);
                if is_no_script(&error) {
                    // The server was flushed or restarted; the shared connection tells it the script anew.
                    return inner.reserve(max).await;
                }
                return Err(classify(&inner.address, Failure::Sent(error)));
            }
            // What BLPOP answers: nothing after its time, or where the token was.
            Value::Nil => {}
            Value::Array(items) if matches!(items.first(), Some(Value::BulkString(_))) => {}
            Value::Array(items) => {
                let found = inner.reserved(items, group)?;
                // All it looked at were out of attempts; there may be more behind.
                if found.0.is_empty() && found.1 == Some(Duration::ZERO) {
                    return inner.reserve(max).await;
                }
                return Ok(found);
            }
            _ => return Err(super::error::garbled("deliveries")),
        }
    }
    Err(super::error::garbled("deliveries"))
}

/// Deliveries on their way to a consumer. When it went away they go back uncounted, and someone else is woken.
pub(super) struct Reserved {
    pub(super) inner: Arc<Inner>,
    pub(super) found: Found,
}

impl Reserved {
    pub(super) fn take(mut self) -> Found {
        std::mem::take(&mut self.found)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let (deliveries, next) = std::mem::take(&mut self.found);
        if deliveries.is_empty() && next.is_none() {
            return;
        }
        let inner = Arc::clone(&self.inner);
        in_background(async move {
            let release = |delivery: Delivery| Settlement::new(delivery.lease().clone(), Outcome::Release);
            let back: Vec<_> = deliveries.into_iter().map(release).collect();
            if back.is_empty() {
                // It had taken the token and knew when the next is due: someone else must know.
                let nudge = NUDGE.call(&[&inner.keys.token]);
                drop(inner.link.run::<i64>(&NUDGE, &nudge).await);
            } else if let Err(error) = inner.settle(&back).await {
                tracing::warn!(%error, "abandoned deliveries come back only when their leases end");
            }
        });
    }
}

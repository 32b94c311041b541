//! The loop of a native consumer: receive, handle, keep leased, settle, drain.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all, poll_fn},
};

use crate::{
    Clock, Consumer, Delivery, Error, Handler, Lease, Result, SystemClock, Totals,
    engine::{Engine, Slot},
};

/// How [`run`] pulls and handles.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The most messages of one receive; at least 1. Default 10.
    pub batch: usize,
    /// The most handlers at a time; at least 1. Default 10.
    pub concurrency: usize,
    /// How long one receive waits for a message. Default 20 s.
    pub wait: Duration,
    /// The hard limit of one handling: until then the lease is extended, at it the handler is cut off and the message
    /// retried. Default 15 min, which is what Cloudflare gives a pushed batch.
    pub max_handling: Duration,
    /// How long handlers may go on after shutdown; then they are cut off and their messages released. Default 30 s.
    pub drain: Duration,
    /// The clock of all of the above.
    pub clock: Arc<dyn Clock>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            batch: 10,
            concurrency: 10,
            wait: Duration::from_secs(20),
            max_handling: Duration::from_secs(15 * 60),
            drain: Duration::from_secs(30),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Receives and handles messages until `shutdown` is ready, then drains.
///
/// - While a handler runs, its lease is extended each third of its time (`lease_is_kept_while_handling`).
/// - At `max_handling` the handler is cut off and its message retried (`hanging_handler_is_cut_off`).
/// - At shutdown, handlers finish; messages not yet started are released without counting an attempt (`drain_releases_what_was_not_started`).
/// - A handler that outlasts `drain` is cut off and its message released (`drain_has_a_deadline`).
/// - A receive that fails and may succeed later is repeated, with a growing pause (`failing_receive_is_repeated`).
///
/// Where leases cannot be extended, a handler is cut off when its lease ends, if not before, and no more is pulled than
/// can be handled within a lease, judged by the slowest of the last handlers.
///
/// # Errors
/// [`Error::Config`] for a `batch` or `concurrency` of 0; a receive's error that no repetition can mend, after the
/// drain. What a handler does is never an error.
pub async fn run(
    consumer: &dyn Consumer,
    handler: &dyn Handler,
    options: &RunOptions,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<Totals> {
    if options.batch == 0 || options.concurrency == 0 {
        let message = "batch and concurrency must be at least 1".to_owned();
        return Err(Error::Config {
            provider: consumer.capabilities().provider,
            message,
        });
    }
    let mut shutdown = pin!(shutdown.fuse());
    let mut pump = Pump::new(consumer, handler, options);
    while !(pump.stopping.is_some() && pump.engine.is_idle()) {
        poll_fn(|cx| {
            if pump.stopping.is_none() && shutdown.as_mut().poll(cx).is_ready() {
                pump.stop();
                return Poll::Ready(());
            }
            pump.poll_step(cx)
        })
        .await;
    }
    match pump.fatal {
        Some(error) => Err(error),
        None => Ok(pump.engine.into_report().totals),
    }
}

struct Pump<'a> {
    consumer: &'a dyn Consumer,
    options: &'a RunOptions,
    engine: Engine<'a>,
    /// The lease, where it cannot be extended.
    fixed_lease: Option<Duration>,
    receiving: Option<BoxFuture<'a, Result<Vec<Delivery>>>>,
    failures: u32,
    fatal: Option<Error>,
    beating: Option<BoxFuture<'a, Beat>>,
    /// Set at shutdown: the end of the drain.
    stopping: Option<BoxFuture<'a, ()>>,
}

enum Beat {
    Due,
    Done(Vec<(Slot, Result<Lease>)>),
}

impl<'a> Pump<'a> {
    fn new(consumer: &'a dyn Consumer, handler: &'a dyn Handler, options: &'a RunOptions) -> Self {
        let takes = consumer.capabilities();
        let fixed_lease = takes.lease.filter(|_| !takes.extend);
        let limit = fixed_lease.map_or(options.max_handling, |lease| lease.min(options.max_handling));
        let engine = Engine::new(consumer_as_settler(consumer), handler, options.concurrency)
            .cut_off_after(options.clock.clone(), limit);
        let mut pump = Self {
            consumer,
            options,
            engine,
            fixed_lease,
            receiving: None,
            failures: 0,
            fatal: None,
            beating: None,
            stopping: None,
        };
        pump.beat_later();
        pump
    }

    fn stop(&mut self) {
        // A dropped receive gives back what it held.
        self.receiving = None;
        self.engine.release_backlog();
        self.stopping = Some(self.options.clock.sleep(self.options.drain));
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.engine.poll_step(cx).is_ready() {
            return Poll::Ready(());
        }
        if let Some(deadline) = &mut self.stopping {
            if deadline.poll_unpin(cx).is_ready() {
                tracing::warn!("the drain is over; running handlers are cut off");
                self.engine.abandon();
                // Only settlements are left, and each ends by itself.
                self.stopping = Some(std::future::pending().boxed());
                return Poll::Ready(());
            }
        } else if self.receiving.is_none() && self.engine.is_hungry() {
            self.receiving = Some(self.receive());
        }
        if let Some(receiving) = &mut self.receiving
            && let Poll::Ready(received) = receiving.poll_unpin(cx)
        {
            self.receiving = None;
            self.received(received);
            return Poll::Ready(());
        }
        if let Some(beating) = &mut self.beating
            && let Poll::Ready(beat) = beating.poll_unpin(cx)
        {
            self.beat(beat);
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn receive(&self) -> BoxFuture<'a, Result<Vec<Delivery>>> {
        let (consumer, options, pause) = (self.consumer, self.options, pause(self.failures));
        let batch = self.fixed_lease.map_or(options.batch, |lease| {
            options
                .batch
                .min(budget(lease, self.engine.slowest(), options.concurrency))
        });
        Box::pin(async move {
            if pause.is_zero() {
                // A queue that is never empty must not keep the executor from others.
                yield_now().await;
            } else {
                options.clock.sleep(pause).await;
            }
            consumer.receive(batch, options.wait).await
        })
    }

    fn received(&mut self, received: Result<Vec<Delivery>>) {
        match received {
            Ok(deliveries) => {
                self.failures = 0;
                self.engine.take_in(deliveries);
            }
            // What an unanswered receive took comes back with its lease.
            Err(error) if error.is_retryable() || matches!(error, Error::OutcomeUnknown { .. }) => {
                self.failures += 1;
                tracing::warn!(%error, failures = self.failures, "receive failed; it is repeated after a pause");
            }
            Err(error) => {
                tracing::error!(%error, "receive failed for good; draining");
                self.fatal = Some(error);
                self.stop();
            }
        }
    }

    fn beat_later(&mut self) {
        let capabilities = self.consumer.capabilities();
        if let Some(lease) = capabilities.lease.filter(|_| capabilities.extend) {
            let clock = self.options.clock.clone();
            self.beating = Some(Box::pin(async move {
                clock.sleep(lease / 3).await;
                Beat::Due
            }));
        }
    }

    fn beat(&mut self, beat: Beat) {
        match beat {
            Beat::Due => {
                let (consumer, leases) = (self.consumer, self.engine.leases());
                let by = consumer.capabilities().lease.unwrap_or_default();
                self.beating = Some(Box::pin(async move {
                    let extend =
                        |(slot, lease): (Slot, Lease)| async move { (slot, consumer.extend(&lease, by).await) };
                    Beat::Done(join_all(leases.into_iter().map(extend)).await)
                }));
            }
            Beat::Done(extended) => {
                for (slot, result) in extended {
                    match result {
                        Ok(lease) => self.engine.extended(slot, lease),
                        // Settled meanwhile, or lost to another consumer: the settlement will tell.
                        Err(error) => tracing::debug!(%error, "lease not extended"),
                    }
                }
                self.beat_later();
            }
        }
    }
}

fn consumer_as_settler(consumer: &dyn Consumer) -> &dyn crate::Settle {
    consumer
}

/// How many messages can be handled within a lease that cannot be extended, with a fifth of it to spare.
fn budget(lease: Duration, slowest: Duration, concurrency: usize) -> usize {
    if slowest.is_zero() {
        // Nothing is known yet: only what starts at once.
        return concurrency;
    }
    let rounds = lease.as_nanos().saturating_mul(4) / slowest.as_nanos().saturating_mul(5).max(1);
    usize::try_from(rounds.max(1))
        .unwrap_or(usize::MAX)
        .saturating_mul(concurrency)
}

/// 100 ms after the first failure, doubling to 30 s.
fn pause(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => Duration::from_millis(100 << doublings.min(9)).min(Duration::from_secs(30)),
    }
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

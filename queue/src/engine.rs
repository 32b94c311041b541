//! Handles deliveries and settles them; what `process` and `run` share.

use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, Either, poll_fn, select},
    stream::FuturesUnordered,
};

use crate::{
    Clock, ConsumerCapabilities, DeadLetter, Delivery, Handler, Lease, Outcome, Report, Result, Settle, Settled,
    Settlement, Unsettled, clock::until, error::bounded,
};

/// Tells apart what is in hand; one message may be in hand twice when its lease was lost.
pub(crate) type Slot = u64;

pub(crate) struct Engine<'a> {
    settler: &'a dyn Settle,
    handler: &'a dyn Handler,
    capabilities: ConsumerCapabilities,
    concurrency: usize,
    /// Cuts a handler off.
    limit: Option<(Arc<dyn Clock>, Duration)>,
    backlog: VecDeque<(Slot, Delivery)>,
    running: FuturesUnordered<BoxFuture<'a, Handled>>,
    /// The newest lease of everything that waits or runs.
    leases: BTreeMap<Slot, Lease>,
    finished: Vec<Settlement>,
    settling: Option<Settling<'a>>,
    report: Report,
    next_slot: Slot,
    /// How long the slowest of the last handlers took.
    slowest: Duration,
}

/// A settlement under way gives back what it was asked.
type Settling<'a> = BoxFuture<'a, (Vec<Settlement>, Result<Vec<Settled>>)>;

struct Handled {
    slot: Slot,
    outcome: Outcome,
    special: Option<Special>,
    took: Duration,
}

enum Special {
    Panicked,
    Undecodable,
    TimedOut,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(settler: &'a dyn Settle, handler: &'a dyn Handler, concurrency: usize) -> Self {
        Self {
            settler,
            handler,
            capabilities: settler.capabilities(),
            concurrency: concurrency.max(1),
            limit: None,
            backlog: VecDeque::new(),
            running: FuturesUnordered::new(),
            leases: BTreeMap::new(),
            finished: Vec::new(),
            settling: None,
            report: Report::default(),
            next_slot: 0,
            slowest: Duration::ZERO,
        }
    }

    pub(crate) fn cut_off_after(mut self, clock: Arc<dyn Clock>, limit: Duration) -> Self {
        self.limit = Some((clock, limit));
        self
    }

    /// Runs `deliveries` to their end.
    pub(crate) async fn finish(mut self, deliveries: Vec<Delivery>) -> Report {
        self.take_in(deliveries);
        while !self.is_idle() {
            poll_fn(|cx| self.poll_step(cx)).await;
        }
        self.report
    }

    pub(crate) fn into_report(self) -> Report {
        self.report
    }

    pub(crate) fn take_in(&mut self, deliveries: Vec<Delivery>) {
        self.report.totals.received += deliveries.len() as u64;
        for delivery in deliveries {
            self.next_slot += 1;
            self.leases.insert(self.next_slot, delivery.lease().clone());
            self.backlog.push_back((self.next_slot, delivery));
        }
    }

    /// Has room for more than is here.
    pub(crate) fn is_hungry(&self) -> bool {
        self.backlog.is_empty() && self.running.len() < self.concurrency
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.backlog.is_empty() && self.running.is_empty() && self.finished.is_empty() && self.settling.is_none()
    }

    /// How long a handler takes, at worst; zero before the first has ended.
    pub(crate) fn slowest(&self) -> Duration {
        self.slowest
    }

    /// What has to be kept leased.
    pub(crate) fn leases(&self) -> Vec<(Slot, Lease)> {
        self.leases.iter().map(|(slot, lease)| (*slot, lease.clone())).collect()
    }

    pub(crate) fn extended(&mut self, slot: Slot, lease: Lease) {
        if let Some(held) = self.leases.get_mut(&slot) {
            *held = lease;
        }
    }

    /// Gives back what was not started.
    pub(crate) fn release_backlog(&mut self) {
        for (slot, _) in std::mem::take(&mut self.backlog) {
            self.settle_later(slot, Outcome::Release);
        }
    }

    /// Drops what runs and gives everything back.
    pub(crate) fn abandon(&mut self) {
        self.running.clear();
        self.backlog.clear();
        for slot in self.leases.keys().copied().collect::<Vec<_>>() {
            self.settle_later(slot, Outcome::Release);
        }
    }

    /// Starts what can start and returns when something has ended.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.running.len() < self.concurrency
            && let Some((slot, delivery)) = self.backlog.pop_front()
        {
            self.running
                .push(handle(self.handler, slot, delivery, self.limit.clone()).boxed());
        }
        if let Poll::Ready(Some(handled)) = self.running.poll_next_unpin(cx) {
            self.handled(handled);
            return Poll::Ready(());
        }
        if self.settling.is_none() && !self.finished.is_empty() {
            let settler = self.settler;
            let settlements = std::mem::take(&mut self.finished);
            self.settling = Some(Box::pin(async move {
                let result = settler.settle(&settlements).await;
                (settlements, result)
            }));
        }
        if let Some(settling) = &mut self.settling
            && let Poll::Ready((settlements, result)) = settling.poll_unpin(cx)
        {
            self.settling = None;
            self.settled(settlements, result);
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn handled(&mut self, handled: Handled) {
        // An outlier is forgotten by and by.
        self.slowest = handled.took.max(self.slowest.mul_f64(0.95));
        let totals = &mut self.report.totals;
        match handled.special {
            Some(Special::Panicked) => totals.panicked += 1,
            Some(Special::Undecodable) => totals.undecodable += 1,
            Some(Special::TimedOut) => totals.timed_out += 1,
            None => {}
        }
        self.settle_later(handled.slot, handled.outcome);
    }

    fn settle_later(&mut self, slot: Slot, outcome: Outcome) {
        if let Some(lease) = self.leases.remove(&slot) {
            self.finished
                .push(Settlement::new(lease, fit(outcome, &self.capabilities)));
        }
    }

    fn settled(&mut self, settlements: Vec<Settlement>, result: Result<Vec<Settled>>) {
        let totals = &mut self.report.totals;
        match result {
            Ok(answers) => {
                for (settlement, settled) in settlements.iter().zip(answers) {
                    let counter = match (settled, &settlement.verdict) {
                        (Settled::Stale, _) => &mut totals.stale,
                        (Settled::Exhausted, _) | (Settled::Done, Outcome::DeadLetter { .. }) => {
                            &mut totals.dead_lettered
                        }
                        (Settled::Done, Outcome::Ack) => &mut totals.acked,
                        (Settled::Postponed, _) | (Settled::Done, Outcome::Retry { .. }) => &mut totals.retried,
                        (Settled::Done, Outcome::Release | Outcome::Snooze { .. }) => &mut totals.released,
                    };
                    *counter += 1;
                }
            }
            Err(error) => {
                totals.unsettled += settlements.len() as u64;
                let ids: Vec<_> = settlements
                    .iter()
                    .map(|settlement| settlement.lease.id().clone())
                    .collect();
                tracing::warn!(%error, messages = ids.len(), "settlement failed; the messages come again");
                self.report.unsettled.push(Unsettled { ids, error });
            }
        }
    }
}

async fn handle(
    handler: &dyn Handler,
    slot: Slot,
    delivery: Delivery,
    limit: Option<(Arc<dyn Clock>, Duration)>,
) -> Handled {
    let start = limit.as_ref().map(|(clock, _)| clock.now_ms());
    let (outcome, special) = outcome_of(handler, &delivery, limit.as_ref()).await;
    let took = match (limit, start) {
        (Some((clock, _)), Some(start)) => until(start, clock.now_ms()),
        _ => Duration::ZERO,
    };
    Handled {
        slot,
        outcome,
        special,
        took,
    }
}

async fn outcome_of(
    handler: &dyn Handler,
    delivery: &Delivery,
    limit: Option<&(Arc<dyn Clock>, Duration)>,
) -> (Outcome, Option<Special>) {
    if let Some(error) = delivery.undecodable() {
        let reason = format!("{}: {error}", DeadLetter::UNDECODABLE);
        return (Outcome::DeadLetter { reason }, Some(Special::Undecodable));
    }
    // The call stands inside the block, so that a panic before the first await is caught too.
    let handling = AssertUnwindSafe(async { handler.handle(delivery).await }).catch_unwind();
    let ended = match limit {
        None => handling.await,
        Some((clock, limit)) => match select(pin!(handling), clock.sleep(*limit)).await {
            Either::Left((ended, _)) => ended,
            Either::Right(_) => {
                let outcome = Outcome::retry(format!("the handler was cut off after {limit:?}"));
                return (outcome, Some(Special::TimedOut));
            }
        },
    };
    match ended {
        Ok(outcome) => (outcome, None),
        Err(panic) => {
            let error = format!("the handler panicked: {}", panic_text(&*panic));
            tracing::error!(message = %delivery.id(), %error);
            (Outcome::retry(error), Some(Special::Panicked))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    bounded(
        text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message"),
    )
}

/// The nearest verdict that the queue can carry out.
fn fit(outcome: Outcome, capabilities: &ConsumerCapabilities) -> Outcome {
    match outcome {
        Outcome::Release if !capabilities.release => Outcome::Retry {
            after: None,
            error: None,
        },
        Outcome::Snooze { after } => {
            let after = after.min(capabilities.max_delay);
            match capabilities.release {
                true => Outcome::Snooze { after },
                false => Outcome::Retry {
                    after: Some(after),
                    error: None,
                },
            }
        }
        Outcome::DeadLetter { reason } if !capabilities.dead_letter => Outcome::Retry {
            after: None,
            error: Some(reason),
        },
        Outcome::Retry {
            after: Some(after),
            error,
        } => Outcome::Retry {
            after: Some(after.min(capabilities.max_delay)),
            error,
        },
        other => other,
    }
}

//! Handling a batch that is already here.

use crate::{Delivery, Error, Handler, MessageId, Settle, engine::Engine};

/// Handles every delivery, up to `concurrency` at a time, and settles each exactly once.
///
/// Never fails for a message's sake:
///
/// - A panic in a handler is a retry of that message; its neighbours go on (`panic_is_a_retry_of_that_message`).
/// - A message that cannot be decoded goes to the dead letters and never reaches the handler (`undecodable_goes_to_the_dead_letters`).
/// - Every delivery is settled exactly once (`every_delivery_is_settled_once`).
/// - No more than `concurrency` handlers run at a time; 0 counts as 1 (`concurrency_is_bounded`).
/// - What the queue cannot do is done the nearest way: `Release` and `Snooze`, and `DeadLetter` where there is none, become a
///   retry; a retry beyond `max_delay` waits `max_delay` (`verdicts_fit_the_queue`).
/// - A settlement that fails is in the report; its message comes again when its lease ends (`failed_settlement_is_reported`).
///
/// Verdicts that fall while a settlement is under way travel together in the next one, so fast handlers cost few
/// round trips and slow ones are settled at once.
pub async fn process(
    settler: &dyn Settle,
    deliveries: Vec<Delivery>,
    handler: &dyn Handler,
    concurrency: usize,
) -> Report {
    Engine::new(settler, handler, concurrency).finish(deliveries).await
}

/// What [`process`] did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many messages took which way.
    pub totals: Totals,
    /// Settlements that failed. Their messages come again when their leases end.
    pub unsettled: Vec<Unsettled>,
}

/// How many messages took which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Deliveries taken in.
    pub received: u64,
    /// Acknowledged.
    pub acked: u64,
    /// To be delivered again.
    pub retried: u64,
    /// Given up: by verdict, out of attempts, or undecodable.
    pub dead_lettered: u64,
    /// Given back untouched.
    pub released: u64,
    /// Settled too late: someone else has the message, or had it.
    pub stale: u64,
    /// Not settled, because the settlement failed.
    pub unsettled: u64,
    /// Handlers that panicked; each is also counted by what became of its message.
    pub panicked: u64,
    /// Messages that could not be decoded; each is also counted by what became of it.
    pub undecodable: u64,
    /// Handlers cut off at the hard limit of [`RunOptions`](crate::RunOptions); each is also counted by what became of
    /// its message.
    pub timed_out: u64,
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.acked += other.acked;
        self.retried += other.retried;
        self.dead_lettered += other.dead_lettered;
        self.released += other.released;
        self.stale += other.stale;
        self.unsettled += other.unsettled;
        self.panicked += other.panicked;
        self.undecodable += other.undecodable;
        self.timed_out += other.timed_out;
    }
}

/// A settlement that failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unsettled {
    /// The messages it was to settle.
    pub ids: Vec<MessageId>,
    /// Why it failed.
    pub error: Error,
}

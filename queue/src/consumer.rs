//! The receiving side: [`Settle`] and [`Consumer`].

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Delivery, Lease, Result, Settled, Settlement};

/// Takes verdicts on deliveries. All that a pushed batch can do.
#[async_trait]
pub trait Settle: Send + Sync {
    /// Says which verdicts work here.
    ///
    /// - Where `release` is false, [`Outcome::Release`](crate::Outcome::Release) and
    ///   [`Outcome::Snooze`](crate::Outcome::Snooze) are [`Error::Unsupported`](crate::Error::Unsupported) (`release_is_declared`).
    /// - Where `dead_letter` is false, [`Outcome::DeadLetter`](crate::Outcome::DeadLetter) is
    ///   [`Error::Unsupported`](crate::Error::Unsupported) (`dead_letter_is_declared`).
    /// - Where `extend` is false, [`Consumer::extend`] is [`Error::Unsupported`](crate::Error::Unsupported) (`extend_is_declared`).
    /// - A retry later than `max_delay` is [`Error::InvalidDelay`](crate::Error::InvalidDelay) and settles nothing of the
    ///   call (`retry_delay_limit_is_declared`).
    fn capabilities(&self) -> ConsumerCapabilities;

    /// Settles deliveries; one answer for each, in order.
    ///
    /// - `Ack` removes the message for good (`ack_removes`).
    /// - The first verdict wins; a second one is [`Settled::Stale`] and changes nothing (`first_verdict_wins`).
    /// - A lease that expired and was delivered anew is stale, and the new delivery stays (`stale_ack_after_expiry_is_refused`).
    /// - A lease from before a dead letter and its redrive is stale (`stale_ack_after_redrive_is_refused`).
    /// - A lease that expired and was not delivered anew still counts (`late_ack_before_redelivery_counts`).
    /// - One stale item does not keep the others from being applied (`stale_item_does_not_stop_the_others`).
    /// - `Retry` without a time delivers again after the queue's own retry delay (`retry_delivers_again`).
    /// - `Retry` with a time is not early (`retry_delay_is_kept`).
    /// - `Retry` on the last attempt makes a dead letter and answers [`Settled::Exhausted`] (`retry_on_the_last_attempt_dead_letters`).
    /// - `DeadLetter` keeps id, body, headers, reason, attempts and the time of the first send (`dead_letter_keeps_everything`).
    /// - `Release` gives the message back at once and does not count the delivery (`release_does_not_count`).
    /// - `Snooze` gives the message back, not before its time, and does not count the delivery (`snooze_waits_and_does_not_count`).
    /// - Settling nothing succeeds (`settling_nothing_is_a_no_op`).
    /// - A settlement whose answer was lost can be repeated and changes nothing more (`lost_settlement_can_be_repeated`).
    /// - A lease of another queue is stale (`foreign_lease_is_stale`).
    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>>;
}

/// Pulls deliveries under a lease.
#[async_trait]
pub trait Consumer: Settle {
    /// Receives up to `max` messages, waiting up to `wait` for the first.
    ///
    /// A `max` above `max_receive` is taken as `max_receive`.
    ///
    /// - An empty queue answers with nothing after `wait`, not before (`empty_queue_waits_and_answers_nothing`).
    /// - No more than `max` come, and those that are there come without waiting for more (`max_is_respected`).
    /// - A message that arrives ends the wait (`arrival_ends_the_wait`).
    /// - A message that becomes due ends the wait (`due_message_ends_the_wait`).
    /// - A leased message is hidden from everyone else (`leased_message_is_hidden`).
    /// - Two consumers never hold one message at a time (`two_consumers_are_disjoint`).
    /// - Of many consumers that wait, each gets a message as soon as there is one for it
    ///   (`fifty_waiting_consumers_get_one_each`).
    /// - A lease that expires delivers the message again, with its attempt counted (`expired_lease_delivers_again`).
    /// - A receive dropped at any await point loses nothing; what it held comes back within one lease (`dropped_receive_loses_nothing`).
    /// - Attempts start at 1 and count deliveries, whatever came of them (`attempts_count_deliveries`).
    /// - A message is delivered `max_attempts` times and is then a dead letter, even when no verdict ever came; its
    ///   `last_error` then says so (`poison_is_delivered_max_attempts_times`).
    /// - Where `isolates`, a message whose last delivery ended without a verdict comes alone, so that one that kills its
    ///   process takes no neighbour along to the dead letters (`poison_takes_no_neighbour_along`).
    /// - A message that cannot be decoded is delivered with its error and does not touch its neighbours (`undecodable_is_delivered_with_its_error`).
    /// - A thousand messages that fall due at once all come (`many_due_at_once_all_come`).
    /// - Ten thousand do too, each once (`ten_thousand_due_at_once_all_come`).
    /// - Whatever is asked in whatever order, the answers are those of the memory queue (`random_operations_agree_with_the_model`).
    /// - Under lost answers, dropped receives, expired leases and many consumers at a time nothing is lost, nothing comes
    ///   again after its acknowledgement, and every extra delivery has its cause (`random_faults_lose_nothing`).
    /// - A service that is killed and started again in mid-traffic, and kept its disk, loses nothing; each restart costs at
    ///   most the deliveries that were in hand (`restarted_service_loses_nothing`).
    /// - A service that is emptied in mid-traffic is used on: later messages come, leases of before are stale
    ///   (`emptied_service_is_used_on`).
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>>;

    /// Moves the end of a lease to `by` from now and returns the lease to use from here on.
    ///
    /// A stale lease is [`Error::Stale`](crate::Error::Stale).
    ///
    /// - The message stays hidden until the new end (`extend_moves_the_deadline`).
    /// - A shorter time than is left changes nothing (`extend_never_shortens`).
    /// - A stale lease is refused (`stale_extend_is_refused`).
    async fn extend(&self, lease: &Lease, by: Duration) -> Result<Lease>;
}

/// What a [`Settle`] or [`Consumer`] can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerCapabilities {
    /// The backend's name, as it appears in errors.
    pub provider: &'static str,
    /// The most messages in one [`Consumer::receive`].
    pub max_receive: usize,
    /// How long a lease lasts; `None` where the runtime pushes and there is none.
    pub lease: Option<Duration>,
    /// After this many deliveries a message becomes a dead letter; `None` where the queue does not say.
    pub max_attempts: Option<u32>,
    /// The longest time a retry can wait.
    pub max_delay: Duration,
    /// [`Delivery::attempt`] is known.
    pub attempts: bool,
    /// A lease that was superseded is refused.
    pub fencing: bool,
    /// [`Consumer::extend`] works.
    pub extend: bool,
    /// [`Outcome::Release`](crate::Outcome::Release) and [`Outcome::Snooze`](crate::Outcome::Snooze) work.
    pub release: bool,
    /// [`Outcome::DeadLetter`](crate::Outcome::DeadLetter) works.
    pub dead_letter: bool,
    /// A message whose last delivery ended without a verdict comes alone.
    pub isolates: bool,
}

impl ConsumerCapabilities {
    /// What the least able backend has: nothing, until the fields say otherwise.
    pub fn new(provider: &'static str, max_receive: usize, max_delay: Duration) -> Self {
        Self {
            provider,
            max_receive,
            lease: None,
            max_attempts: None,
            max_delay,
            attempts: false,
            fencing: false,
            extend: false,
            release: false,
            dead_letter: false,
            isolates: false,
        }
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        #[async_trait]
        impl<T: Settle + ?Sized> Settle for $pointer {
            fn capabilities(&self) -> ConsumerCapabilities {
                (**self).capabilities()
            }
            async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
                (**self).settle(settlements).await
            }
        }

        #[async_trait]
        impl<T: Consumer + ?Sized> Consumer for $pointer {
            async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>> {
                (**self).receive(max, wait).await
            }
            async fn extend(&self, lease: &Lease, by: Duration) -> Result<Lease> {
                (**self).extend(lease, by).await
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

const _: fn(&dyn Settle, &dyn Consumer) = |_, _| {};

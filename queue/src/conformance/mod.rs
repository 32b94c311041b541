//! The suite that every backend runs, one named test per behaviour of the traits.
//!
//! Write a [`Harness`] for the backend and give it to [`queue_conformance!`](crate::queue_conformance):
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use async_trait::async_trait;
//! use presswork_queue::{
//!     Admin, Clock, Consumer, DeadLetters, Inspect, MemoryQueue, Queue, VirtualClock,
//!     conformance::{Harness, LosesAnswers},
//! };
//!
//! struct Memory(Arc<LosesAnswers<MemoryQueue>>, VirtualClock);
//!
//! #[async_trait]
//! impl Harness for Memory {
//!     async fn start() -> Self {
//!         let clock = VirtualClock::new();
//!         let queue = MemoryQueue::builder().clock(Arc::new(clock.clone())).build().unwrap();
//!         Self(Arc::new(LosesAnswers::new(queue)), clock)
//!     }
//!     fn queue(&self) -> Arc<dyn Queue> {
//!         self.0.clone()
//!     }
//!     fn consumer(&self) -> Arc<dyn Consumer> {
//!         self.0.clone()
//!     }
//!     fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
//!         Some(Arc::new(self.0.inner().clone()))
//!     }
//!     fn inspect(&self) -> Option<Arc<dyn Inspect>> {
//!         Some(Arc::new(self.0.inner().clone()))
//!     }
//!     fn admin(&self) -> Option<Arc<dyn Admin>> {
//!         Some(Arc::new(self.0.inner().clone()))
//!     }
//!     async fn sibling(&self) -> (Arc<dyn Queue>, Arc<dyn Consumer>) {
//!         let other = MemoryQueue::new();
//!         (Arc::new(other.clone()), Arc::new(other))
//!     }
//!     fn clock(&self) -> Arc<dyn Clock> {
//!         Arc::new(self.1.clone())
//!     }
//!     async fn advance(&self, by: Duration) {
//!         self.1.advance(by);
//!     }
//!     async fn put_text(&self, text: &str) {
//!         self.0.inner().send_text(text);
//!     }
//!     async fn lose_next_answer(&self) {
//!         self.0.lose_next_answer();
//!     }
//! }
//!
//! presswork_queue::queue_conformance!(Memory; skip {
//!     messages_survive_reopen = "memory is not durable",
//!     delayed_message_survives_reopen = "memory is not durable",
//!     restarted_service_loses_nothing = "there is no service to kill",
//!     emptied_service_is_used_on = "nobody else can empty it",
//! });
//! ```
//!
//! Give settings that leave room: at least 3 attempts, and, where time is real, a lease well above the
//! [`tolerance`](Harness::tolerance).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod admin;
pub mod chaos;
pub mod dead_letters;
pub mod declared;
pub mod delay;
mod harness;
pub mod history;
pub mod lease;
pub mod model;
pub mod process;
mod random;
pub mod receive;
pub mod run;
pub mod send;
pub mod settle;
mod tools;

pub use harness::{Harness, LosesAnswers, Need};

/// Whether the case `name` is skipped; prints the reason when it is.
///
/// # Panics
/// When the backend declares that it has the behaviour.
#[doc(hidden)]
pub fn skipped<H: Harness>(harness: &H, name: &str, need: Need, skips: &[(&str, &str)]) -> bool {
    let Some((_, reason)) = skips.iter().find(|(skip, _)| *skip == name) else {
        return false;
    };
    assert!(
        !need.is_declared(harness),
        "`{name}` is skipped ({reason}), but the queue declares that it has this: {need:?}"
    );
    println!("skipped: {name}: {reason}");
    true
}

/// Expands the suite into one test per case.
///
/// `queue_conformance!(Harness)`, with `; test = attribute` for another test attribute than `tokio::test`, and
/// `; skip { case = "reason", .. }` for what the backend declares that it cannot do.
#[macro_export]
macro_rules! queue_conformance {
    ($harness:ty $(; skip $skips:tt)?) => {
        $crate::queue_conformance!($harness; test = tokio::test $(; skip $skips)?);
    };
    ($harness:ty; test = $test:meta) => {
        $crate::queue_conformance!($harness; test = $test; skip {});
    };
    ($harness:ty; test = $test:meta; skip $skips:tt) => {
        $crate::__queue_conformance_cases!(__queue_conformance_emit { $harness, $test, $skips });

        /// Every skip names a case that exists.
        #[test]
        fn skips_name_cases() {
            for (skip, _) in $crate::__queue_conformance_skips!($skips) {
                assert!($crate::conformance::CASES.contains(skip), "no case is called `{skip}`");
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __queue_conformance_skips {
    ({ $($case:ident = $reason:expr),* $(,)? }) => {
        &[$((stringify!($case), $reason)),*] as &[(&str, &str)]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __queue_conformance_emit {
    ({ $harness:ty, $test:meta, $skips:tt } $($module:ident::$case:ident: $need:ident,)*) => {$(
        #[$test]
        async fn $case() {
            if let Err(reason) = <$harness as $crate::conformance::Harness>::available() {
                println!("skipped: {reason}");
                return;
            }
            let harness = <$harness as $crate::conformance::Harness>::start().await;
            let skips = $crate::__queue_conformance_skips!($skips);
            let need = $crate::conformance::Need::$need;
            if !$crate::conformance::skipped(&harness, stringify!($case), need, skips) {
                $crate::conformance::$module::$case(&harness).await;
            }
        }
    )*};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __queue_conformance_names {
    ({} $($module:ident::$case:ident: $need:ident,)*) => {
        /// The names of all cases.
        pub const CASES: &[&str] = &[$(stringify!($case)),*];
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __queue_conformance_cases {
    ($callback:ident $arguments:tt) => {
        $crate::$callback! { $arguments
            declared::delay_limit_is_declared: Always,
            declared::idempotency_is_declared: Always,
            declared::release_is_declared: Always,
            declared::dead_letter_is_declared: Always,
            declared::extend_is_declared: Always,
            declared::retry_delay_limit_is_declared: Always,
            send::bodies_arrive_unchanged: Always,
            send::json_payloads_survive: Always,
            send::headers_round_trip: Always,
            send::size_limit_is_exact: Always,
            send::repeated_key_returns_the_first_id: Idempotency,
            send::key_expires_after_its_ttl: Idempotency,
            send::concurrent_senders_of_one_key_make_one_message: Idempotency,
            send::lost_answer_can_be_repeated: Idempotency,
            send::empty_batch_is_a_no_op: Always,
            send::batch_returns_ids_in_order: Always,
            send::batch_limit_is_exact: Always,
            send::batch_bytes_limit_holds: Always,
            send::bad_message_refuses_the_batch: Always,
            send::key_repeated_in_a_batch_makes_one_message: Idempotency,
            send::messages_survive_reopen: Durable,
            delay::delay_is_never_early: Always,
            delay::delayed_message_survives_reopen: Durable,
            delay::retry_delay_is_kept: Always,
            delay::many_due_at_once_all_come: Always,
            receive::empty_queue_waits_and_answers_nothing: Always,
            receive::max_is_respected: Always,
            receive::arrival_ends_the_wait: Always,
            receive::due_message_ends_the_wait: Always,
            receive::two_consumers_are_disjoint: Always,
            receive::fifty_waiting_consumers_get_one_each: Always,
            receive::dropped_receive_loses_nothing: Always,
            receive::undecodable_is_delivered_with_its_error: Always,
            lease::leased_message_is_hidden: Lease,
            lease::expired_lease_delivers_again: Lease,
            lease::attempts_count_deliveries: Attempts,
            lease::poison_is_delivered_max_attempts_times: MaxAttempts,
            lease::poison_takes_no_neighbour_along: Isolates,
            lease::extend_moves_the_deadline: Extend,
            lease::extend_never_shortens: Extend,
            lease::stale_extend_is_refused: Extend,
            settle::ack_removes: Always,
            settle::first_verdict_wins: Fencing,
            settle::stale_ack_after_expiry_is_refused: Fencing,
            settle::stale_ack_after_redrive_is_refused: Fencing,
            settle::late_ack_before_redelivery_counts: Lease,
            settle::stale_item_does_not_stop_the_others: Fencing,
            settle::retry_delivers_again: Always,
            settle::retry_on_the_last_attempt_dead_letters: MaxAttempts,
            settle::dead_letter_keeps_everything: DeadLetters,
            settle::release_does_not_count: Release,
            settle::snooze_waits_and_does_not_count: Release,
            settle::settling_nothing_is_a_no_op: Always,
            settle::lost_settlement_can_be_repeated: Always,
            settle::foreign_lease_is_stale: Fencing,
            dead_letters::dead_letters_list_in_pages: DeadLetters,
            dead_letters::filter_narrows: DeadLetters,
            dead_letters::undecodable_dead_letter_is_listed: DeadLetters,
            dead_letters::dry_run_changes_nothing: DeadLetters,
            dead_letters::redrive_is_filtered: DeadLetters,
            dead_letters::redrive_resets_attempts: DeadLetters,
            dead_letters::concurrent_redrives_bring_each_once: DeadLetters,
            dead_letters::discard_is_filtered: DeadLetters,
            dead_letters::depth_counts_each_state: Inspect,
            dead_letters::oldest_age_is_the_longest_due: Inspect,
            history::random_faults_lose_nothing: MaxAttempts,
            chaos::restarted_service_loses_nothing: Killable,
            chaos::emptied_service_is_used_on: Emptied,
            model::random_operations_agree_with_the_model: Fencing,
            delay::ten_thousand_due_at_once_all_come: Always,
            admin::peek_changes_nothing: Admin,
            admin::peek_shows_what_waits: Admin,
            admin::purge_removes_all_but_dead_letters: Admin,
            admin::paused_queue_delivers_nothing: Admin,
            admin::resume_ends_the_wait: Admin,
            process::panic_is_a_retry_of_that_message: Always,
            process::undecodable_goes_to_the_dead_letters: DeadLetters,
            process::every_delivery_is_settled_once: Always,
            process::concurrency_is_bounded: Always,
            process::verdicts_fit_the_queue: Always,
            process::failed_settlement_is_reported: Lease,
            run::lease_is_kept_while_handling: Extend,
            run::hanging_handler_is_cut_off: Always,
            run::drain_releases_what_was_not_started: Release,
            run::drain_has_a_deadline: Release,
            run::failing_receive_is_repeated: Always,
        }
    };
}

crate::__queue_conformance_cases!(__queue_conformance_names {});

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// Each bullet of the traits names its case, and each case has its bullet.
    #[test]
    fn bullets_and_cases_agree() {
        let sources = [
            include_str!("../queue.rs"),
            include_str!("../consumer.rs"),
            include_str!("../dead_letter.rs"),
            include_str!("../inspect.rs"),
            include_str!("../admin.rs"),
            include_str!("../process.rs"),
            include_str!("../run.rs"),
        ];
        let mut named = BTreeSet::new();
        for source in sources {
            for end in source.split("(`").skip(1) {
                if let Some((name, rest)) = end.split_once("`)")
                    && rest.starts_with('.')
                {
                    assert!(named.insert(name), "two bullets name `{name}`");
                }
            }
        }
        assert_eq!(named, super::CASES.iter().copied().collect());
        assert_eq!(named.len(), super::CASES.len());
    }
}

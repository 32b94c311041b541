//! [`DeadLetters`]: messages that were given up, kept until a person decides.

use async_trait::async_trait;

use crate::{Cursor, DeadLetter, DeadLetterClaim, DeadLetterId, DeadLetterList, NewDeadLetter, Op, Result};

/// Dead letters, for queues that keep none themselves.
///
/// To redrive: list, take, send, remove with the owner's name. Who dies after sending leaves the letter behind, to be
/// taken again when its lease is over: at least once, never not at all.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Keeps a letter, at the op's time.
    ///
    /// - Everything it says is kept, any Unicode and NUL in its body included (`record_dead_letter_keeps_everything`).
    /// - The same message of the same queue again is one letter, with the newer words (`record_dead_letter_again_is_one_letter`).
    /// - A letter given up again while it is held is held no longer, so that its holder does not remove it
    ///   (`record_dead_letter_again_frees_it`).
    /// - A body at its limit is kept whole; one past it, or a bad name, is refused (`record_dead_letter_refuses_what_is_too_much`).
    /// - The same op repeated is one change (`record_dead_letter_repeats`).
    async fn record_dead_letter(&self, op: &Op, letter: &NewDeadLetter) -> Result<DeadLetter>;

    /// Letters of that queue, or of all, `limit` (1..=[`limits::MAX_ROWS`](crate::limits::MAX_ROWS)) at a time.
    ///
    /// - Filters and cursors work as for pages (`list_dead_letters_filters_and_pages`).
    async fn list_dead_letters<'a>(
        &self,
        queue: Option<&'a str>,
        after: Option<&'a Cursor>,
        limit: u32,
    ) -> Result<DeadLetterList>;

    /// Takes those of the named letters that nobody holds.
    ///
    /// - Letters are leased to the owner and given whole; held, removed and unknown ones are left out
    ///   (`take_dead_letters_leases_the_free_ones`).
    /// - A letter whose lease is over is taken again (`take_dead_letters_takes_over_an_expired_lease`).
    /// - Eight takers at once share no letter (`takers_at_once_are_disjoint`).
    /// - The same op repeated gives the letters that op took, as far as it still holds them (`take_dead_letters_repeats`).
    async fn take_dead_letters(&self, op: &Op, claim: &DeadLetterClaim) -> Result<Vec<DeadLetter>>;

    /// Removes letters for good. Gives how many there were.
    ///
    /// - With an owner: the named ones that this owner holds, because they were sent (`remove_dead_letters_ends_what_was_redriven`).
    /// - Without: the named ones that nobody holds at the op's time, because nobody wants them (`remove_dead_letters_discards_what_is_free`).
    /// - The same op repeated gives the same number (`remove_dead_letters_repeats`).
    async fn remove_dead_letters<'a>(&self, op: &Op, owner: Option<&'a str>, ids: &[DeadLetterId]) -> Result<u64>;

    /// How many letters there are, of that queue or of all.
    ///
    /// - The count follows every change (`count_dead_letters_follows_every_change`).
    async fn count_dead_letters<'a>(&self, queue: Option<&'a str>) -> Result<u64>;
}

const _: fn(&dyn DeadLetters) = |_| {};

//! Looking at a queue without touching it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::Result;

/// Counts what a queue holds.
#[async_trait]
pub trait Inspect: Send + Sync {
    /// Counts the messages by state.
    ///
    /// - Each message is counted once, under its state of now (`depth_counts_each_state`).
    /// - The oldest age is that of the ready message that has been due the longest (`oldest_age_is_the_longest_due`).
    async fn depth(&self) -> Result<Depth>;
}

/// How many messages a queue holds, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Due now, expired leases included.
    pub ready: u64,
    /// Waiting for their time.
    pub delayed: u64,
    /// Being handled under a lease.
    pub leased: u64,
    /// Dead letters.
    pub dead: u64,
    /// How long the ready message that has waited longest has been due; `None` when none is ready.
    pub oldest_age: Option<Duration>,
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        #[async_trait]
        impl<T: Inspect + ?Sized> Inspect for $pointer {
            async fn depth(&self) -> Result<Depth> {
                (**self).depth().await
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

const _: fn(&dyn Inspect) = |_| {};

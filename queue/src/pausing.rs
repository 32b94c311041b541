//! Keeping one target's messages back while it asks for patience: [`Pausing`].

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    Clock, Delivery, Handler, Outcome, SystemClock,
    clock::{millis, until},
};

/// The most targets that are remembered at a time; one that is over is forgotten.
const MAX_TARGETS: usize = 10_000;

/// A handler whose targets can ask for a pause, each for itself.
///
/// When the handler answers [`Outcome::Retry`] with a time, as for "429, try again in a minute", the messages of the same
/// target are [snoozed](Outcome::Snooze) until then without a handler being asked. Other targets go on, and no attempt
/// is counted where the queue can give messages back.
///
/// ```
/// use presswork_queue::{Delivery, Handler, Pausing};
///
/// fn paced(handler: impl Handler) -> impl Handler {
///     Pausing::new(handler, |delivery: &Delivery| delivery.headers().get("target").cloned())
/// }
/// ```
pub struct Pausing<H, F> {
    handler: H,
    target: F,
    clock: Arc<dyn Clock>,
    paused: Mutex<HashMap<String, i64>>,
}

impl<H: Handler, F: Fn(&Delivery) -> Option<String> + Send + Sync> Pausing<H, F> {
    /// Wraps `handler`. `target` says whom a message is for; messages for nobody are never held back.
    pub fn new(handler: H, target: F) -> Self {
        Self {
            handler,
            target,
            clock: Arc::new(SystemClock),
            paused: Mutex::default(),
        }
    }

    /// The clock of the pauses. Default [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn paused(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause(&self, target: String, end: i64) {
        let now = self.clock.now_ms();
        let mut paused = self.paused();
        if paused.len() >= MAX_TARGETS {
            paused.retain(|_, end| *end > now);
        }
        if paused.len() < MAX_TARGETS || paused.contains_key(&target) {
            let until = paused.entry(target).or_insert(end);
            *until = end.max(*until);
        }
    }
}

#[async_trait]
impl<H: Handler, F: Fn(&Delivery) -> Option<String> + Send + Sync> Handler for Pausing<H, F> {
    async fn handle(&self, delivery: &Delivery) -> Outcome {
        let Some(target) = (self.target)(delivery) else {
            return self.handler.handle(delivery).await;
        };
        let now = self.clock.now_ms();
        let end = self.paused().get(&target).copied().filter(|end| *end > now);
        if let Some(end) = end {
            return Outcome::Snooze { after: until(now, end) };
        }
        let outcome = self.handler.handle(delivery).await;
        if let Outcome::Retry { after: Some(after), .. } = &outcome {
            self.pause(target, self.clock.now_ms().saturating_add(millis(*after)));
        }
        outcome
    }
}

impl<H, F> fmt::Debug for Pausing<H, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pausing(..)")
    }
}

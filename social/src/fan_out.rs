use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::{FutureExt, future::join_all};

use crate::{Error, Post, Published, Report, Result, SocialTarget};

/// Publishes to several targets at once and returns one result per target.
///
/// `FanOut` is deliberately no [`SocialTarget`]: one result for several networks would hide some of them.
#[derive(Clone)]
pub struct FanOut {
    targets: Vec<Arc<dyn SocialTarget>>,
}

/// What became of a post at one target.
#[derive(Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// The target's [`network`](SocialTarget::network).
    pub network: String,
    /// The target's [`account`](SocialTarget::account).
    pub account: String,
    /// The target's own answer.
    pub result: Result<Published>,
}

impl FanOut {
    /// A fan-out over `targets`, in this order.
    ///
    /// # Errors
    /// [`Error::Config`] when two targets are the same account of the same network: each would post the text.
    pub fn new(targets: impl IntoIterator<Item = Arc<dyn SocialTarget>>) -> Result<Self> {
        let targets: Vec<_> = targets.into_iter().collect();
        for (index, target) in targets.iter().enumerate() {
            let same = |other: &Arc<dyn SocialTarget>| {
                other.network() == target.network() && other.account() == target.account()
            };
            if targets[..index].iter().any(same) {
                let message = format!("the account {} is given twice", target.account());
                return Err(Error::Config {
                    report: Report::new(target.network(), message),
                });
            }
        }
        Ok(Self { targets })
    }

    /// The targets, in the order of the results.
    pub fn targets(&self) -> &[Arc<dyn SocialTarget>] {
        &self.targets
    }

    /// Makes one attempt per target, all at once; `post` makes the variant for each.
    ///
    /// A target that fails, hangs until its own timeout, or panics does not keep the others from answering; a panic
    /// is [`Error::Unknown`] for its own target.
    pub async fn publish<F>(&self, post: F) -> Vec<Delivery>
    where
        F: Fn(&dyn SocialTarget) -> Post + Send + Sync,
    {
        let attempts = self.targets.iter().map(|target| {
            let post = post(&**target);
            async move {
                let attempt = AssertUnwindSafe(target.publish(&post)).catch_unwind();
                let result = attempt.await.unwrap_or_else(|_| {
                    let report = Report::new(target.network(), "the target panicked");
                    Err(Error::unknown(report, None))
                });
                Delivery {
                    network: target.network().to_owned(),
                    account: target.account().to_owned(),
                    result,
                }
            }
        });
        join_all(attempts.collect::<Vec<_>>()).await
    }
}

impl std::fmt::Debug for FanOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let accounts = self.targets.iter().map(|target| (target.network(), target.account()));
        f.debug_list().entries(accounts).finish()
    }
}

#[cfg(test)]
mod tests;

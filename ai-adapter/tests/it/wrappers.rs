//! The suite around the wrappers, in virtual time.

use std::sync::Arc;

use async_trait::async_trait;
use presswork_ai_adapter::conformance::{Fault, Harness};
use presswork_ai_adapter::{
    Account, Cap, Fallback, LanguageModel, LanguageModelExt, Price, Prices, RetryPolicy, Scripted, VirtualClock,
    language_model_conformance,
};

use crate::scripted::{answer, fail};

const ATTEMPTS: u32 = 3;

mod retry {
    use super::*;

    struct Retried {
        script: Scripted,
        clock: Arc<VirtualClock>,
    }

    #[async_trait]
    impl Harness for Retried {
        async fn start() -> Self {
            let clock = Arc::new(VirtualClock::new(0.5));
            Self {
                script: Scripted::new().clock(clock.clone()),
                clock,
            }
        }

        fn model(&self) -> Arc<dyn LanguageModel> {
            let policy = RetryPolicy::default().max_attempts(ATTEMPTS).clock(self.clock.clone());
            Arc::new(self.script.clone().retry(policy))
        }

        async fn answer(&self) {
            answer(&self.script);
        }

        async fn inject(&self, fault: Fault) {
            match fault {
                Fault::RateLimited | Fault::Down | Fault::Garbage | Fault::Empty | Fault::HalfReply => {
                    (0..ATTEMPTS).for_each(|_| fail(&self.script, fault));
                }
                _ => fail(&self.script, fault),
            }
        }

        async fn arrived(&self) -> Option<usize> {
            Some(self.script.requests().len())
        }
    }

    language_model_conformance!(Retried);
}

mod fallback {
    use super::*;

    /// Faults of the first model's provider reach the second, which has the same; other faults end with the first.
    struct Paired {
        first: Scripted,
        second: Scripted,
        clock: Arc<VirtualClock>,
    }

    #[async_trait]
    impl Harness for Paired {
        async fn start() -> Self {
            let clock = Arc::new(VirtualClock::new(0.5));
            let script = || Scripted::new().clock(clock.clone());
            Self {
                first: script(),
                second: script(),
                clock: clock.clone(),
            }
        }

        fn model(&self) -> Arc<dyn LanguageModel> {
            Arc::new(Fallback::new(self.first.clone(), self.second.clone()).clock(self.clock.clone()))
        }

        async fn answer(&self) {
            answer(&self.first);
        }

        async fn inject(&self, fault: Fault) {
            fail(&self.first, fault);
            fail(&self.second, fault);
        }

        async fn arrived(&self) -> Option<usize> {
            Some(self.first.requests().len() + self.second.requests().len())
        }
    }

    language_model_conformance!(Paired);
}

/// The suite around a wrapper that asks once and adds nothing to what goes well.
macro_rules! suite {
    ($name:ident, |$script:ident, $clock:ident| $model:expr) => {
        mod $name {
            use super::*;

            struct Wrapped {
                script: Scripted,
                clock: Arc<VirtualClock>,
                model: Arc<dyn LanguageModel>,
            }

            #[async_trait]
            impl Harness for Wrapped {
                async fn start() -> Self {
                    let clock = Arc::new(VirtualClock::new(0.5));
                    let script = Scripted::new().clock(clock.clone());
                    let ($script, $clock) = (script.clone(), clock.clone());
                    let model = Arc::new($model);
                    Self { script, clock, model }
                }

                fn model(&self) -> Arc<dyn LanguageModel> {
                    self.model.clone()
                }

                async fn answer(&self) {
                    answer(&self.script);
                }

                async fn inject(&self, fault: Fault) {
                    // Whatever the wrapper remembers of the fault before is over.
                    self.clock.advance(std::time::Duration::from_secs(3600));
                    fail(&self.script, fault);
                }

                async fn arrived(&self) -> Option<usize> {
                    Some(self.script.requests().len())
                }
            }

            language_model_conformance!(Wrapped);
        }
    };
}

suite!(circuit_breaker, |script, clock| script
    .circuit_breaker()
    .failures(1)
    .clock(clock));
suite!(rate_limit, |script, clock| script
    .rate_limit()
    .requests_per_minute(100)
    .tokens_per_minute(100_000)
    .concurrency(8)
    .clock(clock));
suite!(timeout, |script, clock| script
    .timeout()
    .total(std::time::Duration::from_secs(100))
    .first_event(std::time::Duration::from_secs(50))
    .idle(std::time::Duration::from_secs(50))
    .clock(clock));
suite!(budget, |script, clock| {
    let price = Price::new(1_000_000, 10_000_000).max_output_tokens(1_000);
    let prices = Prices::as_of("2026-11-23").model("scripted", "scripted", price);
    script.budget(&Account::new(prices, [Cap::per_day(u64::MAX)]).clock(clock))
});
#[cfg(feature = "cache")]
suite!(cache, |script, clock| script
    .cache(presswork_ai_adapter::MemoryCache::new(0))
    .clock(clock));
suite!(ladder, |script, clock| script.ladder().clock(clock));
suite!(record, |script, _clock| script.record());
#[cfg(feature = "tracing")]
suite!(traced, |script, _clock| script.traced().content(true));

//! The suite around the scripted model: its first customer.

use std::sync::Arc;

use async_trait::async_trait;
use presswork_ai_adapter::conformance::{Fault, Harness, RETRY_AFTER};
use presswork_ai_adapter::{
    Capabilities, Error, Failure, FinishReason, LanguageModel, Scripted, TextResponse, language_model_conformance,
};

/// Adds a fault to a script.
pub(crate) fn fail(model: &Scripted, fault: Fault) {
    let script = model.clone();
    let provider = model.provider();
    let failure = || Failure::new(provider, format!("{fault:?}")).boxed();
    let _ = match fault {
        Fault::RateLimited => {
            let failure = Failure::new(provider, "slow down").retry_after(Some(RETRY_AFTER));
            script.error(Error::RateLimited(failure.boxed()))
        }
        Fault::Quota => script.error(Error::QuotaExhausted(failure())),
        Fault::Unauthenticated => script.error(Error::Unauthenticated(failure())),
        Fault::BadRequest => script.error(Error::Rejected(failure())),
        Fault::Down => script.error(Error::Unavailable(failure())),
        Fault::Silence => script.silence(),
        Fault::Garbage | Fault::Empty => script.error(Error::Malformed(failure())),
        Fault::HalfReply => script.cut([r#"{"hal"#]),
        Fault::Refusal => script.refuse("I would rather not."),
        Fault::Length => {
            let mut response = TextResponse::new(provider, model.model(), "Once upon a");
            response.finish = FinishReason::Length;
            script.response(response)
        }
        Fault::CutStream => script.cut(["Once ", "upon"]),
        other => panic!("unknown fault {other:?}"),
    };
}

/// An answer to the plain request, and to one with the suite's schema.
pub(crate) fn answer(model: &Scripted) {
    let _ = model.clone().pieces([r#"{"text": "Hel"#, r#"lo."}"#]);
}

mod everything {
    use super::*;

    struct Everything(Scripted);

    #[async_trait]
    impl Harness for Everything {
        async fn start() -> Self {
            Self(Scripted::new())
        }

        fn model(&self) -> Arc<dyn LanguageModel> {
            Arc::new(self.0.clone())
        }

        async fn answer(&self) {
            answer(&self.0);
        }

        async fn inject(&self, fault: Fault) {
            fail(&self.0, fault);
        }

        async fn arrived(&self) -> Option<usize> {
            Some(self.0.requests().len())
        }
    }

    language_model_conformance!(Everything);
}

mod nothing {
    use super::*;

    /// A model that can do nothing but answer.
    struct Nothing(Scripted);

    #[async_trait]
    impl Harness for Nothing {
        async fn start() -> Self {
            Self(Scripted::new().capabilities(Capabilities::none()))
        }

        fn model(&self) -> Arc<dyn LanguageModel> {
            Arc::new(self.0.clone())
        }

        async fn answer(&self) {
            answer(&self.0);
        }

        async fn inject(&self, fault: Fault) {
            fail(&self.0, fault);
        }

        async fn arrived(&self) -> Option<usize> {
            Some(self.0.requests().len())
        }
    }

    language_model_conformance!(Nothing; skip {
        a_stream_ends_with_its_sum = "streaming is off",
        a_cut_stream_is_incomplete = "streaming is off",
        a_stream_fails_as_generate_does = "streaming is off",
    });
}

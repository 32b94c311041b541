//! The contract of [`LanguageModel`] as tests: one case per bullet of its documentation.
//!
//! Implement [`Harness`] for the far side of your model, and name it:
//!
//! ```
//! # use std::sync::Arc;
//! # use presswork_ai_adapter::conformance::{Fault, Harness};
//! # use presswork_ai_adapter::{LanguageModel, Scripted};
//! # struct MyServer(Scripted);
//! # #[async_trait::async_trait]
//! # impl Harness for MyServer {
//! #     async fn start() -> Self { Self(Scripted::new()) }
//! #     fn model(&self) -> Arc<dyn LanguageModel> { Arc::new(self.0.clone()) }
//! #     async fn answer(&self) {}
//! #     async fn inject(&self, _: Fault) {}
//! # }
//! presswork_ai_adapter::language_model_conformance!(MyServer; skip {
//!     a_cut_stream_is_incomplete = "the server does not stream"
//! });
//! ```
//!
//! Each case becomes a test of its own name. A skipped case stays a test that prints its reason, and fails when the
//! model's capabilities or the harness say that the behaviour is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;

use crate::{LanguageModel, ResponseSchema, TextRequest};

mod embeddings;
mod failures;
mod images;
mod replies;
mod streams;

pub use self::embeddings::*;
pub use self::failures::*;
pub use self::images::*;
pub use self::replies::*;
pub use self::streams::*;

/// How long a request waits for a [`Fault::Silence`].
pub const PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);

/// The wait a [`Fault::RateLimited`] asks for.
pub const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(7);

/// What the far side does to the next call instead of answering it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Says there were too many requests, and to wait [`RETRY_AFTER`].
    RateLimited,
    /// Says the quota is used up.
    Quota,
    /// Refuses the credentials.
    Unauthenticated,
    /// Will not take the prompt.
    BadRequest,
    /// Fails, as an overloaded server does.
    Down,
    /// Says nothing for much longer than [`PATIENCE`].
    Silence,
    /// Answers with something that is not the protocol.
    Garbage,
    /// Answers with the first half of a reply.
    HalfReply,
    /// Answers with a reply that holds no answer.
    Empty,
    /// Answers that the model declines.
    Refusal,
    /// Answers with a text that met the output limit.
    Length,
    /// Begins a stream and ends it before its terminal event.
    CutStream,
}

/// The far side of a model under test.
#[async_trait]
pub trait Harness: Send + Sync + Sized {
    /// Starts a fresh one.
    async fn start() -> Self;

    /// The model that talks to it.
    fn model(&self) -> Arc<dyn LanguageModel>;

    /// Makes the next call succeed, streamed or not, with an answer to [`request`](Self::request).
    async fn answer(&self);

    /// Makes the next call meet a fault. Called only with what [`injects`](Self::injects) admits. When the model repeats by
    /// itself, every repetition meets it.
    async fn inject(&self, fault: Fault);

    /// Whether the far side can do this.
    fn injects(&self, _fault: Fault) -> bool {
        true
    }

    /// How many requests arrived, where that is known.
    async fn arrived(&self) -> Option<usize> {
        None
    }

    /// A plain request that the far side answers.
    fn request(&self) -> TextRequest {
        TextRequest::user("Say hello.")
    }

    /// A schema whose answer the far side gives.
    fn schema(&self) -> ResponseSchema {
        let text = json!({ "type": "string" });
        let schema = json!({
            "type": "object", "properties": { "text": text }, "required": ["text"], "additionalProperties": false,
        });
        ResponseSchema::new("greeting", schema)
    }
}

/// What a case needs to be run.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub enum Need {
    Nothing,
    Streaming,
    Fault(Fault),
    StreamFault(Fault),
}

impl Need {
    /// Why a case cannot be run, `None` when it can.
    fn missing<H: Harness>(self, harness: &H) -> Option<String> {
        let (streams, fault) = match self {
            Self::Nothing => (false, None),
            Self::Streaming => (true, None),
            Self::Fault(fault) => (false, Some(fault)),
            Self::StreamFault(fault) => (true, Some(fault)),
        };
        if streams && !harness.model().capabilities().streaming {
            return Some("the model does not stream".to_owned());
        }
        fault
            .filter(|fault| !harness.injects(*fault))
            .map(|fault| format!("the harness cannot inject {fault:?}"))
    }
}

/// Runs a case, or reports that it is skipped and checks that it may be.
#[doc(hidden)]
pub async fn run<H: Harness>(
    name: &str,
    need: Need,
    skips: &[(&str, &str)],
    case: for<'a> fn(&'a H) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
) {
    let harness = H::start().await;
    let missing = need.missing(&harness);
    match skips.iter().find(|(skipped, _)| *skipped == name) {
        Some((_, reason)) => {
            assert!(
                missing.is_some(),
                "{name} is skipped ({reason}), but the model declares the behaviour"
            );
            println!("skipped: {name}: {reason}");
        }
        None => {
            assert!(
                missing.is_none(),
                "{name} cannot be run: {}; skip it by name",
                missing.unwrap_or_default()
            );
            case(&harness).await;
        }
    }
}

/// Every skip names a case.
#[doc(hidden)]
pub fn check_skips(cases: &[&str], skips: &[(&str, &str)]) {
    for (name, _) in skips {
        assert!(cases.contains(name), "the skip `{name}` names no case");
    }
}

/// Expands the suite for a [`Harness`](crate::conformance::Harness): one test per case.
///
/// `language_model_conformance!(H)`, `(H; skip { case = "reason" })`, `(H; test = wasm_bindgen_test)` for another test
/// attribute than `tokio::test`, or both, the attribute first.
#[macro_export]
macro_rules! language_model_conformance {
    ($harness:ty $(; skip { $($skip:ident = $reason:literal),* $(,)? })?) => {
        $crate::language_model_conformance!($harness; test = tokio::test $(; skip { $($skip = $reason),* })?);
    };
    ($harness:ty; test = $($attribute:ident)::+ $(; skip { $($skip:ident = $reason:literal),* $(,)? })?) => {
        $crate::__language_model_cases! {
            [$harness] [$($attribute)::+] [$($((stringify!($skip), $reason)),*)?]
            a_reply_carries_text_and_names_its_model: Nothing,
            a_reply_lists_its_attempts: Nothing,
            calls_may_overlap: Nothing,
            supported_settings_are_taken: Nothing,
            unsupported_settings_are_refused: Nothing,
            a_failure_lists_its_attempts: Fault(Down),
            a_refusal_is_a_reply_that_says_so: Fault(Refusal),
            a_cut_answer_finished_by_length: Fault(Length),
            rate_limited_is_retryable_and_says_when: Fault(RateLimited),
            quota_is_not_retryable: Fault(Quota),
            bad_credentials_are_not_retryable: Fault(Unauthenticated),
            a_bad_request_is_rejected: Fault(BadRequest),
            a_failing_server_is_unavailable: Fault(Down),
            silence_is_a_timeout: Fault(Silence),
            garbage_is_malformed: Fault(Garbage),
            half_a_reply_is_an_error: Fault(HalfReply),
            an_empty_reply_is_malformed: Fault(Empty),
            a_stream_ends_with_its_sum: Streaming,
            a_cut_stream_is_incomplete: StreamFault(CutStream),
            a_stream_fails_as_generate_does: StreamFault(Down),
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __language_model_cases {
    ([$harness:ty] $attribute:tt $skips:tt $($case:ident: $need:ident $(($fault:ident))?,)+) => {
        $($crate::__language_model_case!([$harness] $attribute $skips $case $need $(($fault))?);)+

        #[test]
        fn every_skip_names_a_case() {
            $crate::conformance::check_skips(&[$(stringify!($case)),+], &$skips);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __language_model_case {
    ([$harness:ty] [$($attribute:tt)+] $skips:tt $case:ident $need:ident $(($fault:ident))?) => {
        #[$($attribute)+]
        async fn $case() {
            let need = $crate::conformance::Need::$need$(($crate::conformance::Fault::$fault))?;
            $crate::conformance::run::<$harness>(stringify!($case), need, &$skips, |harness| {
                Box::pin($crate::conformance::$case(harness))
            })
            .await;
        }
    };
}

//! The suite around the offline writer: it needs no far side, so most faults cannot happen to it.

use std::sync::Arc;

use async_trait::async_trait;
use presswork_ai_adapter::conformance::{Fault, Harness};
use presswork_ai_adapter::{LanguageModel, Template, TextRequest, language_model_conformance};

struct Offline(Arc<Template>);

#[async_trait]
impl Harness for Offline {
    async fn start() -> Self {
        let text = "Hello, {{ name }}, and a good day to everybody who reads the many words of this greeting.";
        Self(Arc::new(
            Template::builder()
                .object("greeting", [("text", text)])
                .build()
                .unwrap(),
        ))
    }

    fn model(&self) -> Arc<dyn LanguageModel> {
        self.0.clone()
    }

    async fn answer(&self) {}

    async fn inject(&self, fault: Fault) {
        panic!("there is no far side to inject {fault:?}");
    }

    fn injects(&self, _: Fault) -> bool {
        false
    }

    fn request(&self) -> TextRequest {
        TextRequest::user("Greet:\n```json\n{\"name\": \"Wörld\"}\n```").schema(self.schema())
    }
}

language_model_conformance!(Offline; skip {
    a_failure_lists_its_attempts = "no server",
    a_refusal_is_a_reply_that_says_so = "templates do not decline",
    a_cut_answer_finished_by_length = "templates have no output limit",
    rate_limited_is_retryable_and_says_when = "no server",
    quota_is_not_retryable = "no account",
    bad_credentials_are_not_retryable = "no credentials",
    a_bad_request_is_rejected = "no server",
    a_failing_server_is_unavailable = "no server",
    silence_is_a_timeout = "no server",
    garbage_is_malformed = "no server",
    half_a_reply_is_an_error = "no server",
    an_empty_reply_is_malformed = "no server",
    a_cut_stream_is_incomplete = "no connection",
    a_stream_fails_as_generate_does = "no server",
});

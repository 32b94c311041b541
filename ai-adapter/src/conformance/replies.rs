//! What a model answers, and what it may be asked.

use futures_util::future::join_all;
use serde_json::json;

use super::Harness;
use crate::{Capabilities, Error, ReasoningEffort, TextRequest, Tool, ToolChoice};

/// A reply carries text, and names the provider and the model.
pub async fn a_reply_carries_text_and_names_its_model<H: Harness>(h: &H) {
    h.answer().await;
    let model = h.model();
    let response = model.generate(&h.request()).await.expect("an answer");
    assert!(!response.text.is_empty());
    assert!(!response.is_refused(), "{response:?}");
    assert!(!model.provider().is_empty() && !model.model().is_empty());
    assert_eq!(response.provider, model.provider());
    assert!(!response.model.is_empty());
}

/// A reply lists the attempts that made it.
pub async fn a_reply_lists_its_attempts<H: Harness>(h: &H) {
    h.answer().await;
    let response = h.model().generate(&h.request()).await.expect("an answer");
    let last = response.attempts.last().expect("at least one attempt");
    assert_eq!(last.error, None);
    assert_eq!(last.provider, response.provider);
    assert_eq!(last.usage, response.usage);
}

/// A model takes many calls, also at once.
pub async fn calls_may_overlap<H: Harness>(h: &H) {
    for _ in 0..8 {
        h.answer().await;
    }
    let (model, request) = (h.model(), h.request());
    let answers = join_all((0..8).map(|_| model.generate(&request))).await;
    for answer in answers {
        assert!(!answer.expect("an answer").text.is_empty());
    }
}

/// A flag's name, how to read it, and the request with the one setting it is about.
type Setting = (&'static str, fn(&Capabilities) -> bool, TextRequest);

fn settings<H: Harness>(h: &H) -> Vec<Setting> {
    // The plain request may need a schema, as an offline writer does; JSON mode and a schema exclude each other.
    let plain = h.request();
    let mut without = plain.clone();
    without.schema = None;
    let tool = Tool::new(
        "look_up",
        "Looks a word up.",
        json!({ "type": "object", "properties": {} }),
    );
    vec![
        (
            "native_schema",
            |can| can.native_schema,
            plain.clone().schema(h.schema()),
        ),
        (
            "json_mode",
            |can| can.json_mode,
            without.clone().system("Answer in JSON.").json_mode(),
        ),
        ("tools", |can| can.tools, without.clone().tool(tool.clone())),
        (
            "forced_tool",
            |can| can.tools && can.forced_tool,
            without.tool(tool).tool_choice(ToolChoice::Named("look_up".into())),
        ),
        ("sampling", |can| can.sampling, plain.clone().temperature(0.5)),
        ("sampling", |can| can.sampling, plain.clone().top_p(0.5)),
        ("stop", |can| can.stop, plain.clone().stop("END")),
        (
            "reasoning_effort",
            |can| can.reasoning_effort,
            plain.reasoning_effort(ReasoningEffort::Low),
        ),
    ]
}

/// A setting whose flag is `true` is taken.
pub async fn supported_settings_are_taken<H: Harness>(h: &H) {
    let model = h.model();
    for (name, flag, request) in settings(h) {
        if flag(&model.capabilities()) {
            h.answer().await;
            model
                .generate(&request)
                .await
                .unwrap_or_else(|error| panic!("{name} is declared: {error}"));
        }
    }
}

/// A setting whose flag is `false` is `Unsupported`, and nothing is sent.
pub async fn unsupported_settings_are_refused<H: Harness>(h: &H) {
    let model = h.model();
    for (name, flag, request) in settings(h) {
        if !flag(&model.capabilities()) {
            let error = model.generate(&request).await.expect_err(name);
            assert!(matches!(error, Error::Unsupported(_)), "{name}: {error:?}");
            assert!(!error.is_retryable());
        }
    }
    if !model.capabilities().streaming {
        let error = model.stream(&h.request()).await.expect_err("streaming");
        assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
    }
    assert_eq!(h.arrived().await.unwrap_or(0), 0, "a refused request was sent");
}

//! A request as the one text that stands for its answer.

use serde::Serialize;
use serde_json::Value;

use crate::{Message, ReasoningEffort, ResponseSchema, TextRequest, Tool, ToolChoice};

/// Everything that changes the answer, in this order.
#[derive(Serialize)]
struct Canonical<'a> {
    provider: &'a str,
    model: &'a str,
    system: &'a Option<String>,
    messages: &'a [Message],
    max_output_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop: &'a [String],
    schema: &'a Option<ResponseSchema>,
    json_mode: bool,
    tools: &'a [Tool],
    tool_choice: &'a ToolChoice,
    reasoning_effort: Option<ReasoningEffort>,
}

/// The request without what does not change its answer: labels and the deadline.
pub(crate) fn canonical(provider: &str, model: &str, request: &TextRequest) -> serde_json::Result<Value> {
    // Taken apart, so that a new field cannot be forgotten here.
    let TextRequest {
        messages,
        system,
        max_output_tokens,
        temperature,
        top_p,
        stop,
        schema,
        json_mode,
        tools,
        tool_choice,
        reasoning_effort,
        metadata: _,
        timeout: _,
    } = request;
    serde_json::to_value(Canonical {
        provider,
        model,
        system,
        messages,
        max_output_tokens: *max_output_tokens,
        temperature: *temperature,
        top_p: *top_p,
        stop,
        schema,
        json_mode: *json_mode,
        tools,
        tool_choice,
        reasoning_effort: *reasoning_effort,
    })
}

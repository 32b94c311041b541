//! How large a request is, without a tokenizer.

use crate::{Part, TextRequest};

/// Bytes of everything in the request that a model reads.
pub(crate) fn bytes(request: &TextRequest) -> u64 {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let parts: usize = parts
        .map(|part| match part {
            Part::Text(text) => text.len(),
            Part::ToolCall(call) => call.id.len() + call.name.len() + call.arguments.len(),
            Part::ToolResult { call_id, content } => call_id.len() + content.len(),
            Part::Verbatim(verbatim) => verbatim.content.to_string().len(),
        })
        .sum();
    let tools: usize = request
        .tools
        .iter()
        .map(|tool| tool.name.len() + tool.description.len() + tool.parameters.to_string().len())
        .sum();
    let schema = request
        .schema
        .as_ref()
        .map_or(0, |schema| schema.name.len() + schema.schema.to_string().len());
    let system = request.system.as_ref().map_or(0, String::len);
    (parts + tools + schema + system) as u64
}

/// About how many tokens the request and its answer take: four bytes a token, as OpenAI's own rule of thumb has it
/// (<https://help.openai.com/en/articles/4936856>), and the whole output limit when there is one.
pub(crate) fn likely_tokens(request: &TextRequest) -> u64 {
    bytes(request).div_ceil(4) + u64::from(request.max_output_tokens.unwrap_or(0))
}

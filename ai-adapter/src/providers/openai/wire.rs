//! The request, as Chat Completions takes it.

use serde::Serialize;
use serde_json::Value;

use super::Dialect;
use crate::{Message, Part, Role, TextRequest, ToolChoice, strict_schema};

#[derive(Debug, Serialize)]
pub(super) struct ChatRequest<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<NamedTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Debug, Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    /// Left out, never null: Workers AI refuses a null.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<std::borrow::Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct WireCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Debug, Serialize)]
struct CalledFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'a> },
}

#[derive(Debug, Serialize)]
struct JsonSchema<'a> {
    name: &'a str,
    schema: std::borrow::Cow<'a, Value>,
    strict: bool,
}

#[derive(Debug, Serialize)]
struct WireTool<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

#[derive(Debug, Serialize)]
struct NamedTool<'a> {
    r#type: &'static str,
    function: ToolName<'a>,
}

#[derive(Debug, Serialize)]
struct ToolName<'a> {
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> ChatRequest<'a> {
    /// Renders `request`; what the dialect cannot say in full goes into `warnings`.
    pub(super) fn new(
        model: &'a str,
        dialect: &Dialect,
        request: &'a TextRequest,
        stream: bool,
        warnings: &mut Vec<String>,
    ) -> Self {
        let (completion, plain) = if dialect.max_completion_tokens {
            (request.max_output_tokens, None)
        } else {
            (None, request.max_output_tokens)
        };
        let system = request
            .system
            .as_deref()
            .map(|text| WireMessage::text("system", text.into()));
        Self {
            model,
            messages: system
                .into_iter()
                .chain(request.messages.iter().flat_map(wire_messages))
                .collect(),
            max_completion_tokens: completion,
            max_tokens: plain,
            temperature: request.temperature,
            top_p: request.top_p,
            stop: &request.stop,
            response_format: response_format(request, warnings),
            tools: request.tools.iter().map(wire_tool).collect(),
            tool_choice: match &request.tool_choice {
                ToolChoice::Auto => None,
                ToolChoice::Named(name) => Some(NamedTool {
                    r#type: "function",
                    function: ToolName { name },
                }),
            },
            reasoning_effort: request.reasoning_effort.map(crate::ReasoningEffort::as_str),
            stream,
            stream_options: (stream && dialect.stream_usage).then_some(StreamOptions { include_usage: true }),
        }
    }
}

fn wire_tool(tool: &crate::Tool) -> WireTool<'_> {
    let function = Function {
        name: &tool.name,
        description: &tool.description,
        parameters: &tool.parameters,
    };
    WireTool {
        r#type: "function",
        function,
    }
}

fn response_format<'a>(request: &'a TextRequest, warnings: &mut Vec<String>) -> Option<ResponseFormat<'a>> {
    let Some(wanted) = &request.schema else {
        return request.json_mode.then_some(ResponseFormat::JsonObject);
    };
    let strict = strict_schema(&wanted.schema);
    if strict.is_none() {
        warnings.push(format!(
            "schema `{}` has no strict form; it was sent as it is and may not be enforced",
            wanted.name
        ));
    }
    let json_schema = JsonSchema {
        name: &wanted.name,
        strict: strict.is_some(),
        schema: strict.map_or(std::borrow::Cow::Borrowed(&wanted.schema), std::borrow::Cow::Owned),
    };
    Some(ResponseFormat::JsonSchema { json_schema })
}

impl<'a> WireMessage<'a> {
    fn text(role: &'static str, content: std::borrow::Cow<'a, str>) -> Self {
        Self {
            role,
            content: Some(content),
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }
}

/// One message, or one per tool result: each goes in a message of its own.
fn wire_messages(message: &Message) -> Vec<WireMessage<'_>> {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let mut text: Option<std::borrow::Cow<'_, str>> = None;
    let mut tool_calls = Vec::new();
    let mut results = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text(more) => match &mut text {
                Some(text) => text.to_mut().push_str(more),
                None => text = Some(more.into()),
            },
            Part::ToolCall(call) => tool_calls.push(WireCall {
                id: &call.id,
                r#type: "function",
                function: CalledFunction {
                    name: &call.name,
                    arguments: &call.arguments,
                },
            }),
            Part::ToolResult { call_id, content } => results.push(WireMessage {
                tool_call_id: Some(call_id),
                ..WireMessage::text("tool", content.into())
            }),
        }
    }
    if text.is_some() || !tool_calls.is_empty() || results.is_empty() {
        let content = text.or_else(|| tool_calls.is_empty().then_some("".into()));
        results.insert(
            0,
            WireMessage {
                role,
                content,
                tool_calls,
                tool_call_id: None,
            },
        );
    }
    results
}

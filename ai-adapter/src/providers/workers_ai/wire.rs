//! The inputs of a run.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::providers::openai::responses;
use crate::{Message, Part, Role, SchemaDialect, TextRequest, ToolChoice, compile_schema};

/// The inputs of gpt-oss: the Responses API's, with the model in the path.
pub(super) fn responses<'a>(
    request: &'a TextRequest,
    limit: u32,
    stream: bool,
    warnings: &mut Vec<String>,
) -> responses::Request<'a> {
    responses::Request::new("", request, stream, None, warnings)
        .bare()
        .limit(limit)
}

/// The inputs of every other text model. A null is refused (`5006`), so nothing that is not set is sent.
#[derive(Debug, Serialize)]
pub(super) struct Inputs<'a> {
    messages: Vec<Turn<'a>>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Debug, Serialize)]
struct Turn<'a> {
    role: &'static str,
    /// Never an array or null: later tool rounds refuse both. Empty beside calls.
    #[serde(serialize_with = "crate::http::words")]
    content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Called<'a>,
}

#[derive(Debug, Serialize)]
struct Called<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// The schema stands bare, unlike everywhere else.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema { json_schema: Cow<'a, Value> },
}

#[derive(Debug, Serialize)]
struct Tool<'a> {
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
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    Named { r#type: &'static str, function: Name<'a> },
}

#[derive(Debug, Serialize)]
struct Name<'a> {
    name: &'a str,
}

impl<'a> Inputs<'a> {
    /// Renders `request`; what the API cannot say in full goes into `warnings`.
    pub(super) fn new(request: &'a TextRequest, limit: u32, stream: bool, warnings: &mut Vec<String>) -> Self {
        let mut messages = Vec::with_capacity(request.messages.len() + 1);
        messages.extend(request.system.as_deref().map(|text| turn("system", text.into())));
        for message in &request.messages {
            turns(message, &mut messages);
        }
        Self {
            messages,
            max_tokens: limit,
            temperature: request.temperature,
            top_p: request.top_p,
            stop: &request.stop,
            response_format: format(request, warnings),
            tools: request.tools.iter().map(tool).collect(),
            tool_choice: choice(request),
            reasoning_effort: request.reasoning_effort.map(crate::ReasoningEffort::as_str),
            stream,
        }
    }
}

fn tool(tool: &crate::Tool) -> Tool<'_> {
    Tool {
        r#type: "function",
        function: Function {
            name: &tool.name,
            description: &tool.description,
            parameters: &tool.parameters,
        },
    }
}

/// `required` is only a wish there, a name is obeyed.
fn choice(request: &TextRequest) -> Option<Choice<'_>> {
    let name = match (&request.tool_choice, request.tools.as_slice()) {
        (ToolChoice::Auto, _) | (ToolChoice::None, []) => return None,
        (ToolChoice::None, _) => return Some(Choice::Word("none")),
        (ToolChoice::Named(name), _) => name,
        (ToolChoice::Required, [only]) => &only.name,
        (ToolChoice::Required, _) => return Some(Choice::Word("required")),
    };
    Some(Choice::Named {
        r#type: "function",
        function: Name { name },
    })
}

fn format<'a>(request: &'a TextRequest, warnings: &mut Vec<String>) -> Option<Format<'a>> {
    let Some(wanted) = &request.schema else {
        return request.json_mode.then_some(Format::JsonObject);
    };
    let compiled = compile_schema(&wanted.schema, SchemaDialect::OpenAi);
    if let Some(loss) = compiled.unenforceable() {
        warnings.push(format!(
            "schema `{}` was sent as it is and may not be enforced: {loss}",
            wanted.name
        ));
    }
    Some(Format::JsonSchema {
        json_schema: compiled.schema.map_or(Cow::Borrowed(&wanted.schema), Cow::Owned),
    })
}

fn turn<'a>(role: &'static str, content: Cow<'a, str>) -> Turn<'a> {
    Turn {
        role,
        content,
        tool_calls: Vec::new(),
        tool_call_id: None,
    }
}

/// One turn, or one per tool result: each goes in a message of its own.
fn turns<'a>(message: &'a Message, out: &mut Vec<Turn<'a>>) {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let mut own = turn(role, Cow::Borrowed(""));
    let mut results = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text(text) if own.content.is_empty() => own.content = text.into(),
            Part::Text(text) => own.content.to_mut().push_str(text),
            Part::ToolCall(call) => own.tool_calls.push(Call {
                id: &call.id,
                r#type: "function",
                function: Called {
                    name: &call.name,
                    arguments: &call.arguments,
                },
            }),
            Part::ToolResult { call_id, content } => results.push(Turn {
                tool_call_id: Some(call_id),
                ..turn("tool", content.into())
            }),
            Part::Verbatim(_) => {}
        }
    }
    if !own.content.is_empty() || !own.tool_calls.is_empty() || results.is_empty() {
        out.push(own);
    }
    out.extend(results);
}
